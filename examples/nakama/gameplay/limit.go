package gameplay

import (
	"net/netip"
	"sync"
	"time"
)

// Limits: how often something may happen per key, in bounded memory.

// limit allows a number of calls per key in a window of time, which begins with the first call. It
// keeps at most keys keys: while that many are in their window, a new one has to wait. It serves
// one process. Several processes keep the counts in a shared store.
type limit struct {
	calls  int
	window time.Duration
	keys   int

	mu     sync.Mutex // guards the following
	counts map[string]*count
	order  []*count // as they began, which is as they end
}

// count is the use of one key.
type count struct {
	key   string
	ends  time.Time
	calls int
}

func newLimit(calls int, window time.Duration, keys int) *limit {
	return &limit{calls: calls, window: window, keys: keys, counts: map[string]*count{}}
}

// take counts a call and returns 0, or how long to wait.
func (l *limit) take(key string) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	for len(l.order) > 0 && !now.Before(l.order[0].ends) {
		l.dropFirstLocked()
	}
	c := l.counts[key]
	if c == nil {
		if len(l.order) >= l.keys {
			return l.order[0].ends.Sub(now)
		}
		c = &count{key: key, ends: now.Add(l.window)}
		l.counts[key] = c
		l.order = append(l.order, c)
	}
	if c.calls >= l.calls {
		return c.ends.Sub(now)
	}
	c.calls++
	return 0
}

func (l *limit) dropFirstLocked() {
	first := l.order[0]
	l.order[0] = nil
	if l.order = l.order[1:]; l.counts[first.key] == first {
		delete(l.counts, first.key)
	}
}

// clear begins with a key afresh.
func (l *limit) clear(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := l.counts[key]; c != nil {
		c.calls = 0
	}
}

// networks returns the networks that an address is counted under, the narrow one first. A client
// with one IPv6 address has its whole /64, and many have a /48.
func networks(address string) []string {
	var ip netip.Addr
	if parsed, err := netip.ParseAddrPort(address); err == nil {
		ip = parsed.Addr()
	} else if ip, err = netip.ParseAddr(address); err != nil {
		return []string{"unknown"} // all of them together
	}
	ip = ip.Unmap().WithZone("")
	if ip.Is4() {
		return []string{ip.String()}
	}
	narrow, _ := ip.Prefix(64)
	wide, _ := ip.Prefix(48)
	return []string{narrow.String(), wide.String()}
}
