// Package notify hands messages to people: mail to a mail server, lines to a chat
// by webhook.
package notify

import (
	"context"
	"fmt"
	"time"

	"github.com/wneessen/go-mail"
)

// Server is where mail is handed to.
type Server struct {
	Host string
	Port int
	// TLS is starttls, tls or none.
	TLS            string
	User, Password string
	From           string
}

// mailTime is how long handing over one letter may take.
const mailTime = time.Minute

// Client connects to the server; nothing happens until something is sent.
func (s Server) Client() (*mail.Client, error) {
	options := []mail.Option{mail.WithPort(s.Port), mail.WithTimeout(mailTime)}
	switch s.TLS {
	case "tls":
		options = append(options, mail.WithSSL())
	case "none":
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	default:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if s.User != "" {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(s.User), mail.WithPassword(s.Password))
	}
	client, err := mail.NewClient(s.Host, options...)
	if err != nil {
		return nil, fmt.Errorf("prepare the connection to the mail server %s: %w", s.Host, err)
	}
	return client, nil
}

// NewMessage begins a letter from the server's sender.
func (s Server) NewMessage(to ...string) (*mail.Msg, error) {
	m := mail.NewMsg()
	if err := m.From(s.From); err != nil {
		return nil, fmt.Errorf("read the sender: %w", err)
	}
	if err := m.To(to...); err != nil {
		return nil, fmt.Errorf("read the address: %w", err)
	}
	m.SetMessageID()
	return m, nil
}

// SendMail hands over one letter.
func SendMail(ctx context.Context, client *mail.Client, message *mail.Msg) error {
	ctx, cancel := context.WithTimeout(ctx, mailTime)
	defer cancel()
	return client.DialAndSendWithContext(ctx, message)
}

// Check connects to the server and logs in, without sending anything.
func (s Server) Check(ctx context.Context) error {
	client, err := s.Client()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, mailTime)
	defer cancel()
	if err := client.DialWithContext(ctx); err != nil {
		return fmt.Errorf("reach the mail server %s: %w", s.Host, err)
	}
	return client.Close()
}

// Message is a text for people.
type Message struct {
	Subject string
	Text    string
}

// Channel takes messages.
type Channel interface {
	// Name tells it from others; it is no secret.
	Name() string
	Send(ctx context.Context, m Message) error
}

// Mail is a channel to one address.
type Mail struct {
	Server Server
	To     string
}

// Name is mail and the address.
func (m Mail) Name() string { return "mail to " + m.To }

// Send mails a message.
func (m Mail) Send(ctx context.Context, message Message) error {
	client, err := m.Server.Client()
	if err != nil {
		return err
	}
	letter, err := m.Server.NewMessage(m.To)
	if err != nil {
		return err
	}
	letter.Subject(message.Subject)
	letter.SetDate()
	letter.SetBodyString(mail.TypeTextPlain, message.Text)
	return SendMail(ctx, client, letter)
}
