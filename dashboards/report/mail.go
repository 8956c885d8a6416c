package report

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"strings"
	texttemplate "text/template"
	"time"

	_ "embed"

	"github.com/wneessen/go-mail"

	"winback/pipelines/notify"
)

// Letter is a report for one recipient.
type Letter struct {
	To     string
	Report *Report
	// PDF is the printed page; none where nothing here can print.
	PDF []byte
}

//go:embed mail.html.tmpl
var mailPage string

//go:embed mail.txt.tmpl
var mailText string

var (
	mailPageTemplate = htmltemplate.Must(htmltemplate.New("mail").Parse(mailPage))
	mailTextTemplate = texttemplate.Must(texttemplate.New("mail").Parse(mailText))
)

// Send hands letters to a server. One that fails does not keep back the others;
// the error names each that was not sent.
func Send(ctx context.Context, s notify.Server, letters []Letter) error {
	client, err := s.Client()
	if err != nil {
		return err
	}
	var errs []error
	for _, l := range letters {
		message, err := l.message(s)
		if err == nil {
			err = notify.SendMail(ctx, client, message)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("send the report to %s: %w", l.To, err))
		}
	}
	return errors.Join(errs...)
}

// message is the mail: the numbers in words and as a table, the page and the PDF
// attached. Mail programs leave drawings out, so the page is a file.
func (l Letter) message(s notify.Server) (*mail.Msg, error) {
	m, err := s.NewMessage(l.To)
	if err != nil {
		return nil, err
	}
	m.Subject(l.Report.subject())
	m.SetDateWithValue(l.Report.Made)
	var text, html, page bytes.Buffer
	view := struct {
		*Report
		Printed bool
	}{l.Report, l.PDF != nil}
	if err := errors.Join(mailTextTemplate.Execute(&text, view), mailPageTemplate.Execute(&html, view), l.Report.WriteHTML(&page)); err != nil {
		return nil, fmt.Errorf("write the mail: %w", err)
	}
	m.SetBodyString(mail.TypeTextPlain, text.String())
	m.AddAlternativeString(mail.TypeTextHTML, html.String())
	name := "report-" + l.Report.AsOf.Format(time.DateOnly)
	if err := m.AttachReader(name+".html", &page, mail.WithFileContentType(mail.TypeTextHTML)); err != nil {
		return nil, fmt.Errorf("attach the page: %w", err)
	}
	if l.PDF != nil {
		if err := m.AttachReader(name+".pdf", bytes.NewReader(l.PDF), mail.WithFileContentType("application/pdf")); err != nil {
			return nil, fmt.Errorf("attach the PDF: %w", err)
		}
	}
	return m, nil
}

// subject names the company and the day, and says so when the data are old.
func (r *Report) subject() string {
	what := "customers"
	if len(r.Boards) == 1 {
		what = strings.TrimSuffix(r.Boards[0].Title, "?")
	}
	subject := fmt.Sprintf("%s: %s, %s", r.Project, what, r.AsOf.Format("2 January 2006"))
	if len(r.Warnings) > 0 {
		subject += " (read the note on top)"
	}
	return subject
}
