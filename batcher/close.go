package batcher

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Report is how a batcher ended.
type Report struct {
	Ledger
	Players  int       // that were known
	LeftOver []Outcome // what was not delivered and stays in no Store, with its events, by player: Result is Returned
	// Parked lists the players whose events were not sent because they have no token, or because
	// the service refused it, with the cause. Their events are in LeftOver, or stay in the Store.
	Parked []ParkedPlayer
	ended  error // why Close sent nothing more, if that was its context
}

// graceAfterCancel is how long Close waits for requests that it has cancelled, and for a Store. A Sender that heeds its context needs none
// of it.
const graceAfterCancel = 100 * time.Millisecond

// Close takes no more events, sends what waits, and hands back what could not be sent when ctx ends, or when only parked players
// are left. What a Store has of it stays there instead, for the next process. The error is nil where nothing is left over. It may be
// called any number of times: every call returns the same report, or its own context's error where that ends first. When it returns no
// request is under way, except of a Sender that does not heed its context: that one is left behind after a tenth of a second, and so is a
// Store that hangs.
func (b *Batcher) Close(ctx context.Context) (Report, error) {
	if b.closed.Swap(true) {
		select {
		case <-b.done:
		case <-ctx.Done():
			select {
			case <-b.done: // both came in the same moment
			default:
				return Report{Ledger: b.Ledger()}, ctx.Err()
			}
		}
		return b.closedReport()
	}
	close(b.closing)
	b.budget.close()
	bar := newBarrier()
	for l := range b.lanes() {
		b.Resume(l.user) // a last try with a new token
		b.mark(l, bar)
	}
	b.storing.reach()
	if b.cfg.Store != nil {
		b.markStoring(ctx, bar)
	}
	bar.reach()
	b.stir() // nothing may be left to wait for already
	b.report.ended = b.drain(ctx, bar)
	select {
	case <-bar.done: // both came in the same moment
		b.report.ended = nil
	default:
	}
	b.ages.close()
	quiet := b.sched.close() // before the requests end, or the next ones would begin
	b.cancel()
	grace, stop := context.WithTimeout(context.Background(), graceAfterCancel)
	defer stop()
	for _, ended := range [...]<-chan struct{}{quiet, b.storing.done} {
		select {
		case <-ended:
		case <-grace.Done():
		}
	}
	why := b.whyLeft()
	forget, stopForgetting := context.WithTimeout(context.Background(), graceAfterCancel)
	defer stopForgetting()
	for l := range b.lanes() {
		b.report.Players++
		b.collect(forget, l, why)
	}
	b.cancelStore()
	b.budget.inHand.Wait()
	b.report.Ledger = b.Ledger()
	if n := len(b.report.Parked); n > 0 {
		b.cfg.Log.Warn("batcher: closed while players had no token that the service takes; Report.Parked lists them",
			"players", n, "cause", causeOf(b.report.Parked[0].Cause))
	}
	close(b.done)
	return b.closedReport()
}

// closedReport is what Close returns once it has ended. A callback may outlast it; then the report says so until that has returned.
func (b *Batcher) closedReport() (Report, error) {
	r := b.report
	r.Ledger = b.Ledger()
	err := r.err()
	return r, err
}

// whyLeft is why an event is left of which no request failed.
func (b *Batcher) whyLeft() error {
	b.sched.mu.Lock()
	defer b.sched.mu.Unlock()
	if b.sched.gate.shut && b.sched.gate.cause != nil {
		return b.sched.gate.cause
	}
	return b.report.ended
}

// markStoring waits for the Tracks that are handing an event to the Store, and sets the barrier behind their events, too. Who comes later
// finds the batcher closed: every lane was locked since it is.
func (b *Batcher) markStoring(ctx context.Context, bar *barrier) {
	select {
	case <-b.storing.done:
	case <-ctx.Done():
	}
	for l := range b.lanes() {
		b.mark(l, bar)
	}
}

// drain waits until everything is settled, ctx ends, or nothing more can be sent before ctx ends: only parked players are left, or the service
// asked to be left alone for longer. It returns why it gave up, nil if that is not the context.
func (b *Batcher) drain(ctx context.Context, bar *barrier) error {
	for {
		select {
		case <-bar.done:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-b.stirred:
			if stuck, forLonger := b.stuck(ctx); stuck {
				if forLonger {
					return fmt.Errorf("the service asked to be left alone for longer: %w", context.DeadlineExceeded)
				}
				return nil
			}
		}
	}
}

// stuck reports whether nothing more can be sent before ctx ends, and whether that is because the service asked for it.
func (b *Batcher) stuck(ctx context.Context) (stuck, forLonger bool) {
	ends := int64(never)
	if at, ok := ctx.Deadline(); ok {
		ends = b.now() + int64(time.Until(at))
	}
	b.sched.mu.Lock()
	shut := b.sched.gate.shut && !b.sched.gate.probing && b.sched.gate.until > ends
	b.sched.mu.Unlock()
	for l := range b.lanes() {
		l.mu.Lock()
		idles := l.head == nil || l.status == paused
		waits := l.status == waiting && l.wakeAt > ends || l.status == ready && shut
		l.mu.Unlock()
		if !idles && !waits {
			return false, false
		}
		forLonger = forLonger || !idles
	}
	return true, forLonger
}

// stir tells Close, if it is draining, to look again.
func (b *Batcher) stir() {
	if b.closed.Load() {
		select {
		case b.stirred <- struct{}{}:
		default: // it will look anyway
		}
	}
}

// collect takes what is left of a lane. A block whose result is being told belongs to the one who tells it. The context bounds the wait for
// a Store.
func (b *Batcher) collect(ctx context.Context, l *lane, why error) {
	l.mu.Lock()
	underWay := l.status == sending
	b.stepLocked(l, closed, b.now())
	blk := l.head
	switch {
	case blk == nil:
	case blk.settling:
		blk = blk.next
	case underWay: // by a Sender that does not heed its context: these may arrive yet
		blk.attempts++
		blk.doubts++
	}
	b.releaseStoringLocked(l)
	l.head, l.tail, l.events, l.bytes, l.returned = nil, nil, 0, 0, blk != nil
	b.ageLocked(l)
	err, erased := l.lastError, l.erased
	if err == nil {
		err = why
	}
	if l.parked && blk != nil && !erased {
		stuck := ParkedPlayer{UserID: l.user, Cause: err}
		for waits := blk; waits != nil; waits = waits.next {
			stuck.Events += waits.events
		}
		b.report.Parked = append(b.report.Parked, stuck)
	}
	l.mu.Unlock()
	for ; blk != nil; blk = blk.next {
		left := blk
		switch {
		case blk.stored && erased: // what Erase was called for must not come back with the next process
			b.noteSettledWithin(ctx, blk.ids())
		case blk.stored:
			if spooled := blk.part(func(_ int, i item) bool { return i.stored }); spooled != nil {
				b.settle(spooled, Spooled)
			}
			left = blk.part(func(_ int, i item) bool { return !i.stored })
		}
		if left != nil {
			b.report.LeftOver = append(b.report.LeftOver, b.outcome(l, left, Returned, err))
			b.settle(left, Returned)
		}
		for _, bar := range blk.barriers {
			bar.returned.Store(true)
			bar.reach()
		}
	}
}

// LogValue logs the ledger, without the events.
func (r Report) LogValue() slog.Value { return slog.StringValue(r.String()) }

func (r *Report) err() error {
	var left error
	events := 0
	for _, o := range r.LeftOver {
		events += len(o.Records)
	}
	if events > 0 {
		parked := ""
		if n := len(r.Parked); n > 0 {
			parked = fmt.Sprintf("; %d players have no token that the service takes (%s): is the user id the sub claim of the token?",
				n, causeOf(r.Parked[0].Cause))
		}
		left = fmt.Errorf("batcher: closed with %d events of %d players not delivered: they are in Report.LeftOver%s", events, r.leftPlayers(), parked)
	}
	if r.Pending > 0 {
		left = errors.Join(left, fmt.Errorf("batcher: closed while a callback still had %d events, whose result is told and not counted yet", r.Pending))
	}
	if left != nil && r.ended != nil {
		return fmt.Errorf("%w: %w", left, r.ended)
	}
	return left
}

func (r *Report) leftPlayers() int {
	players := map[string]bool{}
	for _, o := range r.LeftOver {
		players[o.UserID] = true
	}
	return len(players)
}
