package users

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

// Whoever tries passwords has to wait: after a few that were wrong for one user
// from one address, twice as long for each further one. An address that tries
// many names waits as well, but never for long, since many people may share it.
const (
	freeGuesses        = 5
	longestWait        = 5 * time.Minute
	freeGuessesAddress = 100
	longestWaitAddress = 10 * time.Second
	forgetAfter        = 15 * time.Minute
	guessesKept        = 10_000
)

// guesses counts logins that failed.
type guesses struct {
	now func() time.Time
	mu  sync.Mutex
	by  map[guesser]*guessed
}

// guesser is a user as seen from an address, or an address alone.
type guesser struct{ name, address string }

type guessed struct {
	failed int
	last   time.Time
	until  time.Time
}

func newGuesses(now func() time.Time) *guesses {
	return &guesses{now: now, by: map[guesser]*guessed{}}
}

// begin counts an attempt, as failed until it is forgotten: so attempts that come
// at once count too. It gives how long to wait instead; 0 lets it go on.
func (g *guesses) begin(name, remote string) time.Duration {
	address := addressOf(remote)
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	own, whole := g.at(guesser{name, address}, now), g.at(guesser{"", address}, now)
	if wait := max(own.until.Sub(now), whole.until.Sub(now)); wait > 0 {
		return wait
	}
	own.count(now, freeGuesses, longestWait)
	whole.count(now, freeGuessesAddress, longestWaitAddress)
	return 0
}

func (e *guessed) count(now time.Time, free int, longest time.Duration) {
	e.failed++
	e.last = now
	if over := e.failed - free; over >= 0 {
		e.until = now.Add(min(longest, time.Second<<min(over, 20)))
	}
}

// forget is for a login that was right.
func (g *guesses) forget(name, remote string) {
	address := addressOf(remote)
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.by, guesser{name, address})
	if whole := g.by[guesser{"", address}]; whole != nil && whole.failed > 0 {
		whole.failed--
	}
}

func (g *guesses) at(key guesser, now time.Time) *guessed {
	e := g.by[key]
	if e == nil || now.Sub(e.last) > forgetAfter {
		if len(g.by) >= guessesKept {
			g.prune(now)
		}
		e = &guessed{last: now}
		g.by[key] = e
	}
	return e
}

// prune makes room: who need not wait goes first. What is kept of addresses as a
// whole goes last, since those who try many names fill the room.
func (g *guesses) prune(now time.Time) {
	for key, e := range g.by {
		if !e.until.After(now) && (key.name != "" || now.Sub(e.last) > forgetAfter) {
			delete(g.by, key)
		}
	}
	for key := range g.by {
		if len(g.by) < guessesKept*9/10 {
			return
		}
		if key.name != "" {
			delete(g.by, key)
		}
	}
	if len(g.by) >= guessesKept {
		clear(g.by)
	}
}

// addressOf is the network somebody comes from: an address of IPv4, or the half
// of one of IPv6 that is the network's, since the other half is anybody's.
func addressOf(remote string) string {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		host = remote
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	if ip = ip.Unmap(); ip.Is6() {
		if network, err := ip.WithZone("").Prefix(64); err == nil {
			return network.String()
		}
	}
	return ip.String()
}
