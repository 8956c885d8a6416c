package files

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/valyala/fastjson"

	"winback/connectors"
	"winback/connectors/spec"
)

// presence notes which mapped paths any record of JSON had. Records say only what they have,
// so that one that lacks a path is nothing; where none of many has it, it is misspelt, or
// the export has changed.
type presence struct {
	records atomic.Int64
	met     []atomic.Bool // by slot

	once  sync.Once
	names []string // the paths that the first record has
}

func newPresence(p *plan) *presence { return &presence{met: make([]atomic.Bool, len(p.columns))} }

// record notes a record. It is called by many workers at once.
func (p *presence) record(v *fastjson.Value) {
	p.records.Add(1)
	p.once.Do(func() { p.names = pathsIn(v, "", nil) })
}

// has notes that a record had the path of a slot.
func (p *presence) has(slot int) {
	if !p.met[slot].Load() {
		p.met[slot].Store(true)
	}
}

// deepestNames is how deep in a record the names are known that a misspelt one is
// compared with.
const deepestNames = 3

func pathsIn(v *fastjson.Value, prefix string, into []string) []string {
	object, err := v.Object()
	if err != nil || strings.Count(prefix, ".") == deepestNames {
		return into
	}
	object.Visit(func(key []byte, inner *fastjson.Value) {
		path := prefix + string(key)
		into = append(into, path)
		into = pathsIn(inner, path+".", into)
	})
	return into
}

// absent says of the mapped paths that no record had so, each with what may be meant. Those
// within lists are not looked at, nor those that may be absent.
func (p *presence) absent(of *plan) []string {
	var list []string
	for slot, ref := range of.columns {
		if ref.optional || ref.scope > 0 || p.met[slot].Load() {
			continue
		}
		list = append(list, fmt.Sprintf("%q%s", ref.names[0], spec.Hint(ref.names[0], p.names)))
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// enoughRecords is of how many records, none of which has a path, that is told.
const enoughRecords = 20

// tellAbsent passes on which mapped paths none of many records had.
func (p *presence) tellAbsent(req *connectors.Request, of *plan) {
	records := p.records.Load()
	list := p.absent(of)
	if records < enoughRecords || len(list) == 0 {
		return
	}
	req.Tell(connectors.Notice{
		Kind: connectors.NoticeAbsent, Count: len(list),
		Text: fmt.Sprintf("none of %d records has %s: what is made of it stays empty; correct the path, or say optional: true", records, strings.Join(list, ", ")),
	})
}
