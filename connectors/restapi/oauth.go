package restapi

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"
	"github.com/google/renameio/v2"
)

// Tokens are what OAuth 2.0 grants.
type Tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token,omitempty"`
	// Grant tells from which configured grant the tokens come, so that a new one
	// in the configuration counts more than what was kept.
	Grant string `json:"grant,omitempty"`
}

// OAuth signs with an access token and renews it with the refresh token. Where a
// refresh token is good for one use, losing its successor means that a person
// must grant access again: so the new pair is on the disk before it is used, and
// two programs that share the folder renew it one after the other.
type OAuth struct {
	// Grant is what the configuration gives: a refresh token, or an access token
	// with it.
	Grant Tokens
	// Folder keeps the renewed tokens: Env.State.
	Folder string
	// Exchange asks for new tokens with a refresh token; with "" where the grant
	// has none, as with a client's own credentials.
	Exchange func(ctx context.Context, refresh string) (Tokens, error)
	// Put adds the access token to a request; nil puts it into Authorization.
	Put func(r *http.Request, access string)
	// Also are further secrets: the client's.
	Also []string

	mu     sync.Mutex
	tokens Tokens
	read   bool
}

const tokenFile = "oauth.json"

// Sign adds the access token, which is asked for if there is none yet.
func (o *OAuth) Sign(ctx context.Context, r *http.Request) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.load(); err != nil {
		return err
	}
	if o.tokens.Access == "" {
		if err := o.renew(ctx); err != nil {
			return err
		}
	}
	if o.Put != nil {
		o.Put(r, o.tokens.Access)
		return nil
	}
	r.Header.Set("Authorization", "Bearer "+o.tokens.Access)
	return nil
}

// Secrets are all tokens seen so far.
func (o *OAuth) Secrets() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	_ = o.load() // what cannot be read is told when it is needed
	return append([]string{o.Grant.Access, o.Grant.Refresh, o.tokens.Access, o.tokens.Refresh}, o.Also...)
}

// Signed names the access token.
func (o *OAuth) Signed() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return fingerprint(o.tokens.Access)
}

// Renew replaces the tokens, unless somebody has done so since the request was
// signed.
func (o *OAuth) Renew(ctx context.Context, signed string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.tokens.Access != "" && fingerprint(o.tokens.Access) != signed {
		return nil
	}
	return o.renew(ctx)
}

// renew holds the lock of the folder while it asks, so that no other program uses
// the same refresh token.
func (o *OAuth) renew(ctx context.Context) error {
	if err := os.MkdirAll(o.Folder, 0o700); err != nil {
		return fmt.Errorf("make the folder for renewed tokens: %w", err)
	}
	lock := flock.New(filepath.Join(o.Folder, tokenFile+".lock"))
	if _, err := lock.TryLockContext(ctx, 50*time.Millisecond); err != nil {
		return fmt.Errorf("lock the renewed tokens: %w", err)
	}
	defer func() { _ = lock.Unlock() }()
	used := o.tokens
	if err := o.reload(); err != nil {
		return err
	}
	if o.tokens.Access != "" && o.tokens.Access != used.Access {
		return nil // another program has renewed them
	}
	fresh, err := o.Exchange(ctx, o.tokens.Refresh)
	if err != nil {
		return fmt.Errorf("renew the access token: %w", err)
	}
	if fresh.Refresh == "" {
		fresh.Refresh = o.tokens.Refresh
	}
	fresh.Grant = fingerprint(o.Grant.Refresh)
	if err := o.keep(fresh); err != nil {
		return err
	}
	o.tokens = fresh
	return nil
}

func (o *OAuth) load() error {
	if o.read {
		return nil
	}
	return o.reload()
}

// reload reads the kept tokens. Those of another grant are not used.
func (o *OAuth) reload() error {
	o.read, o.tokens = true, o.Grant
	path := filepath.Join(o.Folder, tokenFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the renewed tokens: %w", err)
	}
	var kept Tokens
	if err := json.Unmarshal(text, &kept); err != nil {
		return fmt.Errorf("read the renewed tokens in %s: %w; remove the file and grant access again", path, err)
	}
	if kept.Grant == fingerprint(o.Grant.Refresh) {
		o.tokens = kept
	}
	return nil
}

func (o *OAuth) keep(t Tokens) error {
	text, err := json.Marshal(t)
	if err != nil {
		return err
	}
	if err := renameio.WriteFile(filepath.Join(o.Folder, tokenFile), text, 0o600); err != nil {
		return fmt.Errorf("keep the renewed tokens: %w", err)
	}
	return nil
}

func fingerprint(secret string) string {
	if secret == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:8])
}

// AskTokens sends a request for tokens and reads the standard's answer (RFC 6749,
// section 5.1). Base and Path of the options and the request lead to the endpoint;
// a refusal is ErrNoRenewal. An Exchange is made of it.
func AskTokens(ctx context.Context, o Options, r Request) (Tokens, error) {
	client, err := New(o)
	if err != nil {
		return Tokens{}, err
	}
	if r.What == "" {
		r.What = "a new access token"
	}
	got, _, err := Get[tokenAnswer](ctx, client, r)
	switch {
	case StatusOf(err)/100 == 4:
		return Tokens{}, fmt.Errorf("%w: %w", ErrNoRenewal, err)
	case err != nil:
		return Tokens{}, err
	case got.Access == "":
		return Tokens{}, fmt.Errorf("%w: the answer has no access token", ErrNoRenewal)
	}
	return Tokens{Access: got.Access, Refresh: got.Refresh}, nil
}

// tokenAnswer leaves out how long a token is good for: a refusal tells that it is not.
type tokenAnswer struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
}
