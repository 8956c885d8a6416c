package demo

// diary writes the calls, meetings and tasks of managers with their firms.
type diary struct {
	w    *world
	list *pages
	d    dice
}

func newDiary(w *world, files *fileSet) (*diary, error) {
	list, err := files.createPages(dataDir+"/crm.activity.list.json.gz", "")
	return &diary{w: w, list: list}, err
}

// doings are what managers do, with the numbers that Bitrix24 has for kinds.
var doings = []struct {
	kind, subject string
	incoming      bool
}{
	{"2", "Call about the next order", false}, {"2", "Клиент звонил по поставке", true}, {"1", "Visit and tasting", false},
	{"3", "Подготовить предложение", false}, {"4", "Price list sent", false}, {"4", "Запрос документов", true}, {"2", "Обзвон: уточнить потребность", false},
}

var doingResults = []string{"договорились о заказе", "will think about it", "не дозвонился", "ok", "перезвонить через неделю", "sent, no answer"}

// customer writes what was done with a firm while it was one: a busy manager has
// less time for each.
func (y *diary) customer(c *customer, l *life) {
	if !c.isFirm() || !c.inCRM {
		return
	}
	day := c.day
	for k := 0; ; k++ {
		y.d.start(y.w.seed, streamActivity, uint64(c.index), uint64(k))
		if day += y.d.between(15, 90); day > y.w.lastDay {
			return
		}
		if !l.isGone(day) {
			y.write(c, k, day)
		}
	}
}

func (y *diary) write(c *customer, k, day int) {
	t, d, w := y.list.t, &y.d, y.w
	what := &doings[d.below(len(doings))]
	at := day*86_400 + w.firmHours.second(d)
	due := at
	done := at + d.between(120, 5_400)
	if what.kind == "3" {
		due += d.between(1, 6) * 86_400
		done = at + d.between(1, 9)*86_400
	}
	isDone := done < w.days()*86_400 && !d.chance(700)
	y.list.begin()
	t.num("ID", 20_000+c.index*512+k)
	t.str("OWNER_TYPE_ID", "4")
	t.num("OWNER_ID", c.crmID())
	t.str("TYPE_ID", what.kind)
	t.str("SUBJECT", what.subject)
	t.moment(w, "START_TIME", at)
	t.moment(w, "DEADLINE", due)
	t.str("COMPLETED", map[bool]string{true: "Y", false: "N"}[isDone])
	if isDone {
		t.moment(w, "END_TIME", done)
		t.str("DESCRIPTION", doingResults[d.below(len(doingResults))])
	} else {
		t.none("END_TIME")
		t.str("DESCRIPTION", "")
	}
	t.str("RESPONSIBLE_ID", managers[managerOf(c, day, w)].id)
	t.str("DIRECTION", map[bool]string{true: "1", false: "2"}[what.incoming])
	y.list.end()
}
