package objectstest

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Requests have to be signed with AWS Signature Version 4 in the Authorization
// header; see "Authenticating Requests (AWS Signature Version 4)" of the Amazon S3 API
// reference, and there "Transferring Payload in Multiple Chunks".

const streamed = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"

// signed is what a request says of its signature.
type signed struct {
	scope     string // date/region/s3/aws4_request
	headers   []string
	signature string
	stamp     string
	key       []byte
}

// authentic reads a request's body and says whether the request was signed as it
// came.
func authentic(r *http.Request) ([]byte, error) {
	sig, err := signatureOf(r)
	if err != nil {
		return nil, err
	}
	payload := r.Header.Get("X-Amz-Content-Sha256")
	canonical := strings.Join([]string{
		r.Method, escape(r.URL.Path, "/"), canonicalQuery(r.URL.Query()), canonicalHeaders(r, sig.headers), strings.Join(sig.headers, ";"), payload,
	}, "\n")
	if want := sig.sign("AWS4-HMAC-SHA256\n" + sig.stamp + "\n" + sig.scope + "\n" + hashOf([]byte(canonical))); want != sig.signature {
		return nil, fail(403, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided.")
	}
	if payload == streamed {
		return sig.chunks(r.Body)
	}
	body, err := readAll(r.Body)
	if err == nil && payload != "UNSIGNED-PAYLOAD" && payload != hashOf(body) {
		err = fail(400, "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.")
	}
	return body, err
}

func signatureOf(r *http.Request) (*signed, error) {
	fields, is := strings.CutPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ")
	if !is {
		return nil, fail(403, "AccessDenied", "Access Denied")
	}
	s := &signed{stamp: r.Header.Get("X-Amz-Date")}
	account := ""
	for field := range strings.SplitSeq(fields, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		switch name {
		case "Credential":
			account, s.scope, _ = strings.Cut(value, "/")
		case "SignedHeaders":
			s.headers = strings.Split(value, ";")
		case "Signature":
			s.signature = value
		}
	}
	scope := strings.Split(s.scope, "/")
	switch {
	case account != AccessKey:
		return nil, fail(403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.")
	case len(scope) != 4 || scope[1] != Region || scope[2] != "s3":
		return nil, fail(400, "AuthorizationHeaderMalformed", "the region is wrong; expecting '"+Region+"'")
	case !slices.Contains(s.headers, "host"):
		return nil, fail(403, "AccessDenied", "the host is not signed")
	}
	s.key = []byte("AWS4" + SecretKey)
	for _, part := range scope {
		s.key = hmacOf(s.key, part)
	}
	return s, nil
}

func (s *signed) sign(text string) string { return hex.EncodeToString(hmacOf(s.key, text)) }

// chunks reads a body that is sent in pieces, each of which is signed with the
// signature before.
func (s *signed) chunks(body io.Reader) ([]byte, error) {
	in, previous := bufio.NewReader(body), s.signature
	var whole []byte
	for {
		head, err := in.ReadString('\n')
		if err != nil {
			return nil, fail(400, "IncompleteBody", err.Error())
		}
		size, signature, _ := strings.Cut(strings.TrimSpace(head), ";chunk-signature=")
		n, err := strconv.ParseInt(size, 16, 32)
		if err != nil {
			return nil, fail(400, "IncompleteBody", "a chunk without a size")
		}
		piece := make([]byte, n+2)
		if _, err := io.ReadFull(in, piece); err != nil {
			return nil, fail(400, "IncompleteBody", err.Error())
		}
		piece = piece[:n]
		want := s.sign(strings.Join([]string{"AWS4-HMAC-SHA256-PAYLOAD", s.stamp, s.scope, previous, hashOf(nil), hashOf(piece)}, "\n"))
		if want != signature {
			return nil, fail(403, "SignatureDoesNotMatch", "a chunk's signature is wrong")
		}
		if n == 0 {
			return whole, nil
		}
		whole, previous = append(whole, piece...), signature
	}
}

func canonicalHeaders(r *http.Request, names []string) string {
	var text strings.Builder
	for _, name := range names {
		value := strings.Join(r.Header.Values(name), ",")
		switch name {
		case "host":
			value = r.Host
		case "content-length":
			value = strconv.FormatInt(r.ContentLength, 10)
		}
		fmt.Fprintf(&text, "%s:%s\n", name, strings.Join(strings.Fields(value), " "))
	}
	return text.String()
}

func canonicalQuery(q url.Values) string {
	var pairs []string
	for name, values := range q {
		for _, value := range values {
			pairs = append(pairs, escape(name, "")+"="+escape(value, ""))
		}
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

// escape writes a text as the canonical request has it.
func escape(text, unescaped string) string {
	var out strings.Builder
	for _, c := range []byte(text) {
		switch {
		case c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c >= '0' && c <= '9', strings.IndexByte("-_.~"+unescaped, c) >= 0:
			out.WriteByte(c)
		default:
			fmt.Fprintf(&out, "%%%02X", c)
		}
	}
	return out.String()
}

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func hmacOf(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text)) //nolint:errcheck // never fails
	return h.Sum(nil)
}
