package woocommercetest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"sort"
	"strconv"
	"strings"
	"time"
)

var (
	badSecret = &failure{http.StatusUnauthorized, "woocommerce_rest_authentication_error", "Consumer secret is invalid.", nil}
	badKey    = &failure{http.StatusUnauthorized, "woocommerce_rest_cannot_view", "Sorry, you cannot list resources.", nil}
	badOAuth  = &failure{http.StatusUnauthorized, "woocommerce_rest_authentication_error", "Invalid signature - provided signature does not match.", nil}
	missing   = &failure{http.StatusUnauthorized, "woocommerce_rest_authentication_missing_parameter", "Missing OAuth parameters.", nil}
)

// refuse checks who asks: key and secret over HTTPS, a signature over HTTP.
func (s *Shop) refuse(r *http.Request) *failure {
	if r.TLS == nil {
		return s.refuseSigned(r)
	}
	user, password, ok := r.BasicAuth()
	if !ok {
		user, password = r.URL.Query().Get("consumer_key"), r.URL.Query().Get("consumer_secret")
	}
	switch {
	case user != Key:
		return badKey
	case password != Secret:
		return badSecret
	}
	return nil
}

func (s *Shop) refuseSigned(r *http.Request) *failure {
	parameters := r.URL.Query()
	if rest, ok := strings.CutPrefix(r.Header.Get("Authorization"), "OAuth "); ok {
		for _, pair := range strings.Split(rest, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
			value, _ = url.PathUnescape(strings.Trim(value, `"`))
			parameters.Set(name, value)
		}
	}
	for _, name := range []string{"oauth_consumer_key", "oauth_nonce", "oauth_signature", "oauth_signature_method", "oauth_timestamp"} {
		if parameters.Get(name) == "" {
			return missing
		}
	}
	seconds, _ := strconv.ParseInt(parameters.Get("oauth_timestamp"), 10, 64)
	nonce := parameters.Get("oauth_nonce")
	switch apart := s.clock.Now().Sub(time.Unix(seconds, 0)).Abs(); {
	case parameters.Get("oauth_consumer_key") != Key:
		return &failure{http.StatusUnauthorized, "woocommerce_rest_authentication_error", "Consumer key is invalid.", nil}
	case apart > 15*time.Minute:
		return &failure{http.StatusUnauthorized, "woocommerce_rest_authentication_error", "Invalid timestamp.", nil}
	case s.nonces[nonce]:
		return &failure{http.StatusUnauthorized, "woocommerce_rest_authentication_error", "Invalid nonce - nonce has already been used.", nil}
	}
	s.nonces[nonce] = true
	if !signed(r, parameters) {
		return badOAuth
	}
	return nil
}

// signed checks the signature as RFC 5849 has it, written down apart from the
// connector's.
func signed(r *http.Request, parameters url.Values) bool {
	given := parameters.Get("oauth_signature")
	parameters.Del("oauth_signature")
	names := make([]string, 0, len(parameters))
	for name := range parameters {
		names = append(names, name)
	}
	sort.Strings(names)
	var joined []string
	for _, name := range names {
		joined = append(joined, encode(name)+"%3D"+encode(encode(parameters.Get(name))))
	}
	base := "GET&" + encode("http://"+r.Host+r.URL.EscapedPath()) + "&" + strings.Join(joined, "%26")
	mac := hmac.New(sha256.New, []byte(Secret+"&"))
	mac.Write([]byte(base))
	return given == base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// encode is rawurlencode of PHP.
func encode(text string) string {
	var b strings.Builder
	for i := range len(text) {
		c := text[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteString(strings.ToUpper(strconv.FormatInt(int64(c)+256, 16)[1:]))
	}
	return b.String()
}
