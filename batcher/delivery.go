package batcher

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"
)

// The pauses of one player whose requests fail while others' do not.
const (
	lanePause    = 500 * time.Millisecond
	laneMaxPause = time.Minute
)

// work is a sending goroutine: it sends one lane after the other until there is none to be sent.
func (b *Batcher) work(l *lane, probe bool) {
	growStack()
	for l != nil {
		seen := b.deliver(l, probe)
		var change gateChange
		l, probe, change = b.sched.finish(seen, probe)
		switch change {
		case gateShut:
			b.cfg.Log.Warn("batcher: the service is down: one probe a second")
		case gateOpened:
			b.cfg.Log.Info("batcher: the service is back")
			b.wakeDown()
		}
	}
}

// growStack makes a sending goroutine's stack in one step, while there is nothing on it, as large as a request over net/http needs. By
// itself it would grow three times and be copied each time, which is a twentieth of what a full batch costs.
//
//go:noinline
func growStack() byte {
	var frame [12 << 10]byte
	return frame[len(redacted)]
}

// deliver sends the first block of a lane once, and decides what is next for it.
func (b *Batcher) deliver(l *lane, probe bool) sight {
	blk := b.begin(l, probe)
	if blk == nil {
		return sight{none: true}
	}
	back := func() bool { return true }
	if probe {
		back = b.sched.lend()
	}
	token, err := b.tokenOf(l)
	passed := !back()
	switch {
	case err != nil:
		b.tokenFailed(l, err)
		return sight{none: true, passed: passed}
	case passed:
		b.sendLater(l)
		return sight{none: true, passed: true}
	}
	if b.cfg.Store != nil && !b.noteSending(l, blk) {
		return sight{none: true}
	}
	l.mu.Lock()
	next := b.stepLocked(l, armed, b.now())
	l.mu.Unlock()
	if next != send {
		return sight{none: true}
	}
	ctx, cancel := context.WithTimeout(b.ctx, b.cfg.SendTimeout)
	defer cancel()
	err = b.sender.Send(ctx, Batch{
		UserID: l.user, GameID: b.cfg.GameID, Token: *token, Events: blk.events, block: blk,
	})
	b.ledger.mu.Lock()
	b.ledger.requests++
	if err != nil {
		b.ledger.lastError = err
	}
	b.ledger.mu.Unlock()
	f := failureOf(err)
	if !b.note(l, blk, err != nil && f.Failure == InDoubt) {
		return sight{none: true}
	}
	if err == nil {
		b.delivered(l, blk)
		return sight{}
	}
	return b.failed(l, blk, token, f, err, probe)
}

// note counts an attempt of a block. It returns false where Close took the block while the request was under way.
func (b *Batcher) note(l *lane, blk *block, inDoubt bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if b.stepLocked(l, replied, b.now()) != take {
		return false
	}
	blk.attempts++
	if inDoubt {
		blk.doubts++
	}
	return true
}

// begin takes the lane over and returns the block to be sent, nil where there is nothing to send.
func (b *Batcher) begin(l *lane, probe bool) *block {
	l.mu.Lock()
	next := b.stepLocked(l, picked, b.now())
	l.mu.Unlock()
	if next != take {
		return nil
	}
	b.giveUpLost(l)
	b.expire(l)
	b.giveUpParked(l)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.parked && l.head == nil {
		l.parked = false // its events may have expired; a parked player with none would never be forgotten
		b.countParkedLocked(l)
	}
	if b.stepLocked(l, looked, b.now()) != take {
		return nil
	}
	l.head.sealed = true
	// A probe is one event, so that an outage in which answers are lost costs few copies.
	if probe && l.head.events > 1 {
		l.cutLocked(func(n int, _ item) bool { return n < 1 })
	}
	return l.head
}

func (b *Batcher) delivered(l *lane, blk *block) {
	if !b.resolve(l, blk, Delivered, nil) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failures, l.refused, l.lastError = 0, "", nil
	b.stepLocked(l, through, b.now())
}

// failed decides what a failed request means for its events, its player, and the service.
func (b *Batcher) failed(l *lane, blk *block, token *Token, f *SendError, err error, probe bool) sight {
	b.cfg.Log.Debug("batcher: request failed", "failure", f.Failure.String(), "events", blk.events, "attempt", blk.attempts)
	switch f.Failure {
	case Invalid, TooLarge:
		b.blame(l, blk, f.Failure, err)
		return sight{}
	case Unauthorized, Forbidden:
		b.refused(l, token, f.Failure, err)
		return sight{}
	case InDoubt:
		b.giveUpOnce(l, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	// A 429 can be about this player alone: only its first one in a row tells something about the service. A service that throttles
	// everybody has first ones from several players.
	silent := f.Failure == Throttled && l.failures > 0 && !probe
	switch {
	case l.head == nil: // all of it was given up
		b.stepLocked(l, through, b.now())
	case probe && f.RetryAfter == 0:
		// The gate paces it from here. A pause of its own, which grows to a minute, would hold it long after the service is back.
		b.repeatLocked(l, err)
	case f.RetryAfter == 0:
		b.pauseLocked(l, unserved, 0, err)
	default:
		b.pauseLocked(l, failed, f.RetryAfter, err)
	}
	return sight{down: !silent, retryAfter: f.RetryAfter, none: silent}
}

// sendLater puts a lane that was to probe, and lost the probe to another, back into the queue.
func (b *Batcher) sendLater(l *lane) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b.repeatLocked(l, l.lastError)
}

// repeatLocked sends a lane once more at once.
func (b *Batcher) repeatLocked(l *lane, err error) {
	l.lastError = err
	b.stepLocked(l, repeated, b.now())
}

// pauseLocked lets a lane wait after a failure: exponentially longer, with jitter, and not shorter than the service asked.
func (b *Batcher) pauseLocked(l *lane, why laneEvent, retryAfter time.Duration, err error) {
	l.lastError = err
	ceiling := min(lanePause<<min(l.failures, 10), laneMaxPause)
	l.failures = min(l.failures, 200) + 1
	wait := max(ceiling/2+rand.N(ceiling/2+1), min(retryAfter, b.cfg.MaxRetryAfter))
	now := b.now()
	l.wakeAt = now + int64(wait)
	b.stepLocked(l, why, now)
}

// wakeDown ends the pauses of the lanes that failed because the service was down: it answers again.
func (b *Batcher) wakeDown() {
	for l := range b.lanes() {
		l.mu.Lock()
		if l.status == outage {
			l.failures = 0
		}
		b.stepLocked(l, serviceUp, b.now())
		l.mu.Unlock()
	}
}

// sendsOnce reports whether an event type is one that is not sent again in doubt.
func (b *Batcher) sendsOnce(t EventType) bool {
	return len(b.cfg.AtMostOnce) > 0 && slices.Contains(b.cfg.AtMostOnce, t)
}
