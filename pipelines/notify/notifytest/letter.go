package notifytest

import (
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"testing"
)

// Letter is a mail as a mail program shows it.
type Letter struct {
	To, Subject string
	// Parts are its texts and files, by file name, or by type where they have none.
	Parts map[string]string
}

// Read takes a letter apart.
func Read(tb testing.TB, text string) Letter {
	tb.Helper()
	m, err := mail.ReadMessage(strings.NewReader(text))
	if err != nil {
		tb.Fatal(err)
	}
	l := Letter{Parts: map[string]string{}}
	words := new(mime.WordDecoder)
	l.Subject, err = words.DecodeHeader(m.Header.Get("Subject"))
	to, toErr := mail.ParseAddress(m.Header.Get("To"))
	if err := errors.Join(err, toErr); err != nil {
		tb.Fatal(err)
	}
	l.To = to.Address
	l.read(tb, m.Header.Get("Content-Type"), m.Body)
	return l
}

func (l Letter) read(tb testing.TB, contentType string, body io.Reader) {
	tb.Helper()
	_, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		tb.Fatal(err)
	}
	parts := multipart.NewReader(body, params["boundary"])
	for p, err := parts.NextRawPart(); err == nil; p, err = parts.NextRawPart() {
		kind, _, _ := mime.ParseMediaType(p.Header.Get("Content-Type"))
		if strings.HasPrefix(kind, "multipart/") {
			l.read(tb, p.Header.Get("Content-Type"), p)
			continue
		}
		if p.FileName() != "" {
			kind = p.FileName()
		}
		text, err := io.ReadAll(decoded(p))
		if err != nil {
			tb.Fatal(err)
		}
		l.Parts[kind] = string(text)
	}
}

func decoded(p *multipart.Part) io.Reader {
	switch p.Header.Get("Content-Transfer-Encoding") {
	case "base64":
		return base64.NewDecoder(base64.StdEncoding, p)
	case "quoted-printable":
		return quotedprintable.NewReader(p)
	}
	return p
}
