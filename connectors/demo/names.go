package demo

// A name as written and as it goes into an e-mail address.
type name struct{ text, latin string }

// people's names by language and sex.
type nameBook struct {
	male, female         []name
	lastMale, lastFemale []name
}

var english = nameBook{
	male:     latin("James", "Oliver", "George", "Harry", "Noah", "Jack", "Leo", "Arthur", "Oscar", "Henry", "Thomas", "William", "Daniel", "Patrick", "Sean", "Liam", "Edward", "Samuel", "Peter", "Martin", "David", "Simon", "Andrew", "Michael"),
	female:   latin("Olivia", "Amelia", "Emily", "Sophie", "Grace", "Ella", "Charlotte", "Alice", "Lucy", "Ruby", "Hannah", "Sarah", "Laura", "Emma", "Claire", "Helen", "Jane", "Rachel", "Nicola", "Fiona", "Aoife", "Niamh", "Kate", "Julia"),
	lastMale: latin("Smith", "Jones", "Taylor", "Brown", "Williams", "Wilson", "Johnson", "Davies", "Patel", "Robinson", "Wright", "Thompson", "Evans", "Walker", "White", "Roberts", "Green", "Hall", "Wood", "Jackson", "Clarke", "Murphy", "Kelly", "O'Brien", "Byrne", "Ryan", "Doyle", "Baker", "Turner", "Hughes", "Edwards", "Cooper"),
}

var russian = nameBook{
	male: []name{
		{"Александр", "alexander"}, {"Дмитрий", "dmitry"}, {"Сергей", "sergey"}, {"Андрей", "andrey"}, {"Алексей", "alexey"}, {"Максим", "maxim"},
		{"Иван", "ivan"}, {"Михаил", "mikhail"}, {"Николай", "nikolay"}, {"Павел", "pavel"}, {"Роман", "roman"}, {"Артём", "artem"},
		{"Виктор", "viktor"}, {"Юрий", "yury"}, {"Олег", "oleg"}, {"Игорь", "igor"}, {"Тимур", "timur"}, {"Арман", "arman"},
	},
	female: []name{
		{"Анна", "anna"}, {"Мария", "maria"}, {"Елена", "elena"}, {"Ольга", "olga"}, {"Наталья", "natalia"}, {"Екатерина", "ekaterina"},
		{"Татьяна", "tatiana"}, {"Ирина", "irina"}, {"Светлана", "svetlana"}, {"Юлия", "yulia"}, {"Дарья", "daria"}, {"Ксения", "ksenia"},
		{"Полина", "polina"}, {"Алина", "alina"}, {"Вера", "vera"}, {"Нина", "nina"}, {"Айгуль", "aigul"}, {"Динара", "dinara"},
	},
	lastMale: []name{
		{"Иванов", "ivanov"}, {"Смирнов", "smirnov"}, {"Кузнецов", "kuznetsov"}, {"Попов", "popov"}, {"Васильев", "vasiliev"}, {"Петров", "petrov"},
		{"Соколов", "sokolov"}, {"Михайлов", "mikhailov"}, {"Новиков", "novikov"}, {"Фёдоров", "fedorov"}, {"Морозов", "morozov"}, {"Волков", "volkov"},
		{"Лебедев", "lebedev"}, {"Семёнов", "semenov"}, {"Егоров", "egorov"}, {"Павлов", "pavlov"}, {"Козлов", "kozlov"}, {"Степанов", "stepanov"},
		{"Орлов", "orlov"}, {"Андреев", "andreev"}, {"Макаров", "makarov"}, {"Никитин", "nikitin"}, {"Захаров", "zakharov"}, {"Ким", "kim"},
	},
	lastFemale: []name{
		{"Иванова", "ivanova"}, {"Смирнова", "smirnova"}, {"Кузнецова", "kuznetsova"}, {"Попова", "popova"}, {"Васильева", "vasilieva"}, {"Петрова", "petrova"},
		{"Соколова", "sokolova"}, {"Михайлова", "mikhailova"}, {"Новикова", "novikova"}, {"Фёдорова", "fedorova"}, {"Морозова", "morozova"}, {"Волкова", "volkova"},
		{"Лебедева", "lebedeva"}, {"Семёнова", "semenova"}, {"Егорова", "egorova"}, {"Павлова", "pavlova"}, {"Козлова", "kozlova"}, {"Степанова", "stepanova"},
		{"Орлова", "orlova"}, {"Андреева", "andreeva"}, {"Макарова", "makarova"}, {"Никитина", "nikitina"}, {"Захарова", "zakharova"}, {"Ким", "kim"},
	},
}

// A firm's name is a form, two words and, in some, a trade.
var (
	firmWords = [2][]name{
		latin("Harbour", "Northgate", "Oakfield", "Riverside", "Kingsway", "Baltic", "Summit", "Meadow", "Castle", "Beacon", "Willow", "Granite", "Amber", "Fairview", "Highland", "Seaton"),
		{
			{"Балтика", "baltika"}, {"Север", "sever"}, {"Янтарь", "yantar"}, {"Маяк", "mayak"}, {"Гранит", "granit"}, {"Восток", "vostok"}, {"Орион", "orion"}, {"Заря", "zarya"},
			{"Альфа", "alfa"}, {"Вектор", "vektor"}, {"Родник", "rodnik"}, {"Столица", "stolitsa"}, {"Парус", "parus"}, {"Меридиан", "meridian"}, {"Кедр", "kedr"}, {"Уют", "uyut"},
		},
	}
	firmTrades = [2][]name{
		latin("Foods", "Catering", "Trading", "Hotels", "Dental", "Design", "Logistics", "Books", "Cafe", "Consulting", "Supplies", "Partners"),
		{
			{"Сервис", "servis"}, {"Трейд", "trade"}, {"Кафе", "cafe"}, {"Отель", "hotel"}, {"Строй", "stroy"}, {"Мед", "med"}, {"Дизайн", "design"}, {"Логистик", "logistic"},
			{"Опт", "opt"}, {"Консалт", "consult"}, {"Маркет", "market"}, {"Офис", "office"},
		},
	}
	// Written around the name; the second half closes it.
	firmForms = [2][][2]string{
		{{"", " Ltd"}, {"", " Limited"}, {"", " & Co"}, {"The ", " Company"}},
		{{"ООО «", "»"}, {"SIA «", "»"}, {`ТОО "`, `"`}, {"ИП «", "»"}},
	}
)

// A place is a city with its country as the shop's form lets one write it, and
// the telephone numbers of the country.
type place struct {
	city, country string
	dial          string // country code
	mobile        string // how mobile numbers begin
	digits        int    // how many digits follow
	weight        int
}

var places = [2][]place{
	{
		{"London", "United Kingdom", "44", "74", 8, 30}, {"Manchester", "United Kingdom", "44", "75", 8, 14}, {"Leeds", "UK", "44", "77", 8, 8},
		{"Edinburgh", "United Kingdom", "44", "78", 8, 9}, {"Bristol", "GB", "44", "79", 8, 6}, {"Dublin", "Ireland", "353", "85", 7, 18},
		{"Cork", "Ireland", "353", "86", 7, 6}, {"Galway", "IE", "353", "87", 7, 4}, {"Riga", "Latvia", "371", "2", 7, 12},
	},
	{
		{"Рига", "Латвия", "371", "2", 7, 34}, {"Даугавпилс", "Латвия", "371", "2", 7, 9}, {"Юрмала", "LV", "371", "2", 7, 5},
		{"Таллин", "Эстония", "372", "5", 7, 13}, {"Нарва", "Эстония", "372", "5", 7, 6}, {"Вильнюс", "Литва", "370", "6", 7, 11},
		{"Клайпеда", "LT", "370", "6", 7, 4}, {"Алматы", "Казахстан", "7", "701", 7, 14}, {"Астана", "Казахстан", "7", "705", 7, 8},
	},
}

// All mail goes to domains that nobody can own.
var mailDomains = []string{"mail.example", "inbox.example", "post.example", "letters.example", "webmail.example"}

func latin(words ...string) []name {
	names := make([]name, len(words))
	for i, word := range words {
		names[i] = name{word, lowerLetters(word)}
	}
	return names
}

func lowerLetters(word string) string {
	letters := make([]byte, 0, len(word))
	for i := range len(word) {
		switch c := word[i]; {
		case c >= 'A' && c <= 'Z':
			letters = append(letters, c-'A'+'a')
		case c >= 'a' && c <= 'z':
			letters = append(letters, c)
		}
	}
	return string(letters)
}
