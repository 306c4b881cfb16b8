package batcher

import "time"

// FailingPlayer is a player whose requests fail while the service is up.
type FailingPlayer struct {
	UserID   string
	Events   int           // that wait
	Failures int           // requests in a row that failed
	Oldest   time.Duration // how long the oldest event has waited
	Cause    error         // of the last failure
}

// Failing returns players whose last request failed, at most so many, and why: the events of one may be too large for what stands between, in
// words that do not say so. During an outage these are players that tried. Players without a token are in Parked. It looks at every player.
func (b *Batcher) Failing(most int) []FailingPlayer {
	var out []FailingPlayer
	for l := range b.lanes() {
		if len(out) >= most {
			break
		}
		l.mu.Lock()
		if l.failures > 0 && l.head != nil && !l.parked {
			out = append(out, FailingPlayer{
				UserID: l.user, Events: l.events, Failures: int(l.failures), Oldest: time.Duration(b.now() - l.head.born), Cause: l.lastError,
			})
		}
		l.mu.Unlock()
	}
	return out
}
