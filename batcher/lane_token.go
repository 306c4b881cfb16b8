package batcher

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// errStillRefused is why a player is parked whose token the service refuses, and whose source has no other.
var errStillRefused = fmt.Errorf("%w: the service refused it, and the token source returned the same again", ErrNoToken)

// tokenOf returns the lane's token, and asks the source where there is none that is fresh.
func (b *Batcher) tokenOf(l *lane) (*Token, error) {
	l.mu.Lock()
	token, refused := l.token.get(), l.refused
	l.mu.Unlock()
	if token.freshAt(time.Now(), b.cfg.TokenRenewal) {
		return token, nil
	}
	ctx, cancel := context.WithTimeout(b.ctx, b.cfg.SendTimeout)
	defer cancel()
	got, err := b.cfg.Tokens.Token(ctx, l.user)
	switch {
	case err != nil:
	case got.Value == "":
		err = fmt.Errorf("%w: the token source returned an empty one", ErrNoToken)
	case refused.is(got):
		err = errStillRefused
	}
	switch {
	case err != nil && token.freshAt(time.Now(), 0):
		return token, nil // it was to be renewed, but has not ended yet
	case err != nil:
		return nil, err
	}
	got = got.withExpiry()
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := l.token.get(); now != token && now.freshAt(time.Now(), b.cfg.TokenRenewal) {
		return now, nil // SetToken was faster
	}
	if l.erased {
		// Erase came while the source was asked, and has dropped the player's token. It may return as soon as the last event has its result,
		// before the lane has settled down; so this one is for the request under way alone.
		return &got, nil
	}
	l.token = keepToken(&got)
	return &got, nil
}

// tokenFailed parks a lane that has no token, and pauses one whose source failed.
func (b *Batcher) tokenFailed(l *lane, err error) {
	l.mu.Lock()
	events, none, broken := l.events, errors.Is(err, ErrNoToken), false
	switch {
	case l.token.get().freshAt(time.Now(), b.cfg.TokenRenewal): // SetToken came while the source was asked, and found no parked lane
		b.repeatLocked(l, nil)
		none = false
	case none:
		b.refuseLocked(l, err)
	default:
		broken, err = true, fmt.Errorf("batcher: token source: %w", err)
		b.pauseLocked(l, failed, 0, err)
	}
	l.mu.Unlock()
	if broken { // what the error says is the caller's own: Stats has it, the log does not
		b.ledger.mu.Lock()
		b.ledger.lastError = err
		b.ledger.mu.Unlock()
		b.cfg.Log.Warn("batcher: the token source failed, it is asked again after a pause; Stats.LastError has the cause", "events", events)
	}
	if none {
		b.sayParked(l.user, events, err)
	}
}

// refused is what happens when the service does not take a token. After the first 401 the source is asked once more; a 403 means
// that the source gave another player's token, and asking again would not help.
func (b *Batcher) refused(l *lane, token *Token, f Failure, err error) {
	l.mu.Lock()
	first, events := l.refused == nil, l.events
	l.refused = keepToken(token)
	if l.token.get() == token {
		l.token = nil
	}
	retry := l.token != nil || f == Unauthorized && first // SetToken brought another one meanwhile, or the source may
	if retry {
		b.repeatLocked(l, err)
	} else {
		b.refuseLocked(l, err)
	}
	l.mu.Unlock()
	if !retry {
		b.sayParked(l.user, events, err)
	}
}
