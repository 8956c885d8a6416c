// Package notifytest has a mail server for tests.
package notifytest

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"
)

// Inbox is a mail server that keeps what it is given. It refuses mail for anybody
// called nobody.
type Inbox struct {
	Port int
	// Got has the letters as they came.
	Got chan string
}

// NewInbox starts a mail server on loopback, which ends with the test.
func NewInbox(tb testing.TB) *Inbox {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { l.Close() })
	address, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		tb.Fatalf("listening at %v", l.Addr())
	}
	in := &Inbox{Port: address.Port, Got: make(chan string, 100)}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go in.serve(conn)
		}
	}()
	return in
}

func (in *Inbox) serve(conn net.Conn) {
	defer conn.Close()
	say := func(line string) { io.WriteString(conn, line+"\r\n") } //nolint:errcheck // the client notices
	say("220 inbox")
	lines := bufio.NewReader(conn)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		switch verb := strings.ToUpper(strings.Fields(line + " .")[0]); {
		case strings.Contains(line, "nobody@"):
			say("550 no such mailbox")
		case verb == "DATA":
			say("354 go on")
			var text strings.Builder
			for line, _ = lines.ReadString('\n'); line != ".\r\n"; line, _ = lines.ReadString('\n') {
				text.WriteString(line)
			}
			in.Got <- text.String()
			say("250 kept")
		case verb == "QUIT":
			say("221 bye")
			return
		default:
			say("250 inbox")
		}
	}
}
