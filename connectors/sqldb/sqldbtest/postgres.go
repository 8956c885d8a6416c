// Package sqldbtest starts real database servers for tests: of their own, in a
// temporary folder, on a free port of this machine, and gone with the process that
// asked for them.
package sqldbtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// Password is that of every user the servers have.
const Password = "a secret of tests"

// Postgres is a running PostgreSQL.
type Postgres struct {
	Port int
	dir  string
	bin  string
	as   *syscall.Credential
}

// Missing is the error of a server that is not installed.
type Missing struct{ Package string }

func (m *Missing) Error() string {
	return fmt.Sprintf("%s is not installed: apt-get install %s", m.Package, m.Package)
}

// StartPostgres starts a server. Its superuser is "admin". Settings are added to
// those that make tests fast.
func StartPostgres(settings ...string) (*Postgres, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil || len(found) == 0 {
		return nil, &Missing{"postgresql"}
	}
	dir, as, err := home("postgres")
	if err != nil {
		return nil, err
	}
	p := &Postgres{dir: dir, as: as, bin: filepath.Dir(slices.Max(found))}
	secret := filepath.Join(dir, "password")
	if err := os.WriteFile(secret, []byte(Password), 0o644); err != nil {
		return nil, err
	}
	if err := p.run("initdb", "-D", p.data(), "-U", "admin", "-A", "scram-sha-256", "--pwfile="+secret, "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if p.Port, err = freePort(); err != nil {
		return nil, err
	}
	conf := append([]string{
		"listen_addresses = '127.0.0.1'", "port = " + strconv.Itoa(p.Port), "unix_socket_directories = '" + dir + "'",
		"fsync = off", "synchronous_commit = off", "full_page_writes = off", "timezone = 'America/New_York'", "datestyle = 'SQL, DMY'",
	}, settings...)
	if err := os.WriteFile(filepath.Join(p.data(), "postgresql.auto.conf"), []byte(strings.Join(conf, "\n")+"\n"), 0o644); err != nil {
		return nil, err
	}
	return p, p.Start()
}

func (p *Postgres) data() string { return filepath.Join(p.dir, "data") }

// Encrypt restarts the server so that it offers encrypted connections with a certificate.
func (p *Postgres) Encrypt(certificate, key []byte) error {
	for name, text := range map[string][]byte{"server.crt": certificate, "server.key": key} {
		path := filepath.Join(p.data(), name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			return err
		}
		if p.as != nil {
			if err := os.Chown(path, int(p.as.Uid), int(p.as.Gid)); err != nil {
				return err
			}
		}
	}
	return p.run("pg_ctl", "-D", p.data(), "-w", "-m", "fast", "-l", filepath.Join(p.dir, "log"), "-o", "-c ssl=on", "restart")
}

// Start starts a server that was killed.
func (p *Postgres) Start() error {
	return p.run("pg_ctl", "-D", p.data(), "-w", "-l", filepath.Join(p.dir, "log"), "start")
}

// Kill ends the server at once, as a power cut would.
func (p *Postgres) Kill() error {
	return p.run("pg_ctl", "-D", p.data(), "-w", "-m", "immediate", "stop")
}

// Stop ends the server and removes what it kept.
func (p *Postgres) Stop() error { return errors.Join(p.Kill(), os.RemoveAll(p.dir)) }

func (p *Postgres) run(name string, args ...string) error {
	cmd := exec.Command(filepath.Join(p.bin, name), args...)
	cmd.SysProcAttr, cmd.Dir = &syscall.SysProcAttr{Credential: p.as}, p.dir
	log := filepath.Join(p.dir, name+".log") // no pipe: the server would hold it open
	output, err := os.Create(log)
	if err != nil {
		return err
	}
	defer output.Close()
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Run(); err != nil {
		said, _ := os.ReadFile(log)
		return fmt.Errorf("%s: %w\n%s", name, err, said)
	}
	return nil
}

// URL is the address of a database as a user sees it.
func (p *Postgres) URL(login, database string) string {
	return fmt.Sprintf("postgres://%s:%s@127.0.0.1:%d/%s?sslmode=disable", login, strings.ReplaceAll(Password, " ", "%20"), p.Port, database)
}

// Database makes an empty database for a test.
func (p *Postgres) Database(t testing.TB, name string) *Database {
	t.Helper()
	admin := p.connect(t, "admin", "postgres")
	admin.Exec(t, "create database "+name)
	return p.connect(t, "admin", name)
}

func (p *Postgres) connect(t testing.TB, login, database string) *Database {
	t.Helper()
	conn, err := pgconn.Connect(context.Background(), p.URL(login, database))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return &Database{Name: database, conn: conn}
}

// Database is a connection to a database of a test.
type Database struct {
	Name string
	conn *pgconn.PgConn
}

// Exec runs statements.
func (d *Database) Exec(t testing.TB, statements string) {
	t.Helper()
	if _, err := d.conn.Exec(context.Background(), statements).ReadAll(); err != nil {
		t.Fatalf("%v\n%s", err, statements)
	}
}

// Text runs a select and returns its first value.
func (d *Database) Text(t testing.TB, query string) string {
	t.Helper()
	results, err := d.conn.Exec(context.Background(), query).ReadAll()
	if err != nil {
		t.Fatalf("%v\n%s", err, query)
	}
	if last := results[len(results)-1]; len(last.Rows) > 0 {
		return string(last.Rows[0][0])
	}
	return ""
}

// home makes a folder for a server, and says as whom it runs: not as root.
func home(name string) (dir string, as *syscall.Credential, err error) {
	if dir, err = os.MkdirTemp("", "winback-"+name+"-"); err != nil {
		return "", nil, err
	}
	if os.Getuid() != 0 {
		return dir, nil, nil
	}
	account, err := user.Lookup(name)
	if err != nil {
		if account, err = user.Lookup("nobody"); err != nil {
			return "", nil, err
		}
	}
	uid, err := strconv.Atoi(account.Uid)
	if err != nil {
		return "", nil, err
	}
	gid, err := strconv.Atoi(account.Gid)
	if err != nil {
		return "", nil, err
	}
	return dir, &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, os.Chown(dir, uid, gid)
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}
