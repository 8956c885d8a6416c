package draw

// Fact is a value of a panel in words: for mail, where pictures may be left out.
type Fact struct{ Name, Value string }

// Facts returns what a panel of single values says, the first one first; nothing
// for other kinds.
func Facts(in Input) []Fact {
	if in.Panel.Type != "stat" && in.Panel.Type != "gauge" || rows(in.Frames) == 0 {
		return nil
	}
	var facts []Fact
	for _, s := range singles(in) {
		if text := second(s.shown); text != "–" || len(facts) == 0 {
			facts = append(facts, Fact{s.name, missing(s.shown)})
		}
	}
	return facts
}
