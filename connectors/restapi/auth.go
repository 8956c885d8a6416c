package restapi

import (
	"context"
	"errors"
	"net/http"
)

// Auth signs requests.
type Auth interface {
	// Sign adds the credentials to a request.
	Sign(ctx context.Context, r *http.Request) error
	// Secrets are the texts that no message may show.
	Secrets() []string
}

// Renewer is an Auth whose credentials can be renewed when an answer refuses them.
type Renewer interface {
	Auth
	// Renew is called after an answer 401 to a request that was signed with the
	// credentials of that time.
	Renew(ctx context.Context, signed string) error
	// Signed names the credentials that Sign uses now, without revealing them.
	Signed() string
}

// ErrNoRenewal says that credentials cannot be renewed any more: a person must
// grant access again.
var ErrNoRenewal = errors.New("access cannot be renewed")

// Bearer signs with a token in the header Authorization.
func Bearer(token string) Auth { return header{"Authorization", "Bearer " + token, token} }

// Header signs with a secret in a header of its own.
func Header(name, secret string) Auth { return header{name, secret, secret} }

type header struct{ name, value, secret string }

func (h header) Sign(_ context.Context, r *http.Request) error {
	r.Header.Set(h.name, h.value)
	return nil
}

func (h header) Secrets() []string { return []string{h.secret} }

// Basic signs with a name and a password.
func Basic(user, password string) Auth { return basic{user, password} }

type basic struct{ user, password string }

func (b basic) Sign(_ context.Context, r *http.Request) error {
	r.SetBasicAuth(b.user, b.password)
	return nil
}

func (b basic) Secrets() []string { return []string{b.password, b.user} }

// Unsigned sends requests without credentials of their own, as where the address
// holds them; secrets are the parts of it that no message may show.
func Unsigned(secrets ...string) Auth { return unsigned(secrets) }

type unsigned []string

func (unsigned) Sign(context.Context, *http.Request) error { return nil }
func (u unsigned) Secrets() []string                       { return u }
