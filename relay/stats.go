package relay

import (
	"sync"
	"sync/atomic"

	"github.com/playline/playline-go/batcher"
)

// SetAside is the ResultHeader of an event of a player who has no token and has already as many
// events waiting as Config.Batcher.MaxPlayerEvents allows.
const SetAside = "set aside"

// Stats is a picture of a relay.
type Stats struct {
	Partitions []int // that it serves now
	Relays     int   // that were alive at its last look, with itself

	// What became of messages since the start. Each one that was received and not known before is
	// delivered, a dead letter, erased, handed on, or still waits; an Eraser's word is none of
	// these.
	Delivered   int64
	DeadLetters map[string]int64 // by ResultHeader
	Erased      int64            // dropped for an Eraser
	HandedOn    int64            // left in the stream for the next relay
	Waiting     int              // in this relay, not settled
	Unconfirmed int              // acknowledged, and the server has not confirmed it yet

	// PossibleDuplicates counts the copies that the service may have stored: one for each earlier
	// attempt of which nothing is known. What another relay attempted before it was gone counts as
	// one.
	PossibleDuplicates int64
	DuplicatesByType   map[batcher.EventType]int64 // PossibleDuplicates, by the type of the event
	Redelivered        int64                       // copies of messages that were known, and let pass
	Resets             int64                       // consumers that were made anew because of a gap or a lost connection

	Requests  int64 // made
	InFlight  int   // requests under way
	Parked    int   // players without a token
	Outage    int   // partitions for which the service is down
	LastError error // of the last request that failed
	// StreamError is how the streams differ from what this package needs, at the last look. The
	// relay looks every StreamConfig.LeaseTTL. Events that publishers hand over meanwhile can be
	// lost: alert on it.
	StreamError error
}

// counts are what a relay counts.
type counts struct {
	delivered, erased, left, redelivered, resets atomic.Int64

	mu     sync.Mutex // guards the following
	gone   map[string]int64
	copies map[batcher.EventType]int64
}

// copy counts copies that the service may have of an event.
func (c *counts) copy(t batcher.EventType, n int) {
	if n == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.copies == nil {
		c.copies = map[batcher.EventType]int64{}
	}
	c.copies[t] += int64(n)
}

// dead counts a dead letter.
func (c *counts) dead(result string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone == nil {
		c.gone = map[string]int64{}
	}
	c.gone[result]++
}

// Stats returns a picture of the relay. Its figures are read one after the other.
func (r *Relay) Stats() Stats {
	s := Stats{
		Delivered: r.counts.delivered.Load(), Erased: r.counts.erased.Load(), HandedOn: r.counts.left.Load(), DuplicatesByType: map[batcher.EventType]int64{},
		Redelivered: r.counts.redelivered.Load(), Resets: r.counts.resets.Load(), DeadLetters: map[string]int64{},
	}
	r.counts.mu.Lock()
	for result, n := range r.counts.gone {
		s.DeadLetters[result] = n
	}
	for t, n := range r.counts.copies {
		s.DuplicatesByType[t] = n
		s.PossibleDuplicates += n
	}
	r.counts.mu.Unlock()
	r.mu.Lock()
	s.Relays, s.Requests, s.StreamError = r.relays, r.requests, r.streamError
	parts := r.sorted()
	r.mu.Unlock()
	for _, p := range parts {
		waiting, unconfirmed := p.hand.size()
		s.Waiting += waiting
		s.Unconfirmed += unconfirmed
		if p.pull.Err() == nil {
			s.Partitions = append(s.Partitions, p.n)
		}
		b := p.batcher.Stats()
		s.Requests += b.Requests
		s.InFlight += b.InFlight
		s.Parked += b.Parked
		if b.Outage {
			s.Outage++
		}
		if b.LastError != nil {
			s.LastError = b.LastError
		}
	}
	return s
}
