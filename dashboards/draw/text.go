package draw

import (
	"bytes"
	"fmt"
	"html/template"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
)

// text is a panel of words. HTML in it is left out: nothing in a dashboard runs in
// the reader's browser or mail.
func text(in Input) (template.HTML, error) {
	content := in.State.Say(in.Panel.Options.Content)
	if in.Panel.Options.Mode == "code" {
		return template.HTML(`<pre>` + esc(content) + `</pre>`), nil
	}
	var out bytes.Buffer
	if err := goldmark.New(goldmark.WithExtensions(extension.GFM)).Convert([]byte(content), &out); err != nil {
		return "", fmt.Errorf("read the text: %w", err)
	}
	return template.HTML(`<div class="words">` + out.String() + `</div>`), nil
}
