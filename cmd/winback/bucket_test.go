package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"winback/pipelines/objects/objectstest"
)

// A project whose landing zone is in a bucket: run, run again, look, and make the
// warehouse again on a machine that has nothing. No output holds the secret key.
func TestLandingZoneInABucket(t *testing.T) {
	t.Parallel()
	bucket := objectstest.Start(t)
	dir, config := bucketProject(t, bucket)
	say := func(args ...string) string {
		p := winback(t, exitDone, append(args, "-c", config)...)
		return p.stdout.String() + p.stderr()
	}
	said := say("run") + say("doctor")
	if !strings.Contains(said, "s3://"+objectstest.Bucket+"/acme can be written and read") {
		t.Errorf("doctor says nothing of the bucket: %s", said)
	}
	again := say("run", "-v")
	if !strings.Contains(again, "nothing new") {
		t.Errorf("the second run: %s", again)
	}
	other := filepath.Join(dir, "other")
	said += again + say("rebuild", "--home", other)
	if got := ask(t, config, other, "select id from raw.shop_orders final order by id"); strings.Join(got, " ") != "1 2" {
		t.Errorf("rebuilt: %q", got)
	}
	if strings.Contains(said, objectstest.SecretKey) {
		t.Errorf("the secret key is shown: %s", said)
	}
	if _, err := os.Stat(filepath.Join(dir, "landing")); err == nil {
		t.Error("there is a landing zone on disk")
	}
}

// A backup of a project whose landing zone is in a bucket holds that, too: where the
// machine is lost the bucket stays as it is, and where the bucket is lost it is filled.
func TestBackup_OfABucket(t *testing.T) {
	t.Parallel()
	bucket := objectstest.Start(t)
	dir, config := bucketProject(t, bucket)
	store, second, third := filepath.Join(dir, "store"), filepath.Join(dir, "second"), filepath.Join(dir, "third")
	do := func(want string, args ...string) {
		t.Helper()
		p := winback(t, exitDone, append(args, "-c", config)...)
		if said := p.stdout.String() + p.stderr(); !strings.Contains(said, want) || strings.Contains(said, objectstest.SecretKey) {
			t.Errorf("%q does not say %q:\n%s", args, want, said)
		}
	}
	holds := func(home, want string) {
		t.Helper()
		if got := strings.Join(ask(t, config, home, "select id from raw.shop_orders final order by id"), " "); got != want {
			t.Errorf("%s holds %q, want %q", home, got, want)
		}
	}
	do("", "run", "-q")
	do("(full) is in "+store, "backup", "--to", store)
	do("can be restored", "backup", "drill", "--from", store)
	appendTo(t, filepath.Join(dir, "orders.csv"), "3,2024-03-03,30.00\n")

	do("has a landing zone, which was left as it is", "restore", "--from", store, "--into", second)
	do("", "run", "-q", "--home", second)
	holds(second, "1 2 3")

	for _, key := range bucket.Keys() {
		bucket.Delete(key)
	}
	do("was empty and has the landing zone of the backup now", "restore", "--from", store, "--into", third)
	holds(third, "1 2")
	do("", "run", "-q", "--home", third)
	holds(third, "1 2 3")
}

// bucketProject writes a small project whose landing zone is in a bucket.
func bucketProject(t *testing.T, bucket *objectstest.Server) (dir, config string) {
	t.Helper()
	dir = t.TempDir()
	config = filepath.Join(dir, "winback.yaml")
	for name, text := range map[string]string{
		"winback.yaml": fmt.Sprintf(`project: acme
timezone: UTC
as_of: 2024-12-31
currency: EUR
models: {only: [stg_shop__orders]}
landing: {url: s3://%s/acme, endpoint: %q, region: %s, access_key: "${S3_ACCESS_KEY}", secret_key: "${S3_SECRET_KEY}"}
sources:
  shop:
    connector: files
    datasets:
      shop.orders:
        files: orders*.csv
        fields: {id: id, ordered_at: at, status: {const: completed}, items_total: total}
`, objectstest.Bucket, bucket.URL, objectstest.Region),
		".env":       "S3_ACCESS_KEY=" + objectstest.AccessKey + "\nS3_SECRET_KEY=" + objectstest.SecretKey + "\n",
		"orders.csv": "id,at,total\n1,2024-03-01,10.00\n2,2024-03-02,20.00\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir, config
}

// Runs that are killed at a request leave what the next run tidies up: every row is
// there, once, and nothing else.
func TestKilledRunsInABucketLoseNothing(t *testing.T) {
	t.Parallel()
	bucket := objectstest.Start(t)
	dir, config := bucketProject(t, bucket)
	for _, at := range []string{"/_pending/", "/part-00001.parquet", "/_manifests/"} {
		running := make(chan *process, 1)
		var once sync.Once
		bucket.Trouble = func(r *http.Request) objectstest.Trouble {
			trouble := objectstest.None
			if r.Method == http.MethodPut && strings.Contains(r.URL.Path, at) {
				once.Do(func() {
					(<-running).signal(syscall.SIGKILL)
					trouble = objectstest.LostAnswer // it is done, and nobody hears of it
				})
			}
			return trouble
		}
		p := start(t, "run", "-q", "-c", config)
		running <- p
		if code := p.code(); code == exitDone {
			t.Fatalf("the run was not killed at %s", at)
		}
	}
	bucket.Trouble = nil
	winback(t, exitDone, "run", "-q", "-c", config)
	if got := ask(t, config, dir, "select id from raw.shop_orders order by id"); strings.Join(got, " ") != "1 2" {
		t.Errorf("rows: %q", got)
	}
	files := 0
	for _, key := range bucket.Keys() {
		if strings.Contains(key, "/_pending/") {
			t.Errorf("%s is left", key)
		}
		if strings.HasSuffix(key, ".parquet") {
			files++
		}
	}
	if files != 1 {
		t.Errorf("%d files are in the bucket: %q", files, bucket.Keys())
	}
}
