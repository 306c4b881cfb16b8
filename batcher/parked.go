package batcher

import (
	"errors"
	"time"
)

// ParkedPlayer is a player whose events wait for a token.
type ParkedPlayer struct {
	UserID string
	Events int
	Cause  error // why: ErrNoToken, or the service's refusal
}

// Parked returns the players that have no token, or one that the service refused. Their events are kept.
func (b *Batcher) Parked() []ParkedPlayer {
	var out []ParkedPlayer
	for l := range b.lanes() {
		l.mu.Lock()
		if l.parked {
			out = append(out, ParkedPlayer{l.user, l.events, l.lastError})
		}
		l.mu.Unlock()
	}
	return out
}

// Resume lets a parked player try again: the token source is asked anew. It does nothing for others.
func (b *Batcher) Resume(userID string) {
	if l := b.find(userID); l != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.parked {
			l.token = nil
			b.unpark(l)
		}
	}
}

// SetToken gives a player's token before the token source is asked, and lets a parked player try again. Of an erased player it keeps none.
func (b *Batcher) SetToken(userID string, token Token) {
	token = token.withExpiry()
	l := b.locked(userID)
	defer l.mu.Unlock()
	if l.erased {
		return
	}
	l.token = &token
	switch {
	case l.parked:
		b.unpark(l)
	case l.status == idle, l.status == lingers: // a new one has no alarm yet that would forget it; this token may end sooner
		b.settleDown(l, b.now())
	}
}

// sayParked logs that a player was parked. A log handler is the caller's code: no lock is held.
func (b *Batcher) sayParked(events int, err error) {
	b.cfg.Log.Warn("batcher: player parked until SetToken or Resume", "events", events, "cause", causeOf(err))
}

// park lets a lane wait for a token. Its mutex is held.
func (b *Batcher) park(l *lane, err error) {
	if b.erases(l) {
		return
	}
	l.parked, l.status, l.lastError = true, paused, err
	if b.cfg.MaxAge > 0 && l.head != nil {
		l.wakeAt = max(l.head.born+int64(b.cfg.MaxAge), b.now()+int64(time.Millisecond))
		b.alarm(l, b.sched.wakes)
	}
	b.countParked(l)
	b.stir()
}

// causeOf is what of an error may be logged: the kind of failure, not somebody's words.
func causeOf(err error) string {
	if errors.Is(err, ErrNoToken) {
		return "no token"
	}
	return failureOf(err).Failure.String()
}

// unpark lets a parked lane send again. Its mutex is held.
func (b *Batcher) unpark(l *lane) {
	l.parked, l.refused = false, ""
	b.countParked(l)
	if l.status == paused {
		l.failures = 0
		b.settleDown(l, b.now())
	}
}
