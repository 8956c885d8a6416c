package objects_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"winback/pipelines/objects"
	"winback/pipelines/objects/objectstest"
)

// stores are the stores that the contract is tested on.
func stores(t *testing.T) map[string]objects.Store {
	return map[string]objects.Store{
		"disk":             objects.OpenDisk(t.TempDir()),
		"s3":               objectstest.Start(t).Open(t, "a/prefix"),
		"s3, whole bucket": objectstest.Start(t).Open(t, ""),
	}
}

func eachStore(t *testing.T, do func(*testing.T, objects.Store)) {
	for name, s := range stores(t) {
		t.Run(name, func(t *testing.T) { do(t, s) })
	}
}

func put(t *testing.T, s objects.Store, key, text string, when objects.Condition) objects.Info {
	t.Helper()
	info, err := objects.WriteBytes(t.Context(), s, key, []byte(text), when)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func read(t *testing.T, s objects.Store, key string, part objects.Range) string {
	t.Helper()
	in, _, err := s.Read(t.Context(), key, part)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	text, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func keys(t *testing.T, s objects.Store, prefix string) []string {
	t.Helper()
	list := []string{}
	for info, err := range s.List(t.Context(), prefix) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, info.Key)
	}
	slices.Sort(list)
	return list
}

func equal[T comparable](t *testing.T, what string, got, want []T) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func TestStore(t *testing.T) {
	eachStore(t, func(t *testing.T, s objects.Store) {
		first := put(t, s, "shop/run=1/part 1+&ä.parquet", "one two three", objects.Always())
		put(t, s, "shop/_manifests/1.json", "{}", objects.Always())
		put(t, s, "crm/_manifests/1.json", "", objects.Always())
		if got := read(t, s, first.Key, objects.Range{}); got != "one two three" {
			t.Errorf("read %q", got)
		}
		if got := read(t, s, first.Key, objects.Range{From: 4, Length: 3}); got != "two" {
			t.Errorf("read %q of the middle", got)
		}
		if got := read(t, s, first.Key, objects.Range{From: 8}); got != "three" {
			t.Errorf("read %q of the end", got)
		}
		if got := read(t, s, "crm/_manifests/1.json", objects.Range{}); got != "" {
			t.Errorf("read %q of nothing", got)
		}
		equal(t, "all", keys(t, s, ""), []string{"crm/_manifests/1.json", "shop/_manifests/1.json", first.Key})
		equal(t, "by prefix", keys(t, s, "shop/_man"), []string{"shop/_manifests/1.json"})
		equal(t, "nothing there", keys(t, s, "erp/x"), []string{})
		for folder, want := range map[string][]string{"": {"crm", "shop"}, "shop": {"_manifests", "run=1"}, "shop/run=1": nil, "erp": nil} {
			names, err := s.Folders(t.Context(), folder)
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "folders of "+folder, names, want)
		}
		info, err := s.Stat(t.Context(), first.Key)
		if err != nil || info.Size != 13 || info.Version != first.Version || time.Since(info.Changed) > time.Minute {
			t.Errorf("stat: %+v, %v; written %+v", info, err, first)
		}
		if err := s.Remove(t.Context(), first.Key, "crm/_manifests/1.json", "never/there"); err != nil {
			t.Fatal(err)
		}
		equal(t, "left", keys(t, s, ""), []string{"shop/_manifests/1.json"})
		for op, err := range map[string]error{
			"stat": func() error { _, err := s.Stat(t.Context(), "a/b"); return err }(),
			"read": func() error { _, _, err := s.Read(t.Context(), "a/b", objects.Range{}); return err }(),
		} {
			if !errors.Is(err, objects.ErrNotFound) || !strings.Contains(err.Error(), s.String()+"/a/b") {
				t.Errorf("%s of what is not there: %v", op, err)
			}
		}
	})
}

func TestStore_Conditions(t *testing.T) {
	eachStore(t, func(t *testing.T, s objects.Store) {
		write := func(text string, when objects.Condition) error {
			_, err := objects.WriteBytes(t.Context(), s, "x/y", []byte(text), when)
			return err
		}
		if err := write("old", objects.IfUnchanged("never")); !errors.Is(err, objects.ErrCondition) && !errors.Is(err, objects.ErrNotFound) {
			t.Errorf("replacing what is not there: %v", err)
		}
		first := put(t, s, "x/y", "one", objects.IfAbsent())
		if err := write("two", objects.IfAbsent()); !errors.Is(err, objects.ErrCondition) {
			t.Errorf("a second one: %v", err)
		}
		if err := write("one", objects.IfAbsent()); err != nil {
			t.Errorf("the same again, as after a lost answer: %v", err)
		}
		put(t, s, "x/y", "three", objects.IfUnchanged(first.Version))
		if err := write("four", objects.IfUnchanged(first.Version)); !errors.Is(err, objects.ErrCondition) {
			t.Errorf("with an old version: %v", err)
		}
		if got := read(t, s, "x/y", objects.Range{}); got != "three" {
			t.Errorf("holds %q", got)
		}
	})
}

// TestStore_OneOfManyWins has many write the same key, of which one may.
func TestStore_OneOfManyWins(t *testing.T) {
	eachStore(t, func(t *testing.T, s objects.Store) {
		var group sync.WaitGroup
		var won atomic.Int32
		for i := range 16 {
			group.Go(func() {
				_, err := objects.WriteBytes(t.Context(), s, "commit", []byte(fmt.Sprint("writer ", i)), objects.IfAbsent())
				switch {
				case err == nil:
					won.Add(1)
				case !errors.Is(err, objects.ErrCondition):
					t.Error(err)
				}
			})
		}
		group.Wait()
		if won.Load() != 1 {
			t.Errorf("%d won", won.Load())
		}
	})
}

func TestS3_ListsPageByPage(t *testing.T) {
	server := objectstest.Start(t)
	server.PageSize = 7
	s := server.Open(t, "zone")
	for i := range 40 {
		server.Put(fmt.Sprintf("zone/shop/run=%02d/part", i), nil)
		server.Put(fmt.Sprintf("zoneless/%02d", i), nil)
	}
	server.Log()
	if n := len(keys(t, s, "")); n != 40 {
		t.Errorf("%d objects of 40", n)
	}
	if n := len(server.Log()); n != 6 {
		t.Errorf("%d requests for 40 objects at 7 a page", n)
	}
	names, err := s.Folders(t.Context(), "shop")
	if err != nil || len(names) != 40 {
		t.Errorf("%d folders of 40: %v", len(names), err)
	}
}

// TestS3_ListsManyObjects lists as many as years of a busy source leave.
func TestS3_ListsManyObjects(t *testing.T) {
	server := objectstest.Start(t)
	const many = 100_000
	for i := range many {
		server.Put(fmt.Sprintf("zone/shop/_manifests/%06d.orders.json", i), nil)
	}
	s, n := server.Open(t, "zone"), 0
	for info, err := range s.List(t.Context(), "shop/_manifests/") {
		if err != nil || info.Key != fmt.Sprintf("shop/_manifests/%06d.orders.json", n) {
			t.Fatalf("object %d is %+v, %v", n, info, err)
		}
		n++
	}
	if n != many {
		t.Errorf("%d objects of %d", n, many)
	}
	if requests := len(server.Log()); requests != many/1000 {
		t.Errorf("%d requests", requests)
	}
}

// TestS3_Troubles has requests fail the way services and networks do. None of it is
// to be seen, and nothing is done twice.
func TestS3_Troubles(t *testing.T) {
	for name, trouble := range map[string]objectstest.Trouble{
		"slow down": objectstest.SlowDown, "reset": objectstest.Reset, "lost answer": objectstest.LostAnswer, "half an answer": objectstest.HalfAnswer,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := objectstest.Start(t)
			var mu sync.Mutex
			seen := map[string]bool{}
			server.Trouble = func(r *http.Request) objectstest.Trouble { // the first try of each request
				mu.Lock()
				defer mu.Unlock()
				id := r.Method + r.URL.String() + r.Header.Get("Range")
				if seen[id] || trouble == objectstest.HalfAnswer && r.Method != http.MethodGet {
					return objectstest.None
				}
				seen[id] = true
				return trouble
			}
			s := server.Open(t, "zone")
			text := strings.Repeat("0123456789", 2000)
			put(t, s, "shop/commit", text, objects.IfAbsent())
			if got := read(t, s, "shop/commit", objects.Range{}); got != text {
				t.Errorf("read %d bytes of %d", len(got), len(text))
			}
			if got := read(t, s, "shop/commit", objects.Range{From: 5, Length: 10000}); got != text[5:10005] {
				t.Errorf("read %d bytes of a part of 10000", len(got))
			}
			equal(t, "keys", keys(t, s, ""), []string{"shop/commit"})
			if err := s.Remove(t.Context(), "shop/commit"); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestS3_ReadingEndsWhereTheObjectIsReplaced(t *testing.T) {
	server := objectstest.Start(t)
	s := server.Open(t, "")
	server.Put("x", bytes.Repeat([]byte("old"), 100_000))
	server.Trouble = func(r *http.Request) objectstest.Trouble {
		if r.Method == http.MethodGet && r.Header.Get("Range") == "" {
			return objectstest.HalfAnswer
		}
		return objectstest.None
	}
	in, _, err := s.Read(t.Context(), "x", objects.Range{})
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	server.Put("x", bytes.Repeat([]byte("new"), 100_000))
	if text, err := io.ReadAll(in); !errors.Is(err, objects.ErrCondition) {
		t.Errorf("read %d bytes: %v", len(text), err)
	}
}

func TestS3_LargeObjectsGoInPieces(t *testing.T) {
	server := objectstest.Start(t)
	o := server.Options("zone")
	o.Tries = 2
	s, err := objects.OpenS3(o)
	if err != nil {
		t.Fatal(err)
	}
	body := bytes.Repeat([]byte("0123456789abcdef"), 40<<20/16)
	info, err := objects.WriteBytes(t.Context(), s, "large", body, objects.Always())
	if err != nil || !strings.HasSuffix(info.Version, "-3") {
		t.Errorf("written as %+v: %v", info, err)
	}
	if !bytes.Equal(server.Get("zone/large"), body) {
		t.Error("it is not what was written")
	}
	// An upload that is broken off shows in no listing, and costs money.
	ctx, cancel := context.WithCancel(t.Context())
	var pieces atomic.Int32
	server.Trouble = func(r *http.Request) objectstest.Trouble {
		switch {
		case r.Method == http.MethodPut && pieces.Add(1) == 2:
			cancel()
			return objectstest.Reset
		case r.Method == http.MethodDelete:
			return objectstest.Reset
		}
		return objectstest.None
	}
	if _, err := objects.WriteBytes(ctx, s, "broken", body, objects.Always()); err == nil {
		t.Error("the upload was not broken off")
	}
	server.Trouble = nil
	if server.Uploads() != 1 {
		t.Fatalf("%d uploads are under way", server.Uploads())
	}
	if err := errors.Join(s.Tidy(t.Context(), "other/"), s.Tidy(t.Context(), "bro")); err != nil || server.Uploads() != 0 {
		t.Errorf("%d uploads are left: %v", server.Uploads(), err)
	}
}

// TestS3_ErrorsSayWhatToDo covers answers that users meet. No error holds a secret.
func TestS3_ErrorsSayWhatToDo(t *testing.T) {
	server := objectstest.Start(t)
	for name, c := range map[string]struct {
		change func(*objects.S3Options)
		want   string
	}{
		"unknown account":       {func(o *objects.S3Options) { o.AccessKey = "OTHER" }, "does not know the access key"},
		"wrong secret":          {func(o *objects.S3Options) { o.SecretKey = "verysecret" }, "the secret key is not that of the access key"},
		"no bucket":             {func(o *objects.S3Options) { o.Bucket = "else" }, "no such bucket"},
		"certificate unknown":   {func(o *objects.S3Options) { o.Endpoint = tlsServer(t) }, "name yours with ca_file"},
		"nobody at the address": {func(o *objects.S3Options) { o.Endpoint = "http://127.0.0.1:1" }, "connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := server.Options("zone")
			o.Tries = 2
			c.change(&o)
			s, err := objects.OpenS3(o)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			for info, err := range s.List(ctx, "") {
				if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), o.SecretKey) {
					t.Errorf("%+v, %v", info, err)
				}
			}
		})
	}
}

func tlsServer(t *testing.T) string {
	return objectstest.StartTLS(t).URL
}

func TestS3_TLS(t *testing.T) {
	server := objectstest.StartTLS(t)
	o := server.Options("zone")
	o.CAFile = server.CAFile(t)
	s, err := objects.OpenS3(o)
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, "a", "text", objects.IfAbsent())
	if got := read(t, s, "a", objects.Range{}); got != "text" {
		t.Errorf("read %q", got)
	}
}

func TestS3_CredentialsOfTheEnvironment(t *testing.T) {
	server := objectstest.Start(t)
	t.Setenv("AWS_ACCESS_KEY_ID", objectstest.AccessKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", objectstest.SecretKey)
	o := server.Options("zone")
	o.AccessKey, o.SecretKey = "", ""
	s, err := objects.OpenS3(o)
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, "a", "text", objects.Always())
}

func TestS3_Addresses(t *testing.T) {
	for want, o := range map[string]objects.S3Options{
		"https://b.s3.eu-west-1.amazonaws.com/p/x%20y": {Bucket: "b", Prefix: "p", Region: "eu-west-1"},
		"https://s3.amazonaws.com/b/x%20y":             {Bucket: "b", Addressing: objects.PathStyle},
		"http://minio:9000/b/p/q/x%20y":                {Bucket: "b", Prefix: "p/q", Endpoint: "http://minio:9000"},
		"https://b.r2.example/x%20y":                   {Bucket: "b", Endpoint: "https://r2.example", Addressing: objects.VirtualHost},
	} {
		s, err := objects.OpenS3(o)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.ObjectURL("x y"); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestParseS3URL(t *testing.T) {
	for text, want := range map[string][2]string{
		"s3://bucket": {"bucket", ""}, "s3://bucket/": {"bucket", ""}, "s3://bucket/a/b/": {"bucket", "a/b"},
		"s3://": {}, "bucket/a": {}, "https://bucket/a": {}, "s3://key:secret@bucket/a": {}, "s3://bucket/a//b": {}, "s3://bucket/../b": {}, "s3://bucket?x=y": {},
	} {
		bucket, prefix, err := objects.ParseS3URL(text)
		if bucket != want[0] || prefix != want[1] || (err == nil) != (want[0] != "") {
			t.Errorf("%s: %q, %q, %v", text, bucket, prefix, err)
		}
	}
}

func TestDisk_TidyRemovesWhatWasBeingWritten(t *testing.T) {
	root := t.TempDir()
	s := objects.OpenDisk(root)
	put(t, s, "a/b", "text", objects.IfAbsent())
	put(t, objects.OpenDisk(root), "a/.b.123.writing", "half", objects.Always()) // by another name than a writer's
	equal(t, "half of an object is none", keys(t, s, ""), []string{"a/b"})
	if err := s.Tidy(t.Context(), "a/"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Stat(t.Context(), "a/.b.123.writing"); !errors.Is(err, objects.ErrNotFound) {
		t.Errorf("it is still there: %v", err)
	}
}

func TestProbe(t *testing.T) {
	eachStore(t, func(t *testing.T, s objects.Store) {
		if err := objects.Probe(t.Context(), s); err != nil {
			t.Error(err)
		}
		equal(t, "left", keys(t, s, ""), []string{})
	})
	server := objectstest.Start(t)
	server.Heedless = true
	if err := objects.Probe(t.Context(), server.Open(t, "zone")); err == nil || !strings.Contains(err.Error(), "If-None-Match") {
		t.Errorf("a service without conditions: %v", err)
	}
}

// Where nothing can be written it is said at once, and why; where it can, nothing stays.
func TestTryWrite(t *testing.T) {
	folder := t.TempDir()
	if err := objects.TryWrite(t.Context(), objects.OpenDisk(folder)); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
		t.Errorf("%v stay: %v", left, err)
	}
	const want = "the folder /proc/backups cannot be made there (no such file or directory); choose another place"
	if err := objects.TryWrite(t.Context(), objects.OpenDisk("/proc/backups")); err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("got %v, want that %s", err, want)
	}
}
