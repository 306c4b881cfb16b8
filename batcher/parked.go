package batcher

import "errors"

// ParkedPlayer is a player whose events wait for a token.
type ParkedPlayer struct {
	UserID string
	Events int
	Cause  error // why: ErrNoToken, or the service's refusal
}

// Parked returns the players that have no token, or one that the service refused. Their events are kept.
func (b *Batcher) Parked() []ParkedPlayer {
	var out []ParkedPlayer
	for _, l := range b.parked.all() {
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
			b.unparkLocked(l)
		}
	}
}

// SetToken gives a player's token before the token source is asked, and lets a parked player try again. Of an erased player it keeps none.
func (b *Batcher) SetToken(userID string, token Token) {
	if b.off {
		return
	}
	token = token.withExpiry()
	l := b.locked(userID)
	defer l.mu.Unlock()
	if l.erased {
		return
	}
	l.token = keepToken(&token)
	l.given++
	if l.parked {
		b.unparkLocked(l)
	} else { // a new one has no alarm yet that would forget it; this token may end sooner
		b.stepLocked(l, tokenCame, b.now())
	}
}

// sayParked reports that a player was parked. The log handler and OnParked are the caller's code, so
// no lock is held.
func (b *Batcher) sayParked(userID string, events int, err error) {
	b.cfg.Log.Warn("batcher: player parked until SetToken or Resume", "events", events, "cause", causeOf(err))
	if b.cfg.OnParked != nil {
		b.cfg.OnParked(userID, err)
	}
}

// refuseLocked is what happens to a lane that has no token, or one that the service does not take.
func (b *Batcher) refuseLocked(l *lane, err error) {
	l.lastError = err
	b.stepLocked(l, tokenless, b.now())
}

// parkLocked is what a parked lane does: it waits for a token.
func (b *Batcher) parkLocked(l *lane) {
	b.countParkedLocked(l)
	b.stir()
}

// causeOf is what of an error may be logged: the kind of failure, not somebody's words.
func causeOf(err error) string {
	if errors.Is(err, errStillRefused) {
		return "unauthorized: the service refused the token, and the token source has no other"
	}
	if errors.Is(err, ErrNoToken) {
		return "no token"
	}
	f := failureOf(err)
	return causeText(f.Failure, f.Why)
}

// causeText is the kind of a failure and why.
func causeText(f Failure, why string) string {
	if why == "" {
		return f.String()
	}
	return f.String() + ": " + why
}

// unparkLocked lets a parked lane send again.
func (b *Batcher) unparkLocked(l *lane) {
	l.parked, l.refused = false, nil
	b.countParkedLocked(l)
	if l.status == paused || l.shedFrom == paused {
		l.failures = 0
	}
	b.stepLocked(l, unparked, b.now())
}
