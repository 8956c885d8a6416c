package main

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"winback/pipelines/engine"
	"winback/pipelines/objects/objectstest"
)

const backedProject = `project: acme
timezone: UTC
currency: GBP
as_of: 2026-02-28
models: {dir: own, only: [my_orders]}
serve: {users: [{name: ann, password: "${ANN}"}]}
sources:
  shop:
    connector: files
    datasets:
      orders:
        files: orders*.csv
        entity: shop.orders
        fields: {id: id, customer_id: customer, email: email, ordered_at: day, status: {const: completed}, items_total: total}
`

const myOrders = `-- my_orders: orders.
-- grain: one row per order_id
-- materialized: table
-- order_by: order_id
select order_id, items_total from {{ ref "stg_shop__orders" }}
`

const myOrdersColumns = `description: Orders.
columns:
  - {name: order_id, type: String, description: Order}
  - {name: items_total, type: "Nullable(Decimal(18, 4))", description: Sum of the lines}
unit_tests:
  - name: one_order
    given:
      - ref: stg_shop__orders
        rows: [{order_id: "1", items_total: 2}]
    expect:
      rows: [{order_id: "1", items_total: 2}]
`

// backed is a project with one source and one mart.
type backed struct {
	*testing.T
	dir, config string
}

func newBacked(t *testing.T) *backed {
	t.Helper()
	b := &backed{T: t, dir: t.TempDir()}
	b.config = filepath.Join(b.dir, "winback.yaml")
	b.write("winback.yaml", backedProject)
	b.write(".env", "ANN=secret-of-ann\n")
	b.write("own/marts/my_orders.sql", myOrders)
	b.write("own/marts/my_orders.yml", myOrdersColumns)
	b.write("orders.csv", "id,customer,email,day,total\n1,a,ann@example.com,2026-01-05,10.00\n2,b,,2026-01-06,12.50\n")
	return b
}

func (b *backed) write(name, text string) {
	b.Helper()
	path := filepath.Join(b.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
}

// do runs a command over the project, which must exit so, and returns what it prints
// to standard output and standard error.
func (b *backed) do(exit int, args ...string) string {
	b.Helper()
	p := winback(b.T, exit, append(args, "-c", b.config)...)
	return p.stdout.String() + p.stderr()
}

// says checks that an output says something.
func (b *backed) says(output string, want ...string) {
	b.Helper()
	for _, text := range want {
		if !strings.Contains(output, text) {
			b.Errorf("it does not say %q:\n%s", text, output)
		}
	}
}

// orders is what the mart holds.
func (b *backed) orders(home string) string {
	b.Helper()
	return strings.Join(ask(b.T, b.config, home, "select count(), sum(items_total) from mart.my_orders"), "\n")
}

// holds checks what the mart of a home holds.
func (b *backed) holds(home, want string) {
	b.Helper()
	if got := b.orders(home); got != want {
		b.Errorf("%s holds %s, want %s", home, got, want)
	}
}

// ids are those of the backups of a store, oldest first.
func (b *backed) ids(store string) []string {
	b.Helper()
	var list []struct{ ID string }
	p := winback(b.T, exitDone, "backup", "list", "--from", store, "--json", "-c", b.config)
	if err := json.Unmarshal(p.stdout.Bytes(), &list); err != nil {
		b.Fatal(err)
	}
	ids := make([]string, len(list))
	for i, m := range list {
		ids[i] = m.ID
	}
	return ids
}

// A backup is taken while a service goes on, comes back as it was, overwrites nothing
// without being asked, and holds no password.
func TestBackup_AndRestore(t *testing.T) {
	b := newBacked(t)
	store := filepath.Join(b.dir, "store")
	b.do(exitDone, "run", "-q")
	b.says(b.do(exitUsage, "backup"), "say where the backups are kept")
	b.says(b.do(exitFailed, "backup", "drill", "--from", store), "holds no backup")
	service, _ := serveAgain(t, b.dir, "--listen", "127.0.0.1:0")
	b.says(b.do(exitDone, "backup", "--to", store), "The snapshot is taken", "(full) is in "+store, "not in it: configuration")
	service.cmd.Process.Signal(os.Interrupt) //nolint:errcheck // waited for
	<-service.ended
	b.says(b.do(exitDone, "backup", "drill", "--from", store), "can be restored", "1 marts have the rows they had")

	b.write("orders-2.csv", "id,customer,email,day,total\n3,c,,2026-01-07,7.50\n")
	b.do(exitDone, "run", "-q")
	b.says(b.do(exitDone, "backup", "--to", store, "--incremental"), "(incremental) is in "+store)
	ids := b.ids(store)
	if len(ids) != 2 {
		t.Fatalf("there are backups %q, want 2", ids)
	}
	b.lacks(store, "secret-of-ann")

	elsewhere := filepath.Join(b.dir, "elsewhere")
	b.says(b.do(exitDone, "restore", "--from", store, "--into", elsewhere), "is restored into "+elsewhere)
	b.holds(elsewhere, "3\t30")
	b.says(b.do(exitDone, "run", "--home", elsewhere), "Nothing new")

	b.says(b.do(exitFailed, "restore", "--from", store), "holds a landing zone and a warehouse already")
	b.says(b.do(exitUsage, "restore", "--from", store, "--overwrite"), "there is nobody to ask")
	b.holds(b.dir, "3\t30")
	b.says(b.do(exitDone, "restore", "--from", store, "--at", ids[0], "--overwrite", "--yes"), "What was there is in "+filepath.Join(b.dir, "before-restore-"))
	b.holds(b.dir, "2\t22.5")
	// Once more: what the first one kept stays as well.
	b.says(b.do(exitDone, "restore", "--from", store, "--at", ids[0], "--overwrite", "--yes"), "What was there is in "+filepath.Join(b.dir, "before-restore-"+ids[0]+"-2"))
	if !b.has("before-restore-"+ids[0], "landing") {
		t.Error("the second restore removed what the first one kept")
	}
	b.do(exitDone, "run", "-q")
	b.holds(b.dir, "3\t30")

	killed := filepath.Join(b.dir, "warehouse", "shadow", "backup20260101T000000Zaaaaaa")
	if err := os.MkdirAll(killed, 0o755); err != nil {
		t.Fatal(err)
	}
	b.says(b.do(exitDone, "backup", "--to", store, "--keep", "1"), "2 older backups were removed")
	if b.has("warehouse", "shadow", filepath.Base(killed)) {
		t.Error("what a backup that was killed froze is there still")
	}
	b.says(b.do(exitDone, "backup", "verify", "--from", store, "--all"), "is whole")
	damageOne(t, filepath.Join(store, "objects"))
	b.says(b.do(exitFailed, "backup", "verify", "--from", store), "is damaged: its SHA-256 is")
	third := filepath.Join(b.dir, "third")
	b.says(b.do(exitFailed, "restore", "--from", store, "--into", third), "is damaged")
	if _, err := os.Stat(filepath.Join(third, "landing")); err == nil {
		t.Error("a damaged backup was restored")
	}
	if left, _ := filepath.Glob(filepath.Join(b.dir, "*.tmp")); len(left) > 0 {
		t.Errorf("%q were left", left)
	}
}

// has says whether a file or folder is in the home.
func (b *backed) has(path ...string) bool {
	_, err := os.Stat(filepath.Join(append([]string{b.dir}, path...)...))
	return err == nil
}

// lacks checks that no file below a folder holds a text.
func (b *backed) lacks(folder, text string) {
	b.Helper()
	err := filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if bytes.Contains(content, []byte(text)) {
			b.Errorf("%s holds %s", path, text)
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
}

// damageOne changes a byte of the largest file below a folder.
func damageOne(t *testing.T, folder string) {
	t.Helper()
	var largest string
	var size int64
	err := filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err == nil && info.Size() > size {
			largest, size = path, info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(largest)
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)/2] ^= 1
	if err := os.WriteFile(largest, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// A backup goes to S3 and comes back.
func TestBackup_S3(t *testing.T) {
	server := objectstest.Start(t)
	b := newBacked(t)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": server.URL, "AWS_REGION": objectstest.Region, "AWS_ACCESS_KEY_ID": objectstest.AccessKey, "AWS_SECRET_ACCESS_KEY": objectstest.SecretKey,
	} {
		t.Setenv(name, value)
	}
	const store = "s3://" + objectstest.Bucket + "/backups"
	b.do(exitDone, "run", "-q")
	b.says(b.do(exitDone, "backup", "--to", store), "(full) is in "+store)
	b.says(b.do(exitDone, "backup", "drill", "--from", store), "can be restored")
	elsewhere := filepath.Join(b.dir, "elsewhere")
	b.do(exitDone, "restore", "--from", store, "--into", elsewhere)
	b.holds(elsewhere, "2\t22.5")
	if len(b.ids(store)) != 1 {
		t.Error("the backup is not listed")
	}
}

// Killed when the old warehouse is gone and the restored landing zone not yet in its
// place, the home has the old landing zone: the next run makes the warehouse from it, and
// restoring again succeeds.
func TestRestore_Killed(t *testing.T) {
	b := newBacked(t)
	store := filepath.Join(b.dir, "store")
	b.do(exitDone, "run", "-q")
	b.do(exitDone, "backup", "--to", store)
	b.write("orders-2.csv", "id,customer,email,day,total\n3,c,,2026-01-07,7.50\n")
	b.do(exitDone, "run", "-q")
	restore := []string{"restore", "--from", store, "--overwrite", "--yes", "-v", "-c", b.config}
	killed := exec.Command(mortalName, append([]string{"restore puts in place"}, restore...)...)
	killed.Env = append(os.Environ(), engine.LibraryVariable+"="+requireEngine(t))
	said, err := killed.CombinedOutput()
	if status, ok := killed.ProcessState.Sys().(syscall.WaitStatus); !ok || !status.Signaled() {
		t.Fatalf("it was not killed: %v\n%s", err, said)
	}
	b.do(exitDone, "run", "-q")
	b.holds(b.dir, "3\t30")
	b.do(exitDone, restore...)
	b.holds(b.dir, "2\t22.5")
	if !b.has("before-restore-interrupted", "old", "warehouse", "store") {
		t.Error("the warehouse that gave way to the one that was killed is lost")
	}
}

// Who was forgotten after a backup does not come back with it: neither into the home that
// remembers, nor into one that only knows the store.
func TestRestore_ErasesAgain(t *testing.T) {
	b := newBacked(t)
	store := filepath.Join(b.dir, "store")
	b.write("winback.yaml", backedProject+"backup: {to: "+store+"}\n")
	b.do(exitDone, "run", "-q")
	b.do(exitDone, "backup")
	b.says(b.do(exitDone, "forget", "--email", "ann@example.com", "--dry-run"), "Records to erase: 1 of shop.orders.")
	b.says(b.do(exitUsage, "forget", "--email", "ann@example.com"), "there is nobody to ask")
	b.says(b.do(exitDone, "forget", "--email", "ann@example.com", "--yes"), "Erased: 1 of shop.orders.", "The receipt is ")
	b.holds(b.dir, "1\t12.5")
	b.do(exitDone, "run", "-q", "--full")
	b.holds(b.dir, "1\t12.5")

	b.says(b.do(exitDone, "restore", "--overwrite", "--yes"), "1 erasures on request were done again on it")
	b.holds(b.dir, "1\t12.5")
	elsewhere := filepath.Join(b.dir, "elsewhere")
	b.says(b.do(exitDone, "restore", "--from", store, "--into", elsewhere), "1 erasures on request were done again on it")
	b.holds(elsewhere, "1\t12.5")
	b.says(b.do(exitDone, "forget", "--email", "bob@example.com", "--yes"), "copies that a rebuild or a restore kept", filepath.Join(b.dir, "before-restore-"))
	b.lacks(filepath.Join(b.dir, "erasures"), "ann@example.com")
	b.lacks(filepath.Join(elsewhere, "landing"), "ann@example.com")
}
