package batcher

import (
	"context"
	"errors"
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
		var news gateNews
		l, probe, news = b.sched.finish(seen, probe)
		b.sayGate(news)
	}
}

// sayGate tells the log what a send did to the gate, with the cause, and again every minute.
func (b *Batcher) sayGate(news gateNews) {
	switch {
	case news.change == gateHeld, news.change == gateStill && news.held:
		b.sayAllRefused(news)
	case news.change == gateShut:
		b.cfg.Log.Warn("batcher: the service is down: one probe per second", "cause", causeText(news.failure, news.why))
	case news.change == gateStill:
		b.cfg.Log.Warn("batcher: the service is still down", "cause", causeText(news.failure, news.why), "for", news.lasts.Round(time.Second))
	case news.change == gateOpened:
		b.cfg.Log.Info("batcher: the service is back", "after", news.lasts.Round(time.Millisecond))
		b.wakeDown()
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
	base, admitted := b.admit(l)
	if !admitted {
		return sight{none: true}
	}
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
	if b.ctx.Err() != nil { // Close has ended, and takes what is left
		return sight{none: true}
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
	limit := b.cfg.SendTimeout
	if probe {
		limit = b.sched.probeTime()
	}
	ctx, cancel := context.WithTimeout(base, limit)
	defer cancel()
	began := b.now()
	receipt, err := b.sender.Send(ctx, Batch{
		UserID: l.user, GameID: b.cfg.GameID, Token: *token, Events: blk.events, block: blk,
	})
	b.ledger.mu.Lock()
	b.ledger.requests++
	if err != nil {
		b.ledger.lastError = err
	}
	b.ledger.mu.Unlock()
	f, timedOut := failureOf(err), errors.Is(ctx.Err(), context.DeadlineExceeded)
	if !b.note(l, blk, err != nil && f.mayHaveArrived()) {
		return sight{none: true}
	}
	if err == nil {
		b.delivered(l, blk, receipt)
		return sight{delivered: true, began: began}
	}
	seen := b.failed(l, blk, token, f, err, probe)
	seen.timedOut = timedOut
	seen.began, seen.failure, seen.why, seen.cause = began, f.Failure, f.Why, err
	return seen
}

// admit waits for a Sender that bounds how many requests it makes, and returns the context of the request. The lane's block takes more events
// meanwhile.
func (b *Batcher) admit(l *lane) (context.Context, bool) {
	a, ok := b.sender.(Admitter)
	if !ok {
		return b.ctx, true
	}
	ctx, err := a.Admit(b.ctx)
	if err == nil {
		return ctx, true
	}
	if b.ctx.Err() == nil { // not an outage: no request was made
		b.ledger.mu.Lock()
		b.ledger.lastError = err
		b.ledger.mu.Unlock()
		l.mu.Lock()
		defer l.mu.Unlock()
		b.stepLocked(l, picked, b.now())
		b.pauseLocked(l, failed, 0, err)
	}
	return nil, false
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
	l.mu.Lock()
	defer l.mu.Unlock()
	if b.stepLocked(l, looked, b.now()) != take {
		return nil
	}
	l.head.sealed = true
	b.fitLocked(l)
	// A probe is one event, so that an outage in which answers are lost costs few copies.
	if probe && l.head.events > 1 {
		l.cutLocked(func(n int, _ item) bool { return n < 1 })
	}
	return l.head
}

func (b *Batcher) delivered(l *lane, blk *block, receipt Receipt) {
	size := blk.bytes
	b.sizes.pass(size, b.now(), b.cfg.BatchBytes)
	if blk.unconfirmed = min(max(receipt.Unconfirmed, 0), blk.events); blk.unconfirmed > 0 {
		b.cfg.Log.Warn("batcher: the service's answer does not account for all events: they are not sent again, because it does not say which",
			"events", blk.events, "confirmed", blk.events-blk.unconfirmed)
	}
	piece := blk.piece
	if !b.resolve(l, blk, Delivered, nil) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failures, l.refused, l.lastError, l.asked = 0, nil, nil, false
	l.took = piece // of a request of which other pieces are to come
	l.sizeLimit.passed(size, b.now(), b.cfg.BatchBytes)
	b.stepLocked(l, through, b.now())
}

// failed decides what a failed request means for its events, its player, and the service.
func (b *Batcher) failed(l *lane, blk *block, token *Token, f *SendError, err error, probe bool) sight {
	b.cfg.Log.Debug("batcher: request failed", "failure", causeText(f.Failure, f.Why), "events", blk.events, "attempt", blk.attempts)
	switch f.means() {
	case Invalid:
		return b.blame(l, blk, err)
	case TooLarge:
		return b.tooLarge(l, blk, f, err)
	case Unauthorized:
		if f.Stranger {
			return b.refusedByStranger(l, token, err, probe)
		}
		b.refused(l, token, f.Failure, err)
		return sight{}
	case Forbidden:
		b.refused(l, token, f.Failure, err)
		return sight{}
	}
	if f.mayHaveArrived() {
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
	case f.Failure != Throttled && f.RetryAfter == 0 && b.blocksItselfLocked(l, err):
		return sight{none: true}
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

// blocksItselfLocked looks whether the first block of a lane fails while others pass: because of its size, or of what is in it, in words that
// say nothing of either. If so it is cut in two, or, if it is a single event, kept while its player alone pauses.
func (b *Batcher) blocksItselfLocked(l *lane, err error) bool {
	blk := l.head
	if blk.failures == 0 {
		blk.passesThen = b.sizes.passesNow()
	}
	blk.failures++
	suspect, smaller := b.sizes.suspects(blk)
	if !suspect {
		return false
	}
	if blk.events == 1 {
		b.pauseLocked(l, failed, 0, err)
		return true
	}
	b.halveLocked(l, smaller)
	for _, half := range [...]*block{l.head, l.head.next} {
		half.failures = 0 // it may pass, and fails by itself if not
	}
	b.repeatLocked(l, err)
	return true
}

// halveLocked cuts the first block of a lane in two by bytes, and remembers the size of its parts if the block was too large.
func (b *Batcher) halveLocked(l *lane, size bool) {
	whole, at := l.head.bytes, l.head.half()
	l.cutLocked(func(n int, _ item) bool { return n < at })
	if size {
		now := b.now()
		l.sizeLimit.failed(max(l.head.bytes, l.head.next.bytes), now)
		b.sizes.shrink(l, whole, now)
	}
}

// tooLarge cuts a block in two by bytes, whoever said that it is too large: that loses nothing. A single event is rejected only if the service
// itself says so, or if others pass while it does not.
func (b *Batcher) tooLarge(l *lane, blk *block, f *SendError, err error) sight {
	l.mu.Lock()
	if l.status == ended {
		l.mu.Unlock()
		return sight{none: true}
	}
	if blk.events > 1 {
		defer l.mu.Unlock()
		b.halveLocked(l, true)
		b.repeatLocked(l, err)
		return sight{none: f.Stranger}
	}
	if blk.failures == 0 {
		blk.passesThen = b.sizes.passesNow()
	}
	blk.failures++
	if f.Stranger && b.sizes.passesNow() <= blk.passesThen {
		defer l.mu.Unlock()
		b.pauseLocked(l, failed, f.RetryAfter, err)
		return sight{none: true}
	}
	l.mu.Unlock()
	b.reject(l, blk, err)
	return sight{none: f.Stranger}
}

// refusedByStranger is what happens when something between here and the service does not take a token. The source is asked once for a
// fresh one. If that is refused too, the player pauses as if the service were unavailable.
func (b *Batcher) refusedByStranger(l *lane, token *Token, err error, probe bool) sight {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.token.get() == token {
		l.token = nil // the source is asked before each try
	}
	if !l.asked {
		l.asked = true
		b.repeatLocked(l, err)
		return sight{none: true}
	}
	if probe {
		b.repeatLocked(l, err)
		return sight{down: true}
	}
	first := l.failures == 0
	b.pauseLocked(l, unserved, 0, err)
	return sight{down: first, none: !first}
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
		switch {
		case l.status == outage:
			l.failures = 0
		case l.shedFrom == outage: // a goroutine gives up what is too old, and puts it back after this
			l.failures, l.shedFrom = 0, ready
		}
		b.stepLocked(l, serviceUp, b.now())
		l.mu.Unlock()
	}
}

// sendsOnce reports whether an event type is one that is not sent again in doubt.
func (b *Batcher) sendsOnce(t EventType) bool {
	return len(b.cfg.AtMostOnce) > 0 && slices.Contains(b.cfg.AtMostOnce, t)
}
