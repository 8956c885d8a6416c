package sqldbtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

// MariaDB is a running MariaDB.
type MariaDB struct {
	Port     int
	dir      string
	as       *syscall.Credential
	settings []string
	process  *exec.Cmd
	ended    chan error
}

// StartMariaDB starts a server. Its user with all rights is "admin". Settings are
// added to those that make tests fast.
func StartMariaDB(settings ...string) (*MariaDB, error) {
	if _, err := exec.LookPath("mariadbd"); err != nil {
		return nil, &Missing{"mariadb-server"}
	}
	dir, as, err := home("mysql")
	if err != nil {
		return nil, err
	}
	m := &MariaDB{dir: dir, as: as, settings: settings}
	install := exec.Command("mariadb-install-db", "--no-defaults", "--datadir="+m.data(), "--auth-root-authentication-method=normal", "--skip-test-db")
	install.SysProcAttr, install.Dir = &syscall.SysProcAttr{Credential: as}, dir
	if said, err := install.CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("mariadb-install-db: %w\n%s", err, said), os.RemoveAll(dir))
	}
	if m.Port, err = freePort(); err != nil {
		return nil, err
	}
	if err := m.Start(); err != nil {
		return nil, err
	}
	return m, m.makeAdmin()
}

func (m *MariaDB) data() string   { return filepath.Join(m.dir, "data") }
func (m *MariaDB) socket() string { return filepath.Join(m.dir, "socket") }

// Start starts a server that was killed.
func (m *MariaDB) Start() error {
	args := append([]string{
		"--no-defaults", "--datadir=" + m.data(), "--socket=" + m.socket(), "--port=" + strconv.Itoa(m.Port), "--bind-address=127.0.0.1",
		"--skip-name-resolve", "--innodb-flush-log-at-trx-commit=0", "--innodb-flush-method=nosync", "--sync-binlog=0", "--innodb-buffer-pool-size=32M",
		"--default-time-zone=-05:00", "--pid-file=" + filepath.Join(m.dir, "pid"), "--log-error=" + filepath.Join(m.dir, "log"),
	}, m.settings...)
	m.process = exec.Command("mariadbd", args...)
	m.process.SysProcAttr, m.process.Dir = &syscall.SysProcAttr{Credential: m.as}, m.dir
	if err := m.process.Start(); err != nil {
		return err
	}
	m.ended = make(chan error, 1)
	go func() { m.ended <- m.process.Wait() }()
	return m.ready()
}

// ready waits until the server lets in.
func (m *MariaDB) ready() error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.After(time.Minute)
	for {
		select {
		case err := <-m.ended:
			said, _ := os.ReadFile(filepath.Join(m.dir, "log"))
			return fmt.Errorf("mariadbd: %w\n%s", err, said)
		case <-late:
			return errors.Join(errors.New("mariadbd does not let in after a minute"), m.Kill())
		case <-tick.C:
			if db, err := m.root(); err == nil {
				err = db.Ping()
				_ = db.Close()
				if err == nil {
					return nil
				}
			}
		}
	}
}

func (m *MariaDB) root() (*sql.DB, error) {
	config := mysql.NewConfig()
	config.Net, config.Addr, config.User, config.Logger = "unix", m.socket(), "root", &mysql.NopLogger{}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}

func (m *MariaDB) makeAdmin() error {
	db, err := m.root()
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.Exec("create user if not exists admin@'%' identified by '" + Password + "'")
	if err == nil {
		_, err = db.Exec("grant all on *.* to admin@'%' with grant option")
	}
	return err
}

// Kill ends the server at once, as a power cut would.
func (m *MariaDB) Kill() error {
	if err := m.process.Process.Kill(); err != nil {
		return err
	}
	<-m.ended // that it was killed is no news
	return nil
}

// Stop ends the server and removes what it kept.
func (m *MariaDB) Stop() error { return errors.Join(m.Kill(), os.RemoveAll(m.dir)) }

// URL is the address of a database as a user sees it.
func (m *MariaDB) URL(login, database string) string {
	u := url.URL{Scheme: "mysql", User: url.UserPassword(login, Password), Host: fmt.Sprintf("127.0.0.1:%d", m.Port), Path: "/" + database}
	return u.String()
}

// Database makes an empty database for a test.
func (m *MariaDB) Database(t testing.TB, name string) *MariaDatabase {
	t.Helper()
	config := mysql.NewConfig()
	config.Net, config.Addr, config.User, config.Passwd = "tcp", fmt.Sprintf("127.0.0.1:%d", m.Port), "admin", Password
	config.MultiStatements, config.Logger = true, &mysql.NopLogger{}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = db.Close() })
	d := &MariaDatabase{Name: name, db: db}
	d.Exec(t, "create database `"+name+"` character set utf8mb4; use `"+name+"`; set time_zone = '+00:00'")
	return d
}

// MariaDatabase is a connection to a database of a test.
type MariaDatabase struct {
	Name string
	db   *sql.DB
}

// Exec runs statements.
func (d *MariaDatabase) Exec(t testing.TB, statements string) {
	t.Helper()
	if err := d.Try(statements); err != nil {
		t.Fatalf("%v\n%s", err, statements)
	}
}

// Try runs statements that may fail.
func (d *MariaDatabase) Try(statements string) error {
	_, err := d.db.ExecContext(context.Background(), strings.TrimRight(statements, "; \n"))
	return err
}

// Text runs a select and returns its first value.
func (d *MariaDatabase) Text(t testing.TB, query string) string {
	t.Helper()
	var text sql.NullString
	if err := d.db.QueryRow(query).Scan(&text); err != nil && !errors.Is(err, sql.ErrNoRows) {
		t.Fatalf("%v\n%s", err, query)
	}
	return text.String
}
