package demo

// cause is why a customer left, in truth. What the customer says of it may differ.
type cause uint8

const (
	noCause cause = iota
	causePrice
	causeQuality
	causeService
	causeDelivery
	causeAssortment
	causeCompetitor
	causeOverPromised
	causeStaff
	causeBrokenAgreement
	causeConflict
	causeManagerChanged
	causeRelocation
	causeNeedGone
	causeClosed
	causeTechnical
	causeDebt
	// causeUnknown is no cause that anybody leaves for: it is what those say who
	// do not want to say more.
	causeUnknown
)

// causeFacts are what is known of a cause: its category in reports, how often it
// is the cause among persons and firms, and how bad it is for the customer.
type causeFacts struct {
	category     string
	companyFault bool
	person, firm int // weights
	severity     int // usual, 1 to 5
	texts        [2][]string
}

// causes are in the order of their numbers. Texts are by language, English and
// Russian, as managers and customers write them; %s is a competitor.
var causes = []causeFacts{
	noCause: {},
	causePrice: {"price", true, 22, 18, 2, [2][]string{
		{"too expensive", "prices went up, cannot afford it", "price is higher than elsewhere", "Too pricey for us"},
		{"дорого", "подняли цены", "цена выше, чем у других", "не устроила стоимость"}}},
	causeQuality: {"product_quality", true, 10, 8, 3, [2][]string{
		{"quality got worse", "goods arrived damaged more than once", "stale coffee, poor quality"},
		{"испортилось качество", "брак в двух поставках подряд", "кофе несвежий, качество не то"}}},
	causeService: {"service_quality", true, 10, 10, 3, [2][]string{
		{"poor service, nobody answers", "waited a week for an answer", "support does not solve anything"},
		{"плохой сервис, никто не отвечает", "неделю ждали ответа", "поддержка не помогает"}}},
	causeDelivery: {"delivery", true, 9, 7, 3, [2][]string{
		{"late deliveries", "delivery takes too long", "the courier never comes on time"},
		{"срывы сроков доставки", "доставка опаздывает", "курьер привозит не вовремя"}}},
	causeAssortment: {"assortment", true, 9, 8, 2, [2][]string{
		{"you do not stock what we need any more", "our favourite tea was withdrawn", "poor choice of goods"},
		{"сняли с продажи наш товар", "маленький ассортимент", "нет нужных позиций"}}},
	causeCompetitor: {"competitor_offer", false, 10, 14, 2, [2][]string{
		{"went over to %s", "moved to another supplier: %s", "%s made a better offer"},
		{"ушли к конкуренту: %s", "нашли другого поставщика, %s", "%s предложили условия лучше"}}},
	causeOverPromised: {"over_promised", true, 3, 3, 3, [2][]string{
		{"was promised a discount and never got it", "not what the salesman promised", "expected more after the presentation"},
		{"обещали скидку и не дали", "наобещали больше, чем есть", "ожидали другого после презентации"}}},
	causeStaff: {"staff_conduct", true, 3, 4, 4, [2][]string{
		{"rude manager", "the operator was impolite", "staff were unfriendly"},
		{"хамство менеджера", "оператор нагрубил", "грубое обращение сотрудников"}}},
	causeBrokenAgreement: {"broken_agreement", true, 2, 4, 4, [2][]string{
		{"broke the agreement on payment terms", "terms of the contract were not kept", "agreement was not honoured"},
		{"нарушили договорённости по отсрочке", "не выполнили условия договора", "нарушение договорённостей"}}},
	causeConflict: {"conflict", true, 1, 2, 5, [2][]string{
		{"quarrel with the accounts department", "conflict over a returned delivery"},
		{"конфликт с бухгалтерией", "поссорились из-за возврата"}}},
	causeManagerChanged: {"manager_changed", true, 0, 3, 3, [2][]string{
		{"our manager left and nobody called", "new manager does not know us", "manager was changed"},
		{"сменился менеджер", "наш менеджер уволился, про нас забыли", "новый менеджер нас не знает"}}},
	causeRelocation: {"relocation", false, 9, 4, 1, [2][]string{
		{"moved to another city", "we have moved house", "office relocated abroad"},
		{"переехали в другой город", "переезд", "офис переехал"}}},
	causeNeedGone: {"need_gone", false, 16, 8, 1, [2][]string{
		{"do not need it any more", "no longer drink coffee", "the need is gone"},
		{"больше не нужно", "нет потребности", "перестали пить кофе"}}},
	causeClosed: {"business_closed", false, 0, 6, 1, [2][]string{
		{"closed the office", "went out of business", "the company is bankrupt"},
		{"закрылись", "ликвидация компании", "закрыли бизнес"}}},
	causeTechnical: {"technical_failure", true, 4, 3, 3, [2][]string{
		{"the site does not work, could not log in", "app crashes at checkout", "error when paying by card"},
		{"сайт не работает, не войти", "приложение вылетает", "ошибка при оплате"}}},
	causeDebt: {"debt", false, 0, 5, 2, [2][]string{
		{"shipments stopped because of debt", "overdue invoices, blocked"},
		{"отгрузки остановлены, долг", "просроченная задолженность"}}},
	causeUnknown: {"unknown", false, 0, 0, 2, [2][]string{
		{"no reason given", "did not say", "unknown"},
		{"не назвал причину", "причина неизвестна", "не сказали"}}},
}

// oddTexts say something, but nothing that a pattern would know.
var oddTexts = [2][]string{
	{"see e-mail of Tuesday", "asdf", "the stars were not right", "ask Marina, she knows"},
	{"см. письмо от вторника", "йцукен", "звёзды не сошлись", "спросить у Марины"},
}

// oddText is how many of 10,000 texts are such.
const oddText = 450

// competitor is one that customers name, in many spellings, the first being right.
type competitor struct{ spellings []string }

var competitors = []competitor{
	{[]string{"КофеПлюс", "Кофе Плюс", "кофе-плюс", "ООО «КофеПлюс»", "KofePlus", "Coffee Plus"}},
	{[]string{"OfficeMart", "Office Mart", "office-mart", "OfficeMart Ltd", "ОфисМарт", "Офис Март"}},
	{[]string{"Bean Brothers", "BeanBrothers", "Bean Bros", "Bean Bros.", "Бин Бразерс"}},
	{[]string{"ЧайГрад", "Чай Град", "чайград", "ChaiGrad", "Чай-град"}},
	{[]string{"Aqua Express", "AquaExpress", "Аква Экспресс", "аква-экспресс"}},
}

// drawCompetitor returns the right name of a competitor and a spelling of it.
func drawCompetitor(d *dice) (name, spelling string) {
	// The first takes far more customers than the last.
	of := competitors[min(d.below(len(competitors)), d.below(len(competitors)))].spellings
	return of[0], of[max(0, d.below(2*len(of))-len(of))]
}

// newCauses returns the usual causes of persons and of firms.
func newCauses() (person, firm *quantiles) {
	persons, firms := make([]int, len(causes)), make([]int, len(causes))
	for i, c := range causes {
		persons[i], firms[i] = c.person, c.firm
	}
	return weighted(persons), weighted(firms)
}

// reason is what somebody wrote down of a cause.
type reason struct {
	text       string
	said       cause // what it says; noCause if no pattern knows it
	competitor string
}

// drawReason writes a cause down in words.
func drawReason(d *dice, of cause, language int) reason {
	if d.chance(oddText) {
		list := oddTexts[language]
		return reason{text: list[d.below(len(list))]}
	}
	if d.chance(1_500) {
		language = 1 - language // the manager has another language
	}
	list := causes[of].texts[language]
	r := reason{text: list[d.below(len(list))], said: of}
	if of == causeCompetitor {
		var spelling string
		r.competitor, spelling = drawCompetitor(d)
		r.text = replaceName(r.text, spelling)
	}
	return r
}

// drawStated returns what a customer says first when asked: often something
// easier to say than the truth.
func drawStated(d *dice, truth cause) cause {
	fate := d.below(100)
	if !d.chance(3_400) {
		return truth
	}
	switch {
	case fate < 50:
		return causePrice
	case fate < 70:
		return causeUnknown
	case fate < 85:
		return causeNeedGone
	}
	return causeCompetitor
}
