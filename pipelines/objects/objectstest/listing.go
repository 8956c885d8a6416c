package objectstest

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

func base64Of(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

type listing struct {
	XMLName               xml.Name `xml:"ListBucketResult"`
	Name                  string
	Prefix                string
	KeyCount              int
	MaxKeys               int
	IsTruncated           bool
	EncodingType          string `xml:",omitempty"`
	NextContinuationToken string `xml:",omitempty"`
	Contents              []content
	CommonPrefixes        []commonPrefix
}

type content struct {
	Key          string
	LastModified string
	ETag         string
	Size         int
	StorageClass string
}

type commonPrefix struct{ Prefix string }

// list answers a page of the bucket's keys.
func (s *Server) list(w http.ResponseWriter, q url.Values) error {
	if q.Get("list-type") != "2" {
		return fail(501, "NotImplemented", "the first version of listings")
	}
	page := 1000
	if s.PageSize > 0 {
		page = s.PageSize
	}
	if n, err := strconv.Atoi(q.Get("max-keys")); err == nil && n > 0 {
		page = min(page, n)
	}
	encode := func(text string) string { return text }
	if q.Get("encoding-type") == "url" {
		encode = url.QueryEscape
	}
	prefix, delimiter, after := q.Get("prefix"), q.Get("delimiter"), q.Get("start-after")
	if token := q.Get("continuation-token"); token != "" {
		text, err := base64.URLEncoding.DecodeString(token)
		if err != nil {
			return fail(400, "InvalidArgument", "The continuation token provided is incorrect")
		}
		after = string(text)
	}
	out := listing{Name: Bucket, Prefix: encode(prefix), MaxKeys: page, EncodingType: q.Get("encoding-type")}
	last, seen := "", map[string]bool{}
	sorted := s.sorted()
	first, _ := slices.BinarySearch(sorted, max(prefix, after))
	for _, key := range sorted[first:] {
		if !strings.HasPrefix(key, prefix) {
			break
		}
		if key <= after || after != "" && strings.HasSuffix(after, "/") && strings.HasPrefix(key, after) && delimiter != "" {
			continue
		}
		name := key
		if at := strings.Index(key[len(prefix):], delimiter); delimiter != "" && at >= 0 {
			if name = key[:len(prefix)+at+1]; seen[name] {
				continue
			}
		}
		if out.KeyCount == page {
			out.IsTruncated, out.NextContinuationToken = true, base64.URLEncoding.EncodeToString([]byte(last))
			break
		}
		out.KeyCount++
		last = name
		if name != key {
			seen[name] = true
			out.CommonPrefixes = append(out.CommonPrefixes, commonPrefix{encode(name)})
			continue
		}
		o := s.objects[key]
		out.Contents = append(out.Contents, content{
			Key: encode(key), LastModified: o.changed.UTC().Format("2006-01-02T15:04:05.000Z"), ETag: o.etag, Size: len(o.body), StorageClass: "STANDARD",
		})
	}
	return answerXML(w, out)
}

func answerXML(w http.ResponseWriter, value any) error {
	w.Header().Set("Content-Type", "application/xml")
	fmt.Fprint(w, xml.Header)
	return xml.NewEncoder(w).Encode(value)
}

type uploadListing struct {
	XMLName xml.Name `xml:"ListMultipartUploadsResult"`
	Bucket  string
	Upload  []uploadEntry
}

type uploadEntry struct {
	Key       string
	UploadID  string `xml:"UploadId"`
	Initiated string
}

func (s *Server) listUploads(w http.ResponseWriter, prefix string) error {
	out := uploadListing{Bucket: Bucket}
	for _, id := range slices.Sorted(maps.Keys(s.uploads)) {
		if up := s.uploads[id]; strings.HasPrefix(up.key, prefix) {
			out.Upload = append(out.Upload, uploadEntry{Key: up.key, UploadID: id, Initiated: time.Now().UTC().Format(time.RFC3339)})
		}
	}
	return answerXML(w, out)
}

type uploadStarted struct {
	XMLName  xml.Name `xml:"InitiateMultipartUploadResult"`
	Bucket   string
	Key      string
	UploadID string `xml:"UploadId"`
}

type uploadDone struct {
	XMLName xml.Name `xml:"CompleteMultipartUploadResult"`
	Bucket  string
	Key     string
	ETag    string
}

// leastPart is the size that all pieces but the last have to have.
const leastPart = 5 << 20

// multipart does a step of an upload in pieces.
func (s *Server) multipart(w http.ResponseWriter, r *http.Request, key string, body []byte) error {
	q := r.URL.Query()
	if q.Has("uploads") {
		s.serial++
		id := fmt.Sprint("upload-", s.serial)
		s.uploads[id] = &upload{key: key, parts: map[int][]byte{}}
		return answerXML(w, uploadStarted{Bucket: Bucket, Key: key, UploadID: id})
	}
	up := s.uploads[q.Get("uploadId")]
	if up == nil || up.key != key {
		return fail(404, "NoSuchUpload", "The specified upload does not exist.")
	}
	switch r.Method {
	case http.MethodDelete:
		delete(s.uploads, q.Get("uploadId"))
		w.WriteHeader(http.StatusNoContent)
		return nil
	case http.MethodPut:
		number, err := strconv.Atoi(q.Get("partNumber"))
		if err != nil || number < 1 || number > 10000 {
			return fail(400, "InvalidArgument", "Part number must be an integer between 1 and 10000")
		}
		up.parts[number] = body
		w.Header().Set("ETag", tagOf(body))
		return nil
	case http.MethodPost:
		return s.complete(w, q.Get("uploadId"), up, body)
	}
	return fail(501, "NotImplemented", r.Method)
}

func tagOf(body []byte) string {
	sum := md5.Sum(body)
	return `"` + hex.EncodeToString(sum[:]) + `"`
}

// complete puts the pieces together that the client names.
func (s *Server) complete(w http.ResponseWriter, id string, up *upload, body []byte) error {
	var named struct {
		Part []struct {
			PartNumber int
			ETag       string
		}
	}
	if err := xml.Unmarshal(body, &named); err != nil {
		return fail(400, "MalformedXML", err.Error())
	}
	var whole []byte
	for i, p := range named.Part {
		part, is := up.parts[p.PartNumber]
		switch {
		case !is || strings.Trim(p.ETag, `"`) != strings.Trim(tagOf(part), `"`):
			return fail(400, "InvalidPart", "One or more of the specified parts could not be found.")
		case i < len(named.Part)-1 && len(part) < leastPart:
			return fail(400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
		}
		whole = append(whole, part...)
	}
	delete(s.uploads, id)
	o := s.put(up.key, whole)
	o.etag = strings.TrimSuffix(o.etag, `"`) + fmt.Sprintf(`-%d"`, len(named.Part))
	s.objects[up.key] = o
	return answerXML(w, uploadDone{Bucket: Bucket, Key: up.key, ETag: o.etag})
}
