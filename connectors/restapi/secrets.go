package restapi

import (
	"net/url"
	"slices"
	"strings"
	"sync"
)

// redactor takes secrets out of texts. It learns new ones as credentials are
// renewed, and forgets none.
type redactor struct {
	mu       sync.RWMutex
	secrets  []string
	replacer *strings.Replacer
}

// shortestSecret keeps a secret of a letter or two from tearing every text apart.
const shortestSecret = 4

func newRedactor(secrets ...string) *redactor {
	r := &redactor{replacer: strings.NewReplacer()}
	r.learn(secrets)
	return r
}

func (r *redactor) learn(secrets []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	known := len(r.secrets)
	for _, s := range secrets {
		if len(s) >= shortestSecret && !slices.Contains(r.secrets, s) {
			r.secrets = append(r.secrets, s)
		}
	}
	if len(r.secrets) == known {
		return
	}
	slices.SortFunc(r.secrets, func(a, b string) int { return len(b) - len(a) }) // the longest first
	var pairs []string
	for _, s := range r.secrets {
		for _, form := range []string{s, url.QueryEscape(s), url.PathEscape(s)} {
			pairs = append(pairs, form, "[secret]")
		}
	}
	r.replacer = strings.NewReplacer(pairs...)
}

func (r *redactor) text(s string) string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.replacer.Replace(s)
}
