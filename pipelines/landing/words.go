package landing

import (
	"cmp"
	"slices"

	"winback/connectors/entity"
)

// wordCounts counts the words of enumerations that the contract does not know,
// by field. Such words are kept; the counts say that a mapping may be missing.
type wordCounts map[*entity.Field]map[string]int64

// countedWords is how many different words of a field are counted one by one;
// a free text mapped to an enumeration must not fill the memory.
const countedWords = 1000

// OtherWords stands for the words beyond those counted one by one.
const OtherWords = "…"

func (w wordCounts) count(f *entity.Field, v values) {
	for i := range v.len() {
		word := v.at(i)
		if known(f, word) {
			continue
		}
		w.add(f, word, 1)
	}
}

func known(f *entity.Field, word []byte) bool {
	for _, k := range f.Words {
		if k == string(word) {
			return true
		}
	}
	return false
}

func (w wordCounts) add(f *entity.Field, word []byte, n int64) {
	counts := w[f]
	if counts == nil {
		counts = map[string]int64{}
		w[f] = counts
	}
	if _, ok := counts[string(word)]; !ok && len(counts) >= countedWords {
		counts[OtherWords] += n
		return
	}
	counts[string(word)] += n
}

// WordCount says how often a word occurs that the contract does not know.
type WordCount struct {
	Entity string `json:"entity"`
	Field  string `json:"field"`
	Word   string `json:"word"`
	Count  int64  `json:"count"`
}

// list returns the counts of an entity, the most frequent of a field first.
func (w wordCounts) list(s *entity.Schema) []WordCount {
	var list []WordCount
	for f, counts := range w {
		for word, n := range counts {
			list = append(list, WordCount{Entity: s.FullName(), Field: f.Name, Word: word, Count: n})
		}
	}
	slices.SortFunc(list, func(a, b WordCount) int {
		return cmp.Or(cmp.Compare(s.Field(a.Field).Index, s.Field(b.Field).Index), cmp.Compare(b.Count, a.Count), cmp.Compare(a.Word, b.Word))
	})
	return list
}

func (w wordCounts) merge(from wordCounts) {
	for f, counts := range from {
		for word, n := range counts {
			w.add(f, []byte(word), n)
		}
	}
}
