package woocommerce

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"winback/connectors"
	"winback/connectors/restapi"
)

// auth chooses how requests are signed: with key and secret over HTTPS, and with a
// signature, which shows neither, over plain HTTP.
func (c *Config) auth(clock connectors.Clock) restapi.Auth {
	key, secret := c.Key.Reveal(), c.Secret.Reveal()
	switch {
	case strings.HasPrefix(c.URL, "http://"):
		return &oauth1{key: key, secret: secret, inQuery: c.SignIn == "query", clock: clock}
	case c.SignIn == "query":
		return inQuery{key, secret}
	}
	return restapi.Basic(key, secret)
}

// inQuery puts key and secret into the address.
type inQuery struct{ key, secret string }

func (q inQuery) Sign(_ context.Context, r *http.Request) error {
	appendQuery(r.URL, "consumer_key", q.key, "consumer_secret", q.secret)
	return nil
}

func (q inQuery) Secrets() []string { return []string{q.secret, q.key} }

func appendQuery(u *url.URL, pairs ...string) {
	for i := 0; i+1 < len(pairs); i += 2 {
		if u.RawQuery != "" {
			u.RawQuery += "&"
		}
		u.RawQuery += escape(pairs[i]) + "=" + escape(pairs[i+1])
	}
}

// oauth1 signs requests by OAuth 1.0a with a consumer's key alone (RFC 5849,
// HMAC-SHA256): no token, a new nonce each time.
type oauth1 struct {
	key, secret string
	inQuery     bool
	clock       connectors.Clock
}

func (o *oauth1) Secrets() []string { return []string{o.secret, o.key} }

func (o *oauth1) Sign(_ context.Context, r *http.Request) error {
	pairs := []string{
		"oauth_consumer_key", o.key,
		"oauth_nonce", rand.Text(),
		"oauth_signature_method", "HMAC-SHA256",
		"oauth_timestamp", strconv.FormatInt(o.clock.Now().Unix(), 10),
		"oauth_version", "1.0",
	}
	parameters := r.URL.Query()
	for i := 0; i < len(pairs); i += 2 {
		parameters.Set(pairs[i], pairs[i+1])
	}
	pairs = append(pairs, "oauth_signature", signature(o.secret, r.Method, address(r.URL), parameters))
	if o.inQuery {
		appendQuery(r.URL, pairs...)
		return nil
	}
	var parts []string
	for i := 0; i < len(pairs); i += 2 {
		parts = append(parts, fmt.Sprintf(`%s="%s"`, pairs[i], escape(pairs[i+1])))
	}
	r.Header.Set("Authorization", "OAuth "+strings.Join(parts, ", "))
	return nil
}

// address is what of an address is signed apart from its parameters.
func address(u *url.URL) string {
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	return strings.ToLower(u.Scheme) + "://" + strings.ToLower(u.Host) + path
}

// signature is the OAuth 1.0a signature, HMAC-SHA256 without a token, of a request
// to an address with its parameters, those of OAuth but for the signature included.
func signature(secret, method, address string, parameters url.Values) string {
	var pairs []string
	for name, values := range parameters {
		for _, value := range values {
			pairs = append(pairs, escape(name)+"="+escape(value))
		}
	}
	slices.Sort(pairs)
	mac := hmac.New(sha256.New, []byte(escape(secret)+"&"))
	_, _ = mac.Write([]byte(method + "&" + escape(address) + "&" + escape(strings.Join(pairs, "&"))))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// escape is percent-encoding by RFC 3986, where a blank is %20.
func escape(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }
