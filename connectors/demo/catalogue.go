package demo

import (
	"strconv"

	"winback/connectors/entity"
)

// product is one article of the catalogue.
type product struct {
	id        int
	sku       string
	name      string
	category  string
	brand     string
	price     entity.Decimal // today's
	oldPrice  entity.Decimal // before the price rise
	cost      entity.Decimal
	from      int // first day on sale
	withdrawn int // first day not on sale, or far in the future
	idText    string
	costText  string
}

// catalogue is what the company sells.
type catalogue struct {
	products   []product
	popularity *quantiles
	withdrawn  int // by the last day
}

// category is a kind of goods: items, each in several sizes.
type category struct {
	name   string
	brands []string
	sizes  []string
	factor []int // price of each size, in percent of the first
	items  []item
}

type item struct {
	name  string
	cents int // price of the first size
}

var categories = []category{
	{"Coffee", []string{"Nordbean", "Casa Alta", "Meridian"}, []string{"250 g", "500 g", "1 kg"}, []int{100, 185, 340}, []item{
		{"Espresso beans", 649}, {"Brazil Cerrado beans", 719}, {"Ethiopia Sidamo beans", 899}, {"Кофе молотый «Утро»", 529}, {"Decaf ground coffee", 759}, {"Кофе в зёрнах «Арабика»", 689}}},
	{"Tea", []string{"Assam House", "Leaf & Co", "Чайная лавка"}, []string{"25 bags", "100 bags", "250 g loose"}, []int{100, 310, 420}, []item{
		{"English Breakfast tea", 289}, {"Earl Grey tea", 309}, {"Green Sencha", 349}, {"Чай чёрный «Цейлон»", 249}, {"Иван-чай", 389}, {"Peppermint tea", 259}}},
	{"Water", []string{"Spring", "Родник"}, []string{"6 x 0.5 l", "6 x 1.5 l", "18.9 l"}, []int{100, 165, 240}, []item{
		{"Still mineral water", 399}, {"Sparkling mineral water", 409}, {"Вода питьевая", 349}}},
	{"Snacks", []string{"Oaty", "Field", "Хруст"}, []string{"single", "box of 12", "box of 36"}, []int{100, 1080, 3000}, []item{
		{"Oat bar with honey", 119}, {"Salted almonds, 60 g", 189}, {"Сушки с маком", 99}, {"Rye crackers", 149}, {"Dried apricots, 100 g", 229}}},
	{"Sweets", []string{"Amber", "Cocoa Nine", "Заря"}, []string{"100 g", "gift box", "1 kg"}, []int{100, 360, 780}, []item{
		{"Dark chocolate 70 %", 239}, {"Milk chocolate with nuts", 259}, {"Конфеты «Снежинка»", 279}, {"Marzipan", 319}, {"Зефир ванильный", 219}}},
	{"Kitchen", []string{"Steelline", "Homewell"}, []string{"standard", "large"}, []int{100, 160}, []item{
		{"French press", 1990}, {"Electric kettle", 3490}, {"Milk frother", 2290}, {"Турка медная", 2790}, {"Set of six mugs", 2490}, {"Water filter jug", 1890}, {"Thermos flask", 2590}}},
	{"Cleaning", []string{"Clarus", "Pure Home", "Чистюля"}, []string{"0.5 l", "1 l", "5 l"}, []int{100, 170, 690}, []item{
		{"Dish soap", 249}, {"All-purpose cleaner", 319}, {"Glass cleaner", 289}, {"Средство для пола", 299}, {"Hand soap", 229}}},
	{"Paper", []string{"Snowhite", "Birch"}, []string{"1 pack", "5 packs", "pallet box of 20"}, []int{100, 470, 1790}, []item{
		{"Copy paper A4, 500 sheets", 459}, {"Kitchen roll", 219}, {"Toilet paper, 8 rolls", 399}, {"Бумага для заметок", 159}, {"Paper napkins", 179}}},
	{"Writing", []string{"Pilotte", "Inkwell"}, []string{"1 piece", "10 pieces"}, []int{100, 870}, []item{
		{"Ballpoint pen", 129}, {"Gel pen", 189}, {"Whiteboard marker", 219}, {"Карандаш чернографитный", 69}, {"Notebook A5", 399}, {"Highlighter", 139}}},
	{"Office", []string{"Desklab", "Ordnung"}, []string{"standard"}, []int{100}, []item{
		{"Lever arch file", 349}, {"Stapler", 899}, {"Desk lamp", 3990}, {"Paper shredder", 7990}, {"Лоток для бумаг", 690}, {"Label printer", 5990}, {"Coffee machine", 24900}, {"Water cooler", 14900}}},
	{"Tableware", []string{"Porcelle", "Homewell"}, []string{"set of 4", "set of 12"}, []int{100, 270}, []item{
		{"Espresso cups", 1690}, {"Tea glasses", 1490}, {"Подстаканники", 2990}, {"Paper cups, 50 pieces", 499}, {"Teaspoons", 990}}},
	{"Gifts", []string{"Amber", "Meridian"}, []string{"small", "large"}, []int{100, 210}, []item{
		{"Coffee gift basket", 2990}, {"Tea tasting box", 2490}, {"Подарочный набор «Праздник»", 3490}, {"Chocolate advent calendar", 1590}, {"Gift card", 2000}}},
}

const never = 1 << 30

// priceRise is by how much prices went up on riseDay, in percent.
const priceRise = 7

func newCatalogue(w *world) *catalogue {
	c := &catalogue{}
	var d dice
	d.start(w.seed, streamCatalogue, 0, 0)
	var weights []int
	for number, cat := range categories {
		for _, it := range cat.items {
			for size := range cat.sizes {
				p := drawProduct(w, &d, &cat, it, size)
				p.id = 101 + len(c.products)
				p.idText = strconv.Itoa(p.id)
				p.sku = cat.name[:2] + "-" + strconv.Itoa(100*(number+1)+len(weights)%100) + "-" + strconv.Itoa(p.id)
				if p.withdrawn <= w.lastDay {
					c.withdrawn++
				}
				c.products = append(c.products, p)
				weights = append(weights, d.between(2, 9)*d.between(2, 9)*3_000/(it.cents*cat.factor[size]/100+600)+1)
			}
		}
	}
	c.popularity = weighted(weights)
	return c
}

func drawProduct(w *world, d *dice, cat *category, it item, size int) product {
	cents := it.cents * cat.factor[size] / 100
	cents = max(cents-cents%10+9, 49)
	p := product{
		name: it.name + ", " + cat.sizes[size], category: cat.name, brand: cat.brands[d.below(len(cat.brands))],
		price: entity.Decimal(cents) * cent, withdrawn: never, from: earliestDay,
	}
	p.oldPrice = entity.Decimal(cents*100/(100+priceRise)) * cent
	p.cost = entity.Decimal(cents*d.between(50, 72)/100) * cent
	p.costText = string(appendCents(nil, p.cost, '.'))
	// Some goods came later, others are sold no more. The first sizes always
	// stay, so that there is something to sell on any day.
	full := max(w.monthStart(w.months), 60)
	switch fate := d.below(100); {
	case size == 0:
	case fate < 9:
		p.from = d.below(full * 8 / 10)
	case fate < 17:
		p.withdrawn = full/4 + d.below(full*7/10)
	}
	return p
}

// priceOn returns the list price on a day.
func (p *product) priceOn(day, riseDay int) entity.Decimal {
	if day < riseDay {
		return p.oldPrice
	}
	return p.price
}

// favourites is how many articles a customer comes back for.
const favourites = 6

// pick draws an article for a customer: mostly a favourite, else anything.
func (c *catalogue) pick(d *dice, taste uint64, day int) int {
	var i int
	if d.chance(6_500) {
		rank := scramble(taste+uint64(d.below(favourites))) >> (64 - quantileBits)
		i = int(c.popularity[rank])
	} else {
		i = int(d.from(c.popularity))
	}
	for c.products[i].from > day || c.products[i].withdrawn <= day {
		if i++; i == len(c.products) {
			i = 0
		}
	}
	return i
}
