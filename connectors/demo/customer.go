package demo

// presence is where a customer is on record.
type presence uint8

const (
	hasAccount presence = iota
	isGuest             // orders without an account; not in the CRM
	onlyInCRM           // signed a contract, never came to the shop
)

// duplicate says what a second account of the same customer shares with the
// first: the duplicates can be found by it.
type duplicate uint8

const (
	noDuplicate    duplicate = iota
	sameBoth                 // e-mail in other letters, phone in another spelling
	sameEmail                // e-mail in other letters, no phone
	samePhone                // phone in another spelling, another e-mail
	duplicateKinds = iota - 1
)

// customer is one true person or firm. It is drawn from its number alone, so
// that nothing needs to be kept of it.
type customer struct {
	index   int
	day     int // came on
	second  int // of that day
	segment int // into segments

	language   int // 0 English, 1 Russian: of places and firm names
	female     bool
	first      name
	last       name
	place      *place
	firm       int // number of the firm's name, form and trade
	mailStyle  int
	mailDomain int
	phoneStyle int

	presence  presence
	silent    bool // never orders
	oneTime   bool // orders once
	atOnce    bool // first order at sign-up
	forgetful bool // now and then orders without logging in
	duplicate duplicate
	inCRM     bool
	crmHasID  bool // the CRM knows the account
	newsOK    bool // agreed to receive marketing
	hasPhone  bool // the account has the phone number
	taste     uint64
}

func (c *customer) isFirm() bool { return segments[c.segment].isFirm }

// customer draws customer i, who came on the given day.
func (w *world) customer(i, day int, c *customer) {
	var d dice
	d.start(w.seed, streamProfile, uint64(i), 0)
	s := int(d.from(w.chances.segment))
	seg := &segments[s]
	*c = customer{index: i, day: day, segment: s, taste: d.source.Uint64()}
	w.drawIdentity(c, &d)
	if seg.isFirm {
		c.second = w.firmHours.second(&d)
	} else {
		c.second = w.peopleHours.second(&d)
	}
	c.silent = d.chance(seg.silent)
	once := seg.oneTime
	if w.isTakenOver(day) {
		once /= 4 // most of them have bought before
	}
	c.oneTime = d.chance(once)
	c.atOnce = d.chance(6_500)
	c.forgetful = d.chance(600)
	c.newsOK = d.chance(5_500)
	c.inCRM = d.chance(seg.inCRM)
	c.crmHasID = d.chance(8_700)
	if d.chance(seg.duplicate) {
		c.duplicate = duplicate(1 + d.below(duplicateKinds))
	}
	c.hasPhone = d.chance(8_500) || c.duplicate != noDuplicate
	switch kind := d.below(10_000); {
	case kind < seg.guest:
		c.presence, c.silent, c.inCRM, c.duplicate = isGuest, false, false, noDuplicate
	case seg.isFirm && kind >= 9_800:
		c.presence, c.silent, c.inCRM, c.duplicate = onlyInCRM, true, true, noDuplicate
	case c.silent:
		c.duplicate = noDuplicate
	}
}

func (w *world) drawIdentity(c *customer, d *dice) {
	book := &english
	if d.chance(5_600) {
		c.language, book = 1, &russian
	}
	c.female = d.chance(5_300)
	pick := func(names []name) name { return names[d.below(len(names))] }
	switch {
	case !c.female:
		c.first, c.last = pick(book.male), pick(book.lastMale)
	case c.language == 0:
		c.first, c.last = pick(book.female), pick(book.lastMale)
	default:
		c.first, c.last = pick(book.female), pick(book.lastFemale)
	}
	c.place = pickPlace(places[c.language], d)
	c.firm = d.below(1 << 20)
	c.mailStyle = d.below(4)
	c.mailDomain = d.below(len(mailDomains))
	c.phoneStyle = d.below(phoneStyles)
}

func pickPlace(list []place, d *dice) *place {
	total := 0
	for i := range list {
		total += list[i].weight
	}
	at := d.below(total)
	for i := range list {
		if at -= list[i].weight; at < 0 {
			return &list[i]
		}
	}
	return &list[0]
}

// firmName writes the name of the customer's firm.
func (c *customer) firmName() string {
	forms, words, trades := firmForms[c.language][:], firmWords[c.language], firmTrades[c.language]
	form := forms[c.firm%len(forms)]
	text := words[c.firm/8%len(words)].text
	if c.firm/128%4 != 0 {
		joint := " "
		if c.language == 1 {
			joint = "-"
		}
		text += joint + trades[c.firm/512%len(trades)].text
	}
	return form[0] + text + form[1]
}

// appendEmail writes the customer's address as the customer knows it. Its number
// is in it, so no two customers have the same one.
func (c *customer) appendEmail(b []byte) []byte {
	b = c.appendMailbox(b, c.mailStyle)
	if !c.isFirm() {
		return append(append(b, '@'), mailDomains[c.mailDomain]...)
	}
	b = append(b, '@')
	return c.appendFirmDomain(b)
}

// appendOtherEmail writes a second address of the same customer.
func (c *customer) appendOtherEmail(b []byte) []byte {
	b = c.appendMailbox(b, c.mailStyle+1)
	return append(append(b, '@'), mailDomains[(c.mailDomain+1)%len(mailDomains)]...)
}

// appendRoleEmail writes the address of the customer's firm that nobody in
// particular reads.
func (c *customer) appendRoleEmail(b []byte) []byte {
	return c.appendFirmDomain(append(b, "info@"...))
}

func (c *customer) appendMailbox(b []byte, style int) []byte {
	switch style % 4 {
	case 0:
		b = append(append(append(b, c.first.latin...), '.'), c.last.latin...)
	case 1:
		b = append(append(b, c.first.latin[0]), c.last.latin...)
	case 2:
		b = append(append(append(b, c.last.latin...), '_'), c.first.latin...)
	default:
		b = append(b, c.first.latin...)
	}
	return appendInt(b, c.index+7)
}

func (c *customer) appendFirmDomain(b []byte) []byte {
	words := firmWords[c.language]
	b = append(append(b, words[c.firm/8%len(words)].latin...), '-')
	return append(appendInt(b, c.index+7), ".example"...)
}

// shoutEmail writes an address in b[from:] in other letters: ANNA@…, Anna@….
func shoutEmail(b []byte, from int, d *dice) {
	upTo := len(b)
	if d.chance(6_000) {
		upTo = from + 1
	}
	for i := from; i < upTo; i++ {
		if c := b[i]; c >= 'a' && c <= 'z' {
			b[i] = c - 'a' + 'A'
		}
	}
}

// phoneStyles is the number of spellings of phone numbers.
const phoneStyles = 6

// appendPhone writes the customer's phone number in one of the spellings. All
// give the country's code, so all can be understood without knowing the country.
func (c *customer) appendPhone(b []byte, style int) []byte {
	var number [16]byte
	digits := append(number[:0], c.place.mobile...)
	digits = c.appendSubscriber(digits)
	half := len(digits) / 2
	dial := c.place.dial
	switch style % phoneStyles {
	case 0: // +371 2123 4567
		b = append(append(append(b, '+'), dial...), ' ')
		return append(append(append(b, digits[:half]...), ' '), digits[half:]...)
	case 1: // +37121234567
		return append(append(append(b, '+'), dial...), digits...)
	case 2: // 00371 21234567
		return append(append(append(append(b, "00"...), dial...), ' '), digits...)
	case 3: // +371-21-234-567
		b = append(append(append(b, '+'), dial...), '-')
		b = append(append(b, digits[:2]...), '-')
		b = append(append(b, digits[2:5]...), '-')
		return append(b, digits[5:]...)
	case 4: // +371 (21) 234567
		b = append(append(append(b, '+'), dial...), " ("...)
		return append(append(append(b, digits[:2]...), ") "...), digits[2:]...)
	default: // +371.2123.4567
		b = append(append(append(b, '+'), dial...), '.')
		return append(append(append(b, digits[:half]...), '.'), digits[half:]...)
	}
}

// appendSubscriber writes the digits that tell customers of a country apart: the
// customer's number, stirred so that neighbours do not look alike. The factor
// shares no divisor with a power of ten, so no two numbers meet.
func (c *customer) appendSubscriber(b []byte) []byte {
	limit := 1
	for range c.place.digits {
		limit *= 10
	}
	n := (c.index*7_654_321 + 3_141_593) % limit
	for unit := limit / 10; unit > 0; unit /= 10 {
		b = append(b, byte('0'+n/unit%10))
	}
	return b
}

// switchboard is the number of a business centre that some of its tenants give.
const switchboard = "+371 6700 0100"

// givesSwitchboard says whether the CRM has the switchboard's number beside the
// customer's own.
func (w *world) givesSwitchboard(c *customer) bool {
	return w.sharesPhone && c.isFirm() && c.index%20 == 7
}

// accountID is the number of the customer's account; duplicates follow the first.
func (c *customer) accountID(duplicate int) int { return 1_000 + c.index*3 + duplicate }

// crmID is the customer's number in the CRM.
func (c *customer) crmID() int { return 200_000 + c.index }

// appendCRMID writes the customer's number in the CRM.
func (c *customer) appendCRMID(b []byte) []byte { return appendInt(b, c.crmID()) }
