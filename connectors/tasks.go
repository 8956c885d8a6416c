package connectors

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"time"
)

// Task is something that a person is to do about a customer, for the system that a
// source reads.
type Task struct {
	Mark TaskMark
	// Records are the customer's records in that system, by the ids that the rows
	// of crm.customers have; at least one.
	Records []string
	// Manager is who is to do it, by the id that the row of crm.managers has.
	Manager string
	Due     time.Time
	Title   string // a line
	Text    string // what to know and say; the mark is added to it
}

// TaskMark tells a task that was written from those of people: it stands at the end
// of the task's text, where it is found again.
type TaskMark struct {
	List     string // day of the list, 2006-01-02
	Customer string // key of the customer
}

// String is the mark as it stands in a text. It has no brackets that a system could
// take for a format.
func (m TaskMark) String() string {
	return fmt.Sprintf("(winback:%s:%s)", m.List, url.QueryEscape(m.Customer))
}

var taskMark = regexp.MustCompile(`\(winback:(\d{4}-\d{2}-\d{2}):([^():\s]+)\)`)

// MarkIn finds the last mark in a text.
func MarkIn(text string) (m TaskMark, found bool) {
	all := taskMark.FindAllStringSubmatch(text, -1)
	if len(all) == 0 {
		return m, false
	}
	last := all[len(all)-1]
	customer, err := url.QueryUnescape(last[2])
	return TaskMark{List: last[1], Customer: customer}, err == nil
}

// WrittenTask is a task with a mark that was found in a system.
type WrittenTask struct {
	Mark    TaskMark
	ID      string   // in the system
	Records []string // that it is about, of those that were asked for or others
}

// TaskOutcome says what became of a task that was to be written.
type TaskOutcome struct {
	Task Task
	ID   string // in the system, where it was written
	Err  error  // why it was not; ErrTaskUnknown where that is not known
}

// ErrTaskUnknown says that the system gave no answer to a request that may have
// written the task all the same. Whoever writes it again looks for it first.
var ErrTaskUnknown = errors.New("it is not known whether the task was written")
