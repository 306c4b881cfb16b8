package batcher

import (
	"context"
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
		return b.report, b.report.err()
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
	b.drain(ctx, bar)
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
	forget, stopForgetting := context.WithTimeout(context.Background(), graceAfterCancel)
	defer stopForgetting()
	for l := range b.lanes() {
		b.report.Players++
		b.collect(forget, l)
	}
	b.cancelStore()
	b.budget.inHand.Wait()
	b.report.Ledger = b.Ledger()
	if n := len(b.report.Parked); n > 0 {
		b.cfg.Log.Warn("batcher: closed while players had no token that the service takes; Report.Parked lists them",
			"players", n, "cause", causeOf(b.report.Parked[0].Cause))
	}
	close(b.done)
	return b.report, b.report.err()
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

// drain waits until everything is settled, ctx ends, or only parked players are left.
func (b *Batcher) drain(ctx context.Context, bar *barrier) {
	for {
		select {
		case <-bar.done:
			return
		case <-ctx.Done():
			return
		case <-b.stirred:
			if b.onlyParked() {
				return
			}
		}
	}
}

func (b *Batcher) onlyParked() bool {
	for l := range b.lanes() {
		l.mu.Lock()
		stuck := l.head == nil || l.status == paused
		l.mu.Unlock()
		if !stuck {
			return false
		}
	}
	return true
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
func (b *Batcher) collect(ctx context.Context, l *lane) {
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
	err, erased := l.lastError, l.erased
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
	events := 0
	for _, o := range r.LeftOver {
		events += len(o.Records)
	}
	if events == 0 {
		return nil
	}
	parked := ""
	if n := len(r.Parked); n > 0 {
		parked = fmt.Sprintf("; %d players have no token that the service takes (%s): is the user id the sub claim of the token?",
			n, causeOf(r.Parked[0].Cause))
	}
	return fmt.Errorf("batcher: closed with %d events of %d players not delivered: they are in Report.LeftOver%s", events, r.leftPlayers(), parked)
}

func (r *Report) leftPlayers() int {
	players := map[string]bool{}
	for _, o := range r.LeftOver {
		players[o.UserID] = true
	}
	return len(players)
}
