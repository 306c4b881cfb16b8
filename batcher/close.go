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
	LeftOver []Outcome // what was not delivered, with its events, by player: Result is Returned
}

// graceAfterCancel is how long Close waits for requests that it has cancelled. A Sender that heeds its context needs none of it.
const graceAfterCancel = 100 * time.Millisecond

// Close takes no more events, sends what waits, and hands back what could not be sent when ctx ends, or when only parked players
// are left. The error is nil where nothing is left over. It may be called any number of times: every call returns the same report, or
// its own context's error where that ends first. When it returns no request is under way, except of a Sender that does not heed its
// context: that one is left behind after a tenth of a second.
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
	bar.reach()
	b.drain(ctx, bar)
	quiet := b.sched.close() // before the requests end, or the next ones would begin
	b.cancel()
	select {
	case <-quiet:
	case <-time.After(graceAfterCancel):
	}
	for l := range b.lanes() {
		b.report.Players++
		b.collect(l)
	}
	b.budget.inHand.Wait()
	b.report.Ledger = b.Ledger()
	close(b.done)
	return b.report, b.report.err()
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

// collect takes what is left of a lane. A block whose result is being told belongs to the one who tells it.
func (b *Batcher) collect(l *lane) {
	l.mu.Lock()
	l.stopped = true
	blk := l.head
	switch {
	case blk == nil:
	case blk.settling:
		blk = blk.next
	case l.status == sending: // by a Sender that does not heed its context: these may arrive yet
		blk.attempts++
		blk.doubts++
	}
	l.head, l.tail, l.events, l.bytes, l.returned = nil, nil, 0, 0, blk != nil
	err := l.lastError
	l.mu.Unlock()
	for ; blk != nil; blk = blk.next {
		out := b.outcome(l, blk, Returned, err)
		b.report.LeftOver = append(b.report.LeftOver, out)
		b.settle(blk, Returned)
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
	return fmt.Errorf("batcher: closed with %d events of %d players not delivered: they are in Report.LeftOver", events, r.leftPlayers())
}

func (r *Report) leftPlayers() int {
	players := map[string]bool{}
	for _, o := range r.LeftOver {
		players[o.UserID] = true
	}
	return len(players)
}
