package main

import (
	"fmt"
	"html"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"winback/dashboards/report"
	"winback/pipelines/notify/notifytest"
)

// checkMail sends the call list and the managers' page to two managers and to their
// head through a mail server: each manager finds their own portfolio and nobody
// else's, the head finds all of it, and one whose report cannot be made keeps back
// none of them.
func (c *company) checkMail(t *testing.T) {
	list := callList{} // phones by manager
	for _, row := range ask(t, c.config, c.home, "select manager_id, ifNull(phone, '') from mart.winback_candidates where is_on_list") {
		manager, phone, _ := strings.Cut(row, "\t")
		list[manager] = append(list[manager], phone)
	}
	managers := slices.Sorted(maps.Keys(list))
	if len(managers) < 2 {
		t.Fatalf("the call list is of the managers %q; two are wanted", managers)
	}
	portfolios := map[string]string{}
	for _, row := range ask(t, c.config, c.home, "select manager_id, portfolio from mart.managers_monthly where is_complete order by month") {
		manager, customers, _ := strings.Cut(row, "\t")
		portfolios[manager] = customers
	}
	in := notifytest.NewInbox(t)
	p := startIn(t, []string{report.BrowserVariable + "=" + printer(t)}, "report", "-c", c.mailed(t, in.Port, managers[0], managers[1]), "--home", c.home, "--mail")
	if code := p.code(); code != exitUsage || !strings.Contains(p.stderr(), `report for late@example.com: no dashboard "winback-queu" (did you mean "winback-queue"?)`) {
		t.Fatalf("exit code %d: %s", code, p.stderr())
	}
	for _, to := range []string{managers[0], managers[1], "(all)"} {
		list.checkLetter(t, notifytest.Read(t, <-in.Got), to, portfolios[to])
	}
}

// mailed writes a configuration with recipients beside the company's own.
func (c *company) mailed(t *testing.T, port int, first, second string) string {
	t.Helper()
	text, err := os.ReadFile(c.config)
	if err != nil {
		t.Fatal(err)
	}
	text = fmt.Appendf(text, `
report:
  mail: {host: 127.0.0.1, port: %d, tls: none, from: winback <reports@example.com>}
  recipients:
    - {to: late@example.com, dashboards: [winback-queu]}
    - {to: first@example.com, dashboards: [winback-queue, managers, carts], filters: {manager: %s}}
    - {to: second@example.com, dashboards: [winback-queue, managers, carts], filters: {manager: %s}}
    - {to: head@example.com, dashboards: [winback-queue, managers]}
`, port, first, second)
	file := filepath.Join(filepath.Dir(c.config), "mailed.yaml")
	if err := os.WriteFile(file, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// callList has the telephone numbers on the call list by manager.
type callList map[string][]string

// checkLetter compares a letter with the portfolio of a manager, or of (all).
func (list callList) checkLetter(t *testing.T, l notifytest.Letter, manager, customers string) {
	t.Helper()
	page, printed := "", ""
	for name, part := range l.Parts {
		switch filepath.Ext(name) {
		case ".html":
			page = html.UnescapeString(part)
		case ".pdf":
			printed = html.UnescapeString(part)
		}
	}
	if page == "" || page != printed {
		t.Errorf("%s gets another page than is printed", l.To)
	}
	onList, own, others := 0, 0, 0
	for owner, phones := range list {
		isOwn := manager == "(all)" || owner == manager
		if isOwn {
			onList += len(phones)
		}
		for _, phone := range phones {
			switch {
			case phone == "" || !strings.Contains(page, ">"+phone+"<"):
			case isOwn:
				own++
			case !slices.Contains(list[manager], phone): // one line may be several customers'
				others++
			}
		}
	}
	if own == 0 || others > 0 {
		t.Errorf("%s finds %d of their own customers on the call list, and %d of others", l.To, own, others)
	}
	for _, want := range []string{fmt.Sprintf("To contact in the coming days: %d;", onList), "of customers " + customers + ";"} {
		if !strings.Contains(strings.ReplaceAll(l.Parts["text/plain"], ",", ""), want) {
			t.Errorf("%s is not told %q:\n%s", l.To, want, l.Parts["text/plain"])
		}
	}
	if says := strings.Contains(page, "manager: <b>this page cannot be filtered by it"); says != (manager != "(all)") {
		t.Errorf("%s: the page of the carts says that it is of all managers: %v", l.To, says)
	}
}

// printer is a browser that prints a page as it is.
func printer(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "printer")
	script := "#!/bin/sh\nfor word; do case $word in --print-to-pdf=*) to=${word#*=};; file://*) from=${word#file://};; esac; done\ncp \"$from\" \"$to\"\n"
	if err := os.WriteFile(file, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return file
}
