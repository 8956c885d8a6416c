package pipelines

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"winback/connectors"
	"winback/connectors/files"
	"winback/pipelines/backup"
	"winback/pipelines/landing"
	"winback/pipelines/ledger"
	"winback/pipelines/objects"
	"winback/pipelines/objects/objectstest"
	"winback/pipelines/warehouse"
)

// inBucket opens a project whose landing zone is in a bucket, in a home of its own.
func inBucket(t *testing.T, dir, warehouse string, bucket *objectstest.Server, landing string) *Project {
	t.Helper()
	t.Setenv("S3_ACCESS_KEY", objectstest.AccessKey)
	t.Setenv("S3_SECRET_KEY", objectstest.SecretKey)
	config := fmt.Sprintf(serverConfig, warehouse+"/default") + fmt.Sprintf(
		"landing: {url: s3://%s/acme, endpoint: %q, region: %s, access_key: \"${S3_ACCESS_KEY}\", secret_key: \"${S3_SECRET_KEY}\"%s}\n",
		objectstest.Bucket, bucket.URL, objectstest.Region, landing)
	path := filepath.Join(dir, "winback.yaml")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	registry, err := connectors.NewRegistry(files.Connector())
	if err != nil {
		t.Fatal(err)
	}
	p, err := Open(OpenOptions{Config: path, Home: filepath.Join(dir, "home"), Registry: registry, Now: time.Now, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestLandingInABucket runs a project twice, compacts it and makes its warehouse again
// from a machine that has nothing but the bucket.
func TestLandingInABucket(t *testing.T) {
	for name, landing := range map[string]string{"the program streams": "", "the server reads": ", grace: 0s, server: {access: keys}"} {
		t.Run(name, func(t *testing.T) {
			server, bucket, dir := newBench(t).server, objectstest.Start(t), t.TempDir()
			write := func(name, text string) {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			write("orders1.csv", "id,at,total\n1,2024-03-01,10.00\n2,2024-03-02,20.00\n")
			p, run := inBucket(t, dir, server, bucket, landing), RunOptions{Only: []string{"source:shop", "stg_shop__orders"}}
			s, err := p.Run(t.Context(), run)
			if err != nil || s.State != ledger.Done || s.Load.Rows != 2 {
				t.Fatalf("%+v, %v", s, err)
			}
			log := strings.Join(bucket.Log(), "\n")
			if read := strings.Contains(log, "GET acme/shop/shop.orders/"); read != (landing != "") {
				t.Errorf("the part was read from the bucket: %v\n%s", read, log)
			}
			if s, err = p.Run(t.Context(), run); err != nil || s.Load.Files != 0 {
				t.Errorf("nothing is new: %+v, %v", s, err)
			}
			if asked := bucket.Log(); len(asked) > 12 {
				t.Errorf("%d requests where nothing is new: %q", len(asked), asked)
			}
			write("orders2.csv", "id,at,total\n2,2024-03-02,25.00\n3,2024-03-03,30.00\n")
			if s, err = p.Run(t.Context(), run); err != nil || s.Load.Rows != 2 {
				t.Errorf("a second file: %+v, %v", s, err)
			}
			if done, err := p.Compact(t.Context(), CompactOptions{Whole: true}); err != nil || len(done) != 1 {
				t.Errorf("compacted %+v, %v", done, err)
			}
			for _, file := range tree(t, filepath.Join(dir, "home")) {
				if strings.Contains(file, "landing/") {
					t.Errorf("%s is on disk", file)
				}
			}

			w, err := p.OpenWarehouse(t.Context(), warehouse.ForQuery)
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close()
			if err := os.RemoveAll(p.Zone.Root()); err != nil {
				t.Fatal(err)
			}
			p = inBucket(t, dir, server, bucket, landing)
			if _, err := p.Rebuild(t.Context(), RebuildOptions{models: few}); err != nil {
				t.Fatal(err)
			}
			sql := "SELECT concat(order_id, ' ', toString(items_total)) FROM staging.stg_shop__orders ORDER BY order_id"
			if got, err := names(t.Context(), w, sql); err != nil || !slices.Equal(got, []string{"1 10", "2 25", "3 30"}) {
				t.Errorf("after the rebuild: %q, %v", got, err)
			}
		})
	}
}

// tree are the files below a folder.
func tree(t *testing.T, root string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, filepath.ToSlash(strings.TrimPrefix(path, root+"/")))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestLandingInABucket_Forget erases a person from a bucket: at once, although replaced
// files stay for a day otherwise, and with the files of a failed extraction.
func TestLandingInABucket_Forget(t *testing.T) {
	bucket := objectstest.Start(t)
	t.Setenv("AWS_ACCESS_KEY_ID", objectstest.AccessKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", objectstest.SecretKey)
	b := newBench(t)
	b.write("customers.csv", "id,email,phone,name\nc1,ann@example.com,,Annabel\nc2,bob@example.com,,Bob\n")
	b.write("orders.csv", "id,customer,email,day,total\n1,c1,ann@example.com,2026-01-05,10\n2,c2,,2026-01-06,20\n5,c1,ann@example.com,someday,50\n")
	b.write("lines.csv", "order,no,name\n1,1,tea\n")
	b.write("complaints.csv", "id,customer,text\n2,c2,\"ask ann@example.com\"\n")
	b.configureWith(fmt.Sprintf("landing: {url: s3://%s/acme, endpoint: %q, region: %s}\n", objectstest.Bucket, bucket.URL, objectstest.Region)+
		"models: {only: [stg_shop__orders, stg_shop__customers, stg_shop__order_lines, stg_crm__complaints]}\n", peopleDatasets)
	b.build()
	if len(b.traces("ann@example.com")) < 3 {
		t.Fatalf("before, there are only %q", b.traces("ann@example.com"))
	}
	before := bucket.Keys()
	if s, err := b.forget(ForgetOptions{Email: "ann@example.com"}); err != nil || s.Receipt.Files == 0 || s.Receipt.Quarantine != 1 {
		t.Fatalf("%+v, %v", s.Receipt, err)
	}
	if found := b.traces("ann@example.com", "annabel"); len(found) > 0 {
		t.Errorf("still there: %q", found)
	}
	manifests, err := b.project.Zone.Manifests("shop")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, m := range manifests {
		for _, f := range m.Files {
			named["acme/"+f.Path] = true
		}
		for _, q := range m.Quarantine {
			named["acme/"+q.Path] = true
		}
	}
	for _, key := range bucket.Keys() {
		if strings.HasSuffix(key, ".parquet") && !named[key] {
			t.Errorf("%s is left, of before: %v", key, slices.Contains(before, key))
		}
		delete(named, key)
	}
	if len(named) > 0 {
		t.Errorf("the bucket lacks %v", named)
	}
	if s := b.build(); s.Load.Rows != 0 {
		t.Errorf("the next run loads %d rows", s.Load.Rows)
	}
	if s, err := b.project.Upgrade(t.Context(), RebuildOptions{}); err != nil || s.State != ledger.Done {
		t.Errorf("an upgrade with nothing to do: %v, %+v", err, s)
	}
}

// TestLandingInABucket_Backup copies the bucket into a backup, and brings it back where
// the bucket is empty: without who was forgotten since, never over what is there, and
// whole or not at all.
func TestLandingInABucket_Backup(t *testing.T) {
	bucket := objectstest.Start(t)
	t.Setenv("AWS_ACCESS_KEY_ID", objectstest.AccessKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", objectstest.SecretKey)
	b := newBench(t)
	at := func(prefix string) {
		t.Helper()
		b.configureWith(fmt.Sprintf("landing: {url: s3://%s/%s, endpoint: %q, region: %s}\n", objectstest.Bucket, prefix, bucket.URL, objectstest.Region)+
			"models: {only: [stg_shop__orders, stg_shop__customers, stg_shop__order_lines, stg_crm__complaints]}\n", peopleDatasets)
	}
	b.write("customers.csv", "id,email,phone,name\nc1,ann@example.com,,Annabel\nc2,bob@example.com,,Bob\n")
	b.write("orders.csv", "id,customer,email,day,total\n1,c1,ann@example.com,2026-01-05,10\n2,c2,,2026-01-06,20\n")
	b.write("lines.csv", "order,no,name\n1,1,tea\n")
	b.write("complaints.csv", "id,customer,text\n2,c2,late\n")
	at("acme")
	b.build()
	store := objects.OpenDisk(t.TempDir())
	backUp := func(want backup.Kind) BackupSummary {
		t.Helper()
		s, err := b.project.Backup(t.Context(), BackupOptions{Store: store, Incremental: true})
		if err != nil || s.Kind != want {
			t.Fatal(s.Manifest, err)
		}
		return s
	}
	first := backUp(backup.Full)
	b.write("orders-2.csv", "id,customer,email,day,total\n3,c2,,2026-02-06,30\n")
	b.build()
	if second := backUp(backup.Incremental); second.Stored.Files == 0 || second.Stored.Files >= first.Stored.Files {
		t.Errorf("the second stores %d files, the first stored %d", second.Stored.Files, first.Stored.Files)
	}
	if drill, err := b.project.Drill(t.Context(), RestoreOptions{Store: store}, t.TempDir()); err != nil || len(drill.Differences) > 0 {
		t.Errorf("the drill: %q, %v", drill.Differences, err)
	}
	if _, err := b.forget(ForgetOptions{Email: "ann@example.com"}); err != nil {
		t.Fatal(err)
	}

	restore := func(about, want string, erased int) {
		t.Helper()
		s, err := b.project.Restore(t.Context(), RestoreOptions{Store: store})
		if err != nil || !strings.Contains(s.Bucket, want) || len(s.Erased) != erased {
			t.Fatalf("%s: %+v, %v", about, s, err)
		}
		if _, err := os.Stat(filepath.Join(b.project.Home, "landing")); err == nil {
			t.Errorf("%s: there is a landing zone on disk", about)
		}
	}
	before := bucket.Keys()
	restore("beside what is there", "has a landing zone, which was left as it is", 1)
	if after := bucket.Keys(); !slices.Equal(before, after) {
		t.Errorf("the bucket was changed:\n%q\n%q", before, after)
	}

	at("other")
	stopped, stop := context.WithCancel(t.Context())
	bucket.Trouble = func(r *http.Request) objectstest.Trouble {
		if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/other/shop/_manifests/") {
			stop()
		}
		return objectstest.None
	}
	if _, err := b.project.Restore(stopped, RestoreOptions{Store: store}); err == nil {
		t.Fatal("the restore was not stopped")
	}
	bucket.Trouble = nil
	if _, err := b.project.Run(t.Context(), RunOptions{}); !errors.As(err, new(*landing.HalfRestoredError)) {
		t.Errorf("a run after a restore that broke off: %v", err)
	}
	restore("into an empty prefix", "was empty and has the landing zone of the backup now", 1)
	b.live(2)
	b.build()
	if found := b.traces("ann@example.com", "annabel"); len(found) > 0 {
		t.Errorf("who was forgotten came back: %q", found)
	}
	if got, err := names(t.Context(), b.w, "SELECT DISTINCT id FROM raw.shop_orders FINAL WHERE NOT deleted ORDER BY id"); err != nil || !slices.Equal(got, []string{"2", "3"}) {
		t.Errorf("orders %q, %v", got, err)
	}
}

// TestLandingInABucket_OneHomeWrites keeps a second home away while a run goes on.
func TestLandingInABucket_OneHomeWrites(t *testing.T) {
	server, bucket := newBench(t).server, objectstest.Start(t)
	first, second := inBucket(t, t.TempDir(), server, bucket, ""), inBucket(t, t.TempDir(), server, bucket, "")
	lock, err := first.lock(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := second.Run(t.Context(), RunOptions{Only: []string{"source:shop"}}); err == nil || !strings.Contains(err.Error(), "is being written by process") || !strings.Contains(err.Error(), first.Home) {
		t.Errorf("a second home: %v", err)
	}
	if err := lock.unlock(); err != nil {
		t.Fatal(err)
	}
	other, err := second.lock(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := other.unlock(); err != nil {
		t.Error(err)
	}
}
