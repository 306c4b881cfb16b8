package batcher

import (
	"fmt"
	"iter"
	"sync"
	"time"
)

// Ledger is where every accepted event is. At every instant
//
//	Accepted = Delivered + Rejected + Expired + Unknown + Returned + Spooled + Erased + Pending
//
// What New took back from the Store is accepted, too.
type Ledger struct {
	Accepted  int64
	Delivered int64
	Rejected  int64
	Expired   int64
	Unknown   int64
	Returned  int64
	Spooled   int64
	Erased    int64
	Pending   int64 // also what Track is still handing to the Store
	// PossibleDuplicates counts, beside the ledger, the copies that the service may have stored of delivered events: one for each
	// earlier attempt of which nothing is known. What an earlier process attempted counts as one.
	PossibleDuplicates int64
	// Unconfirmed counts, of the delivered events, those that the service's answers did not account for, see Receipt.
	Unconfirmed int64
}

// String is the ledger on one line.
func (l Ledger) String() string {
	line := fmt.Sprintf("accepted %d = delivered %d + rejected %d + expired %d + unknown %d + returned %d + spooled %d + erased %d + pending %d; possible duplicates %d",
		l.Accepted, l.Delivered, l.Rejected, l.Expired, l.Unknown, l.Returned, l.Spooled, l.Erased, l.Pending, l.PossibleDuplicates)
	if l.Unconfirmed > 0 {
		line += fmt.Sprintf(", unconfirmed %d", l.Unconfirmed)
	}
	return line
}

// Results yields every Result with its number of events, in the order of the constants. Code that
// exports or compares the results ranges over it, so that it includes a Result that a later version
// adds. Pending events have no Result yet.
func (l Ledger) Results() iter.Seq2[Result, int64] {
	return func(yield func(Result, int64) bool) {
		for r := range results {
			if !yield(r, *l.of(r)) {
				return
			}
		}
	}
}

// of returns the field that counts the events of a result.
func (l *Ledger) of(r Result) *int64 {
	switch r {
	case Delivered:
		return &l.Delivered
	case Rejected:
		return &l.Rejected
	case Expired:
		return &l.Expired
	case Unknown:
		return &l.Unknown
	case Returned:
		return &l.Returned
	case Spooled:
		return &l.Spooled
	case Erased:
		return &l.Erased
	}
	panic("batcher: no field of the ledger counts this result") // TestTheLedgerHasAFieldForEveryResult
}

// Stats is a picture of a batcher.
type Stats struct {
	Ledger
	PendingBytes int64 // of JSON
	MaxEvents    int64 // that can be pending: Config.MaxEvents
	MaxBytes     int64 // that PendingBytes can be: Config.MaxBytes
	Players      int   // that are remembered, with or without events
	Parked       int   // of them, see Batcher.Parked
	InFlight     int   // requests under way
	Waiting      int   // calls of Track that wait for room
	Requests     int64 // made
	// Oldest is how long the oldest event has waited that has no result yet, 0 if there is none. In
	// good times it is about Config.Linger.
	Oldest      time.Duration
	Outage      bool   // the service is down: requests are held but for a probe
	OutageCause string // the failure that counted last, and why, in words fit for a log; "" if Outage is false
	AllRefused  bool   // the service refuses every event, so nothing more is rejected, see Config.OnAllRefused
	Unstored    int64  // events that are or were in memory alone, see Config.MemoryOnStoreError
	LastError   error  // of the last request that failed, of the Store, or of the token source
}

// PlayerStats is a picture of one player.
type PlayerStats struct {
	Pending      int // events
	PendingBytes int // of JSON
	Failures     int // requests in a row that failed
	Parked       bool
	LastError    error
}

// ledger counts what became of events. Pending is the budget's count of events; it is lowered under the same lock under which a
// result is raised, so that a picture taken under it always balances.
type ledger struct {
	mu          sync.Mutex // guards the following
	results     [results]int64
	duplicates  int64
	unconfirmed int64
	requests    int64
	unstored    int64
	lastError   error
}

// settle moves events from pending to their result. It is the only place where an event gets one.
func (b *Batcher) settle(blk *block, r Result) {
	b.ledger.mu.Lock()
	b.ledger.results[r] += int64(blk.events)
	switch {
	case r == Delivered:
		b.ledger.duplicates += int64(blk.events) * int64(blk.doubts)
		b.ledger.unconfirmed += int64(blk.unconfirmed)
	case r == Spooled && blk.doubts > 1: // the next process knows of one
		b.ledger.duplicates += int64(blk.events) * int64(blk.doubts-1)
	}
	b.budget.release(int64(blk.events), int64(blk.bytes))
	b.ledger.mu.Unlock()
	b.budget.wake()
}

// Ledger returns where every accepted event is.
func (b *Batcher) Ledger() Ledger {
	b.ledger.mu.Lock()
	defer b.ledger.mu.Unlock()
	pending, _ := b.budget.held()
	l := Ledger{Accepted: pending, Pending: pending, PossibleDuplicates: b.ledger.duplicates, Unconfirmed: b.ledger.unconfirmed}
	for r, events := range b.ledger.results {
		*l.of(Result(r)) = events
		l.Accepted += events
	}
	return l
}

// Stats returns a picture of the batcher. Its ledger balances; the rest is read one after the other.
func (b *Batcher) Stats() Stats {
	_, bytes := b.budget.held()
	s := Stats{
		Ledger: b.Ledger(), PendingBytes: bytes, MaxEvents: b.budget.maxEvents, MaxBytes: b.budget.maxBytes, Waiting: int(b.budget.waiting.Load()),
	}
	s.Oldest = b.ages.oldest(b.now())
	s.Players, s.Parked = int(b.remembered.Load()), b.parked.count()
	b.ledger.mu.Lock()
	s.Requests, s.Unstored, s.LastError = b.ledger.requests, b.ledger.unstored, b.ledger.lastError
	b.ledger.mu.Unlock()
	b.sched.mu.Lock()
	s.InFlight, s.Outage, s.AllRefused = b.sched.inFlight, b.sched.gate.shut, b.sched.gate.refusals.held
	if s.Outage {
		s.OutageCause = causeText(b.sched.gate.failure, b.sched.gate.why)
	}
	b.sched.mu.Unlock()
	return s
}

// Stats returns a picture of the player.
func (p *Player) Stats() PlayerStats {
	l := p.batcher.find(p.id)
	if l == nil {
		return PlayerStats{}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return PlayerStats{Pending: l.events, PendingBytes: l.bytes, Failures: int(l.failures), Parked: l.parked, LastError: l.lastError}
}
