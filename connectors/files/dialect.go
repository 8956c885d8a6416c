package files

import "bytes"

// delimiters that are looked for where none is configured, likelier ones first.
var delimiters = []byte{',', ';', '\t', '|'}

// sampleRecords is how many records are looked at to find the delimiter.
const sampleRecords = 50

// dialectOf returns how the fields of a file are written: as configured, as its
// name says, or as the first records look.
func dialectOf(p *plan, path string, head []byte) dialect {
	d := dialect{quote: '"'}
	switch quote := p.config.Quote; quote {
	case "":
	case "none":
		d.quote = 0
	default:
		d.quote = quote[0]
	}
	switch given := p.config.Delimiter; {
	case given == `\t`:
		d.delimiter = '\t'
	case given != "":
		d.delimiter = given[0]
	case formatOf(p.config, path, head) == formatTSV:
		d.delimiter = '\t'
	default:
		d.delimiter = guessDelimiter(p, d, head)
	}
	if p.config.Quote == "" && d.singleQuoted(head) {
		d.quote = '\''
	}
	return d
}

// singleQuoted says that fields stand between single quotes: that at least one
// field in every line does, on the average, and none between double ones.
func (d dialect) singleQuoted(head []byte) bool {
	fields := 0
	for line := range bytes.Lines(head) {
		for field := range bytes.SplitSeq(trimLineEnd(line), []byte{d.delimiter}) {
			switch n := len(field); {
			case n > 0 && field[0] == '"':
				return false
			case n > 1 && field[0] == '\'' && field[n-1] == '\'':
				fields++
			}
		}
	}
	return fields > 0 && fields >= bytes.Count(head, newline)
}

// guessDelimiter takes the delimiter with which the most mapped columns are found;
// where that does not tell, the one that gives the most records of one width.
func guessDelimiter(p *plan, d dialect, head []byte) byte {
	best, bestScore := delimiters[0], 0
	for _, delimiter := range delimiters {
		d.delimiter = delimiter
		if score := d.score(p, head); score > bestScore {
			best, bestScore = delimiter, score
		}
	}
	return best
}

func (d dialect) score(p *plan, head []byte) int {
	if end := bytes.LastIndexByte(head, '\n'); end >= 0 {
		head = head[:end+1] // the last record may be cut
	}
	s := splitter{dialect: d}
	s.reset(head, 1)
	ok, reason := s.next()
	if !ok || reason != "" || len(s.fields) == 0 {
		return 0
	}
	width, same := len(s.fields), 0
	found := 0
	if len(p.config.Columns) == 0 {
		found = foundColumns(p, texts(s.fields))
	} else if width == len(p.config.Columns) {
		found = width
	}
	for range sampleRecords {
		if ok, _ := s.next(); !ok {
			break
		}
		if len(s.fields) == width {
			same++
		}
	}
	if width == 1 {
		return found * 1000
	}
	return found*1000 + same*10 + min(width, 9)
}

func texts(fields [][]byte) []string {
	list := make([]string, len(fields))
	for i, field := range fields {
		list[i] = string(field)
	}
	return list
}

// foundColumns counts the mapped columns that a header has.
func foundColumns(p *plan, header []string) int {
	found := 0
	for _, at := range bind(p, "", header).at {
		if at >= 0 {
			found++
		}
	}
	return found
}
