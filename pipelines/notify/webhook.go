package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Webhook is a channel to a chat: it posts {"text": …}, as Slack, Mattermost and
// others read it. The address is a secret and stands in no error.
type Webhook struct{ URL string }

// Name is webhook.
func (Webhook) Name() string { return "webhook" }

// webhookTime is how long a post may take.
const webhookTime = 20 * time.Second

// slackText escapes what Slack reads as marks of its own.
var slackText = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// Send posts a message.
func (h Webhook) Send(ctx context.Context, m Message) error {
	ctx, cancel := context.WithTimeout(ctx, webhookTime)
	defer cancel()
	text := m.Text
	if m.Subject != "" {
		text = "*" + m.Subject + "*\n" + text
	}
	body, err := json.Marshal(map[string]string{"text": slackText.Replace(text)})
	if err != nil {
		return fmt.Errorf("write the message for the webhook: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, bytes.NewReader(body))
	if err != nil {
		return errors.New("the address of the webhook is none")
	}
	req.Header.Set("Content-Type", "application/json")
	// A redirect would hand the secret address's message to somebody else.
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		if failed, ok := errors.AsType[*url.Error](err); ok {
			err = failed.Err // without the address
		}
		return fmt.Errorf("post to the webhook: %w", err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)) // so that the connection can be used again
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return fmt.Errorf("the webhook answered %s", res.Status)
	}
	return nil
}
