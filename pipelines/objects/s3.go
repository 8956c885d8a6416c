package objects

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"golang.org/x/sync/errgroup"
)

// S3Options say which bucket, where, and as whom.
type S3Options struct {
	Bucket string
	Prefix string // folder in the bucket that keys are below; "" for all of it
	// Endpoint is the address of the service with its scheme; "" for Amazon's.
	Endpoint string
	Region   string // asked of the service if not given
	// Addressing is how the bucket is named in requests.
	Addressing Addressing
	CAFile     string // certificate authority besides the system's
	// AccessKey and SecretKey are those to sign with. Without them come, in this
	// order, the environment (AWS_ACCESS_KEY_ID …), the file of shared credentials,
	// and the role of the machine or the pod.
	AccessKey, SecretKey, SessionToken string
	// Tries is how often a request is tried that fails in a way that may pass: 503, a
	// broken connection. By default 20 times, which takes some ten seconds.
	Tries int
}

// Addressing is how the bucket is named in requests.
type Addressing string

// Ways of addressing. Automatic is VirtualHost at Amazon and PathStyle elsewhere.
const (
	Automatic   Addressing = "auto"
	PathStyle   Addressing = "path"
	VirtualHost Addressing = "virtual"
)

// ParseS3URL takes s3://bucket/prefix apart.
func ParseS3URL(text string) (bucket, prefix string, err error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "s3" || u.Host == "" || u.User != nil || u.Port() != "" || u.RawQuery != "" || u.Fragment != "" {
		return "", "", errors.New("wants s3://bucket or s3://bucket/prefix")
	}
	prefix = strings.Trim(u.Path, "/")
	for part := range strings.SplitSeq(prefix, "/") {
		if prefix != "" && (part == "" || part == "." || part == "..") {
			return "", "", errors.New("wants a prefix without empty parts, '.' and '..'")
		}
	}
	return u.Host, prefix, nil
}

// S3 keeps objects in a bucket.
type S3 struct {
	client  minio.Core
	options S3Options
	prefix  string // "" or with a slash at its end
}

var _ Store = (*S3)(nil)

const (
	tries = 20
	// partBytes is the size of the pieces that larger objects are written in.
	partBytes = 16 << 20
	// writeAtLeast and writeBytes bound how long a write may take, by its size: a
	// connection that stands still is given up.
	writeAtLeast = 2 * time.Minute
	writeBytes   = 100 << 10 // a second
)

// OpenS3 returns the store of a bucket, and asks the service nothing yet.
func OpenS3(o S3Options) (*S3, error) {
	endpoint, secure, err := hostOf(o)
	if err != nil {
		return nil, err
	}
	transport, err := transportOf(o.CAFile)
	if err != nil {
		return nil, err
	}
	lookup := map[Addressing]minio.BucketLookupType{PathStyle: minio.BucketLookupPath, VirtualHost: minio.BucketLookupDNS}[o.Addressing]
	client, err := minio.New(endpoint, &minio.Options{
		Creds: credentialsOf(o), Secure: secure, Transport: transport, Region: o.Region, BucketLookup: lookup, MaxRetries: cmp.Or(o.Tries, tries),
	})
	if err != nil {
		return nil, fmt.Errorf("open bucket %s: %w", o.Bucket, err)
	}
	client.SetAppInfo("winback", "1")
	s := &S3{client: minio.Core{Client: client}, options: o}
	if o.Prefix != "" {
		s.prefix = strings.Trim(o.Prefix, "/") + "/"
	}
	return s, nil
}

// hostOf returns the service's host and whether it speaks TLS.
func hostOf(o S3Options) (host string, secure bool, err error) {
	if o.Endpoint == "" {
		if o.Region == "" {
			return "s3.amazonaws.com", true, nil
		}
		return "s3." + o.Region + ".amazonaws.com", true, nil
	}
	u, err := url.Parse(o.Endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || strings.Trim(u.Path, "/") != "" || u.User != nil {
		return "", false, errors.New("the endpoint wants an address without a path, such as https://minio.example:9000")
	}
	return u.Host, u.Scheme == "https", nil
}

func transportOf(caFile string) (*http.Transport, error) {
	roots, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("read the system's certificates: %w", err)
	}
	if caFile != "" {
		text, err := os.ReadFile(caFile)
		if err != nil {
			return nil, fmt.Errorf("read the certificate authority: %w", err)
		}
		if !roots.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("%s holds no certificate in PEM form", caFile)
		}
	}
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSClientConfig:       &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: time.Minute,
		MaxIdleConnsPerHost:   32,
		IdleConnTimeout:       time.Minute,
		DisableCompression:    true, // what is stored is what is read
	}, nil
}

func credentialsOf(o S3Options) *credentials.Credentials {
	if o.AccessKey != "" {
		return credentials.NewStaticV4(o.AccessKey, o.SecretKey, o.SessionToken)
	}
	return credentials.NewChainCredentials([]credentials.Provider{
		&credentials.EnvAWS{},
		&credentials.FileAWSCredentials{},
		&credentials.IAM{},
	})
}

func (s *S3) String() string {
	return strings.TrimSuffix("s3://"+s.options.Bucket+"/"+s.prefix, "/")
}

// ObjectURL is the address of an object as other programs read it.
func (s *S3) ObjectURL(key string) string {
	host, secure, err := hostOf(s.options)
	if err != nil {
		return "" // OpenS3 has refused it
	}
	u := url.URL{Scheme: "http", Host: host}
	if secure {
		u.Scheme = "https"
	}
	if s.options.Addressing == VirtualHost || s.options.Addressing != PathStyle && s.options.Endpoint == "" {
		u.Host = s.options.Bucket + "." + host
		return u.JoinPath(s.prefix + key).String()
	}
	return u.JoinPath(s.options.Bucket, s.prefix+key).String()
}

func (s *S3) fail(op, key string, err error) error {
	var known *Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	place := s.String()
	if key != "" {
		place += "/" + key
	}
	var answer minio.ErrorResponse
	if !errors.As(err, &answer) {
		return &Error{Op: op, Place: place, Err: err, hint: hintOf(err)}
	}
	switch {
	case answer.Code == minio.NoSuchKey, answer.Code == "NotFound", answer.StatusCode == http.StatusNotFound && answer.Code != minio.NoSuchBucket:
		err = ErrNotFound
	case answer.StatusCode == http.StatusPreconditionFailed:
		err = ErrCondition
	}
	return &Error{Op: op, Place: place, Err: err, hint: hints[answer.Code]}
}

// hints say what to do about answers that users meet.
var hints = map[string]string{
	minio.AccessDenied:      "the service refuses it to this account: it needs to list the bucket, and to read, write and delete objects below the prefix",
	"InvalidAccessKeyId":    "the service does not know the access key",
	"SignatureDoesNotMatch": "the secret key is not that of the access key",
	minio.NoSuchBucket:      "there is no such bucket; make it, or mend the url",
	"RequestTimeTooSkewed":  "this machine's clock differs from the service's by too much; set it right",
	"ExpiredToken":          "the session token has expired",
	"QuotaExceeded":         "the bucket is full",
	"XMinioStorageFull":     "the service's disk is full",
}

func hintOf(err error) string {
	var unknown x509.UnknownAuthorityError
	if errors.As(err, &unknown) {
		return "its certificate is of no authority that this machine trusts; name yours with ca_file"
	}
	return ""
}

// List lists the bucket, a page at a time. Where a page breaks off it goes on behind
// the last key.
func (s *S3) List(ctx context.Context, prefix string) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		last, broken := "", 0
		for {
			more, err := s.listFrom(ctx, prefix, last, func(info Info) bool {
				last, broken = s.prefix+info.Key, 0
				return yield(info, nil)
			})
			if err == nil || !more {
				return
			}
			if broken++; ctx.Err() != nil || !breaksOff(err) || broken > 5 {
				yield(Info{}, s.fail("list", prefix, errors.Join(ctx.Err(), err)))
				return
			}
		}
	}
}

// listFrom lists what comes behind a key; false says that nobody wants more.
func (s *S3) listFrom(ctx context.Context, prefix, last string, visit func(Info) bool) (more bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	o := minio.ListObjectsOptions{Prefix: s.prefix + prefix, Recursive: true, StartAfter: last}
	for object := range s.client.ListObjectsIter(ctx, s.options.Bucket, o) {
		if object.Err != nil {
			return true, object.Err
		}
		if !strings.HasSuffix(object.Key, "/") && !visit(s.info(object)) {
			return false, nil
		}
	}
	return true, ctx.Err()
}

// breaksOff says that an answer came, but not all of it.
func breaksOff(err error) bool {
	var answer minio.ErrorResponse
	return !errors.As(err, &answer) && (errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, new(*xml.SyntaxError)) || errors.As(err, new(net.Error)))
}

func (s *S3) info(o minio.ObjectInfo) Info {
	return Info{Key: strings.TrimPrefix(o.Key, s.prefix), Size: o.Size, Version: strings.Trim(o.ETag, `"`), Changed: o.LastModified}
}

// Folders lists with a delimiter.
func (s *S3) Folders(ctx context.Context, folder string) (names []string, err error) {
	for attempt := 1; ; attempt++ {
		if names, err = s.foldersOnce(ctx, folder); err == nil || ctx.Err() != nil || !breaksOff(err) || attempt > 5 {
			return names, s.fail("list", folder, err)
		}
	}
}

func (s *S3) foldersOnce(ctx context.Context, folder string) (names []string, err error) {
	prefix := s.prefix
	if folder != "" {
		prefix += folder + "/"
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for o := range s.client.ListObjectsIter(ctx, s.options.Bucket, minio.ListObjectsOptions{Prefix: prefix}) {
		if o.Err != nil {
			return nil, o.Err
		}
		if name, is := strings.CutSuffix(strings.TrimPrefix(o.Key, prefix), "/"); is && name != "" {
			names = append(names, name)
		}
	}
	return names, ctx.Err()
}

// Stat asks for the object's head.
func (s *S3) Stat(ctx context.Context, key string) (Info, error) {
	o, err := s.client.StatObject(ctx, s.options.Bucket, s.prefix+key, minio.StatObjectOptions{})
	if err != nil {
		return Info{}, s.fail("read", key, err)
	}
	o.Key = s.prefix + key
	return s.info(o), nil
}

// Write uploads, a large object in pieces side by side.
func (s *S3) Write(ctx context.Context, key string, body io.ReaderAt, size int64, when Condition) (Info, error) {
	limit := max(writeAtLeast, time.Duration(size/writeBytes)*time.Second)
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	o := minio.PutObjectOptions{
		ContentType: contentType(key), PartSize: max(partBytes, uint64(size)/5000), NumThreads: 4,
		SendContentMd5: size <= partBytes, DisableMultipart: !when.always(),
	}
	switch {
	case when.absent:
		o.SetMatchETagExcept("*")
	case when.version != "":
		o.SetMatchETag(when.version)
	}
	for attempt := 1; ; attempt++ {
		up, err := s.client.Client.PutObject(ctx, s.options.Bucket, s.prefix+key, io.NewSectionReader(body, 0, size), size, o)
		if err == nil {
			return Info{Key: key, Size: size, Version: strings.Trim(up.ETag, `"`), Changed: up.LastModified}, nil
		}
		answer := minio.ToErrorResponse(err)
		switch {
		case answer.Code == "ConditionalRequestConflict" && attempt < tries:
			continue // somebody writes at the same time: the answer comes when they are done
		case answer.StatusCode == http.StatusPreconditionFailed, !when.always() && answer.StatusCode == http.StatusNotFound:
			return s.refused(ctx, key, body, size, err)
		}
		return Info{}, s.fail("write", key, err)
	}
}

// refused tells why a write was not made, or that it had been made before.
func (s *S3) refused(ctx context.Context, key string, body io.ReaderAt, size int64, cause error) (Info, error) {
	if minio.ToErrorResponse(cause).Code == minio.NoSuchBucket {
		return Info{}, s.fail("write", key, cause)
	}
	info, same, err := sameContent(ctx, s, key, body, size)
	if same || err != nil {
		return info, err
	}
	return Info{}, s.fail("write", key, ErrCondition)
}

func contentType(key string) string {
	switch {
	case strings.HasSuffix(key, ".json"):
		return "application/json"
	case strings.HasSuffix(key, ".parquet"):
		return "application/vnd.apache.parquet"
	}
	return "application/octet-stream"
}

// Remove deletes objects side by side.
func (s *S3) Remove(ctx context.Context, keys ...string) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(16)
	for _, key := range keys {
		group.Go(func() error {
			return s.fail("remove", key, s.client.RemoveObject(ctx, s.options.Bucket, s.prefix+key, minio.RemoveObjectOptions{}))
		})
	}
	return group.Wait()
}

// Tidy ends uploads of several pieces that were broken off.
func (s *S3) Tidy(ctx context.Context, prefix string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for up := range s.client.ListIncompleteUploads(ctx, s.options.Bucket, s.prefix+prefix, true) {
		err := up.Err
		if err == nil {
			err = s.client.AbortMultipartUpload(ctx, s.options.Bucket, up.Key, up.UploadID)
		}
		if minio.ToErrorResponse(err).Code == minio.NoSuchUpload {
			continue
		}
		if err != nil {
			return s.fail("tidy up", cmp.Or(strings.TrimPrefix(up.Key, s.prefix), prefix), err)
		}
	}
	return ctx.Err()
}
