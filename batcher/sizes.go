package batcher

import (
	"math/bits"
	"sync"
	"time"
)

// Some paths refuse a large request in words of their own: with a 502 or a 403, with a reset, or by silence. Nothing in such an answer speaks of
// the size, so the batcher looks at what passes: a block of several events that keeps failing while others pass is cut in two. Nothing is
// rejected by that.

// sizes is what all lanes know about how large a request may be.
type sizes struct {
	mu      sync.Mutex // guards the following. It comes after a lane's mutex, and none comes after it
	passes  int64      // requests that passed
	passed  [sizeClasses]sizePass
	limit   sizeLimit
	shrinks *lane // whose request was cut last because smaller ones pass
}

// sizePass is the last request of a size class that passed.
type sizePass struct {
	pass  int64 // the how manieth it was
	at    int64
	bytes int
}

// sizeLimit is how many bytes of events a request may have: of one player, or of all.
type sizeLimit struct {
	bytes int // 0: no limit is known
	at    int64
	wait  time.Duration // until it grows again
}

const (
	sizeClasses = 4 * 64
	// A limit grows by a quarter when a request near it passes, not more often than this: each try that goes too far may leave copies.
	// A try that fails doubles the time to the next one.
	sizeGrows     = time.Minute
	sizeGrowsLate = 8 * time.Minute
	// smallerPass is how many failures in a row, while only smaller requests pass, show that a block is too large; othersPass is how many
	// do so while as large ones pass, too, which speaks against its size and for what is in it.
	smallerPass = 2
	othersPass  = 5
)

// sizeClass is a number that grows with the size, four for each power of two.
func sizeClass(bytes int) int {
	n := bits.Len(uint(bytes))
	if n < 3 {
		return n * 4
	}
	return n*4 + bytes>>(n-3)&3
}

// pass notes that a request passed.
func (s *sizes) pass(bytes int, now int64, limit int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.passes++
	s.passed[sizeClass(bytes)] = sizePass{s.passes, now, bytes}
	s.limit.passed(bytes, now, limit)
}

// passesNow returns how many requests have passed.
func (s *sizes) passesNow() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.passes
}

// suspects reports whether what failed so often is to be blamed on the block: others pass meanwhile. Smaller says that only smaller ones do.
func (s *sizes) suspects(blk *block) (suspect, smaller bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.passes <= blk.passesThen {
		return false, false
	}
	smaller = true
	for class := sizeClass(blk.bytes); class < sizeClasses && smaller; class++ {
		smaller = s.passed[class].pass <= blk.passesThen
	}
	if smaller {
		return blk.failures >= smallerPass, true
	}
	return blk.failures >= othersPass, false
}

// shrink notes that a request of that size was too large. It takes two players to bound all: the fault may be in what one of them sends. Nor
// are all bound to less than what has just passed.
func (s *sizes) shrink(l *lane, bytes int, now int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	another := s.shrinks != nil && s.shrinks != l
	s.shrinks = l
	if !another {
		return
	}
	half := bytes / 2
	for _, p := range s.passed {
		if p.pass > 0 && now-p.at < int64(sizeGrows) {
			half = max(half, p.bytes)
		}
	}
	if half < bytes {
		s.limit.failed(half, now)
	}
}

// bound returns how many bytes a request of a lane may have, 0 where no bound is known.
func (s *sizes) bound(own sizeLimit) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	// Where all are bound to about as much as the player, they try together to grow, and not each by itself.
	if all := s.limit.bytes; own.bytes == 0 || all > 0 && own.bytes >= all*3/4 {
		return all
	}
	return own.bytes
}

// failed lowers the limit.
func (l *sizeLimit) failed(to int, now int64) {
	if l.bytes == 0 || to < l.bytes {
		l.bytes = max(to, 1)
	}
	l.at, l.wait = now, min(max(2*l.wait, sizeGrows), sizeGrowsLate)
}

// passed lets the limit grow slowly where a request near it has passed, and ends it where it bounds nothing any more.
func (l *sizeLimit) passed(bytes int, now int64, most int) {
	switch {
	case l.bytes == 0:
	case bytes > l.bytes: // it was under way when the limit came
		l.bytes, l.wait = bytes, sizeGrows
	case bytes >= l.bytes*3/4 && now-l.at >= int64(l.wait):
		l.bytes += max(l.bytes/4, 1)
		l.at = now
	}
	if l.bytes >= most {
		l.bytes = 0
	}
}

// fitLocked cuts the first block of a lane to the size that is known to pass.
func (b *Batcher) fitLocked(l *lane) {
	bound := b.sizes.bound(l.sizeLimit)
	if bound == 0 || l.head.bytes <= bound || l.head.events == 1 {
		return
	}
	at, sum := 0, 0
	for i := range l.head.items() {
		if sum += len(i.json); at > 0 && sum > bound {
			break
		}
		at++
	}
	l.cutLocked(func(n int, _ item) bool { return n < at })
}
