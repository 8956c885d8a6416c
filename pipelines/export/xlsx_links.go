package export

import (
	"fmt"
	"regexp"

	"github.com/xuri/excelize/v2"
)

// reachable are the columns whose values are links: a click writes a mail or dials.
// What is written into a formula is matched whole, and holds no quotes.
var reachable = map[string]struct {
	scheme string
	values *regexp.Regexp
}{
	"email": {"mailto:", regexp.MustCompile(`^[A-Za-z0-9._%+\-]{1,64}@[A-Za-z0-9.\-]{1,120}\.[A-Za-z]{2,20}$`)},
	"phone": {"tel:", regexp.MustCompile(`^\+?[0-9]{5,15}$`)},
}

// linked makes the texts of a column links, where they are such values.
func (w *workbook) linked(column string, cell func(int) any) func(int) any {
	link, ok := reachable[column]
	if !ok {
		return cell
	}
	return func(i int) any {
		value := cell(i)
		text, ok := value.(string)
		if !ok || !link.values.MatchString(text) {
			return value
		}
		return excelize.Cell{StyleID: w.styles[linkStyle], Formula: fmt.Sprintf(`HYPERLINK("%s%s","%s")`, link.scheme, text, text), Value: text}
	}
}
