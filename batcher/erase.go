package batcher

import (
	"context"
	"errors"
	"fmt"
)

// ErrErased is why Track does not take an event of a player that Erase was called for, and the error of the outcomes of those that waited.
var ErrErased = errors.New("batcher: player erased")

// Erasure is what Erase did.
type Erasure struct {
	Events  int // that waited, and were dropped
	InDoubt int // of these, those that the service may have got: an earlier request that held them has no known outcome
}

// erasure is an erasing that is under way.
type erasure struct {
	sum Erasure
	err error // the Store cannot forget
}

// Erase drops what waits for a player, as an erasure request wants it, and takes no more of it: Track returns ErrErased until Readmit. The
// player's token is dropped too. Every event that is dropped has its Outcome, with the result Erased, and stands in the Ledger.
//
// It waits for a request that is under way, whose events are delivered or, where it fails, dropped. Where ctx ends first the player is
// stopped all the same, and what is under way is dropped when it ends; calling again waits again. Calling it for a player of whom nothing
// waits stops that player. Once Close has begun to hand events back the error matches ErrClosed: they are in its Report.
//
// With a Config.Store the events are forgotten there too, also one that a Track is handing over at this moment, and an error says where that
// failed. Where the Store is a Syncer it is on the disk when Erase returns. That a player was stopped is not kept: the next process takes its
// events again.
//
// The player's events in Config.DeadLetters are forgotten too.
//
// A stopped player is remembered, in a few hundred bytes, as long as the batcher lives. Do not call it from Config.OnOutcome: it waits for
// the player's callbacks.
func (b *Batcher) Erase(ctx context.Context, userID string) (Erasure, error) {
	if _, ok := appendText(nil, userID); !ok || userID == "" {
		return Erasure{}, &InvalidEventError{"user_id", "must be valid UTF-8 and not empty"}
	}
	if err := ctx.Err(); err != nil {
		return Erasure{}, err
	}
	bar := newBarrier()
	l := b.locked(userID)
	if l.returned {
		l.mu.Unlock()
		return Erasure{}, errHandedBack
	}
	l.erased, l.parked, l.token, l.refused = true, false, nil, nil
	b.countParkedLocked(l)
	if l.erasure == nil {
		l.erasure = &erasure{}
	}
	under := l.erasure
	if l.tail != nil {
		bar.left.Add(1)
		l.tail.barriers = append(l.tail.barriers, bar)
		l.tail.sealed = true
		b.stepLocked(l, eraseBegun, b.now()) // a goroutine that has the lane finds the mark when its request has ended
	} else {
		l.erasure = nil
	}
	storing := l.withdrawLocked()
	l.mu.Unlock()
	bar.reach()
	err := bar.wait(ctx, "a request of the player is under way")
	if err == nil && storing != nil {
		err = storing.wait(ctx, "an event of the player is being stored")
	}
	if bar.returned.Load() {
		err = errHandedBack
	}
	if err == nil {
		err = b.eraseDead(ctx, userID)
	}
	if err == nil {
		err = b.syncStore(ctx)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if under.err != nil {
		err = errors.Join(err, fmt.Errorf("batcher: erase: the store cannot forget events, they come back with the next process: %w", under.err))
	}
	return under.sum, err
}

var errHandedBack = fmt.Errorf("batcher: erase: Close came first: drop what of the player is in its Report, and with a Store erase again in the "+
	"next process: %w", ErrClosed)

// withdrawLocked returns what is reached when the Tracks have ended that are handing an event of an erased lane to the Store, nil where there are
// none. More do not come before Readmit, and that waits for these.
func (l *lane) withdrawLocked() *barrier {
	if l.withdraws == nil {
		if n, _ := l.storingLocked(); n > 0 {
			l.withdraws = newBarrier()
			l.withdraws.left.Store(int64(n))
		}
	}
	return l.withdraws
}

// withdrawnLocked reports whether no such Track is left.
func (l *lane) withdrawnLocked() bool {
	if l.withdraws == nil {
		return true
	}
	select {
	case <-l.withdraws.done:
		return true
	default:
		return false
	}
}

// wait is for Erase.
func (b *barrier) wait(ctx context.Context, why string) error {
	select {
	case <-b.done:
		return nil
	case <-ctx.Done():
	}
	select {
	case <-b.done: // both came in the same moment
		return nil
	default:
	}
	b.abandoned.Store(true)
	return fmt.Errorf("batcher: erase: %s, call again to wait for it: %w", why, ctx.Err())
}

// syncStore waits until the Store's disk has what it was told, where the Store can say so. After Close there is nothing to wait for: the Store
// has what it was told, and may be closed.
func (b *Batcher) syncStore(ctx context.Context) error {
	s, ok := b.cfg.Store.(Syncer)
	select {
	case <-b.done:
		return nil
	default:
	}
	if !ok {
		return nil
	}
	if err := s.Sync(ctx); err != nil {
		return fmt.Errorf("batcher: erase: the store's disk may not have it yet, after a crash events may come back, call again: %w", err)
	}
	return nil
}

// Readmit takes events of an erased player again: somebody came back under the same id. It returns false where an Erase has not ended yet;
// for a player that is not erased it does nothing.
func (b *Batcher) Readmit(userID string) bool {
	l := b.find(userID)
	if l == nil {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.erased && (l.head != nil || l.status == erasing || !l.withdrawnLocked()) {
		return false
	}
	if l.erased {
		l.erased, l.withdraws = false, nil
		b.stepLocked(l, readmitted, b.now()) // it is forgotten again when it stays idle
	}
	return true
}

// locked returns a player's lane, a new one where there is none, with its mutex held.
func (b *Batcher) locked(user string) *lane {
	for {
		l := b.lane(user)
		l.mu.Lock()
		if l.status != gone {
			return l
		}
		l.mu.Unlock() // it was forgotten between the two lines above
	}
}

// dropLocked drops what waits in a lane that was erased, in a goroutine of its own, which has the lane from then on: a gate that is shut, or
// other players' requests, must not hold it up. Where the scheduler is closed, Close is about to collect the lane.
func (b *Batcher) dropLocked(l *lane) {
	l.status = erasing
	if b.sched.lease() {
		go b.erase(l)
	}
}

// erase gives every event of a lane its result.
func (b *Batcher) erase(l *lane) {
	defer b.sched.unlease()
	for {
		l.mu.Lock()
		blk := l.head
		if l.status == ended || blk == nil {
			b.stepLocked(l, through, b.now())
			l.mu.Unlock()
			return
		}
		blk.sealed = true
		if under := l.erasure; under != nil {
			under.sum.Events += blk.events
			if blk.doubts > 0 {
				under.sum.InDoubt += blk.events
			}
		}
		l.mu.Unlock()
		if !b.resolve(l, blk, Erased, ErrErased) {
			return
		}
	}
}
