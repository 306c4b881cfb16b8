package batcher

import (
	"container/list"
	"context"
	"sync"
	"sync/atomic"
)

// budget bounds what waits in memory. Taking is one atomic operation while there is room and nobody waits; who finds none waits in
// line, and nobody passes the line. Its count of events is the ledger's pending.
type budget struct {
	maxEvents, maxBytes int64
	taken               atomic.Int64 // events and bytes in one word, so that nobody sees the one without the other; see room
	waiting             atomic.Int64 // waiters in line
	// inHand are those who were given room while they waited and have neither used it nor given it back. Close waits for them: one that
	// runs a little later would else be pending in its report, and then be told ErrClosed.
	inHand sync.WaitGroup

	mu     sync.Mutex // guards the following
	line   list.List  // of *waiter
	closed bool
}

// waiter is one Track that waits for room.
type waiter struct {
	bytes   int64
	done    chan struct{} // closed when it is granted, or the budget closes
	granted bool
}

// The bytes stand in the lower bits of a word, the events above them.
const (
	bytesBits       = 36
	budgetMaxBytes  = 1<<bytesBits - 1
	budgetMaxEvents = 100_000_000
)

// room is the word for so many events and bytes.
func room(events, bytes int64) int64 { return events<<bytesBits + bytes }

// held returns what is taken.
func (b *budget) held() (events, bytes int64) {
	taken := b.taken.Load()
	return taken >> bytesBits, taken & budgetMaxBytes
}

// take takes room for one event, unless there is none or others wait.
func (b *budget) take(bytes int64) bool { return b.waiting.Load() == 0 && b.add(bytes) }

func (b *budget) add(bytes int64) bool {
	for {
		taken := b.taken.Load()
		if taken>>bytesBits >= b.maxEvents || taken&budgetMaxBytes+bytes > b.maxBytes {
			return false
		}
		if b.taken.CompareAndSwap(taken, taken+room(1, bytes)) {
			return true
		}
	}
}

// force takes room for one event, above the bounds if need be. It returns false where the counts end. It is for New alone.
func (b *budget) force(bytes int64) bool {
	events, held := b.held()
	if events >= budgetMaxEvents || held+bytes > budgetMaxBytes {
		return false
	}
	b.taken.Add(room(1, bytes))
	return true
}

// release gives room back. Wake is to follow.
func (b *budget) release(events, bytes int64) { b.taken.Add(-room(events, bytes)) }

// wait takes room for one event, waiting in line for it. Who is the first there calls hurry.
//
// A release and a wait can meet: the release lowers the counts, then looks whether anybody waits; the wait first says that it
// waits, then looks at the counts. Whichever comes second sees the other, so no waiter is left behind.
func (b *budget) wait(ctx context.Context, bytes int64, hurry func()) error {
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return ErrClosed
	}
	first := b.waiting.Add(1) == 1
	if b.line.Len() == 0 && b.add(bytes) {
		b.inHand.Add(1)
		b.waiting.Add(-1)
		b.mu.Unlock()
		return nil
	}
	w := &waiter{bytes: bytes, done: make(chan struct{})}
	place := b.line.PushBack(w)
	b.mu.Unlock()
	if first {
		hurry()
	}

	select {
	case <-w.done:
	case <-ctx.Done():
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case w.granted && ctx.Err() != nil:
		// Room came in the same moment. The caller's context has ended, so it goes to the next in line.
		b.release(1, bytes)
		b.inHand.Done()
		b.grantLocked()
		return ctx.Err()
	case w.granted:
		return nil
	case b.closed:
		return ErrClosed
	}
	b.line.Remove(place)
	b.waiting.Add(-1)
	b.grantLocked() // it may have been the first in line, and the next one may need less
	return ctx.Err()
}

// wake gives freed room to those who wait.
func (b *budget) wake() {
	if b.waiting.Load() == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.grantLocked()
}

// grantLocked serves the line from its head as far as the room goes.
func (b *budget) grantLocked() {
	for place := b.line.Front(); place != nil; place = b.line.Front() {
		w := place.Value.(*waiter) //nolint:errcheck // the line holds nothing else
		if b.closed || !b.add(w.bytes) {
			return
		}
		w.granted = true
		b.inHand.Add(1)
		b.waiting.Add(-1)
		b.line.Remove(place)
		close(w.done)
	}
}

// close sends everybody who waits away.
func (b *budget) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	for place := b.line.Front(); place != nil; place = b.line.Front() {
		b.waiting.Add(-1)
		close(b.line.Remove(place).(*waiter).done) //nolint:errcheck // the line holds nothing else
	}
}
