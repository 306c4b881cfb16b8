package batcher

import (
	"fmt"
	"time"
)

// How the first block of a lane gets its result, and how it is cut where its events get different ones.

// resolve gives the whole first block of a lane its result. It returns false where Close took it first.
//
// The callback runs without a lock. Close can come while it runs: it leaves a block alone that is being resolved, and takes the ones
// behind it.
func (b *Batcher) resolve(l *lane, blk *block, r Result, err error) bool {
	l.mu.Lock()
	if l.status == ended {
		l.mu.Unlock()
		return false
	}
	blk.settling = true
	l.mu.Unlock()
	b.keepDead(l, blk, r, err)
	if b.cfg.OnOutcome != nil {
		b.cfg.OnOutcome(b.outcome(l, blk, r, err))
	}
	b.settle(blk, r)
	notForgotten := b.noteSettled(blk.ids())
	l.mu.Lock()
	if r == Erased && notForgotten != nil && l.erasure != nil {
		l.erasure.err = notForgotten
	}
	if l.status != ended {
		l.removeHeadLocked()
		b.ageLocked(l)
	}
	reached := blk.barriers // also those that came during the callback
	l.mu.Unlock()
	blk.free()
	for _, barrier := range reached {
		barrier.reach()
	}
	return true
}

func (b *Batcher) outcome(l *lane, blk *block, r Result, err error) Outcome {
	// Not the clock's start: the wall clock may have been set since, and what was accepted a minute ago is told as a minute before now.
	began := time.Now().Add(-time.Duration(b.now()))
	return Outcome{
		Result: r, UserID: l.user, Records: blk.records(began, r == Returned), Attempts: blk.attempts, Err: err,
		InDoubt: blk.doubts, Unconfirmed: blk.unconfirmed, PossibleDuplicates: blk.doubts > 0,
	}
}

// blame finds the event that the service objects to: it cuts the block in two until one event is left, which is rejected. The
// others are delivered on the way.
func (b *Batcher) blame(l *lane, blk *block, err error) sight {
	if blk.events == 1 {
		l.mu.Lock()
		wholly := !blk.piece && !l.took
		l.mu.Unlock()
		reject, begins := b.sched.refuse(l, wholly)
		if reject {
			b.reject(l, blk, err)
			return sight{}
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		b.repeatLocked(l, err)
		return sight{holds: begins}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.status == ended {
		return sight{}
	}
	at := blk.events / 2
	l.cutLocked(func(n int, _ item) bool { return n < at })
	b.repeatLocked(l, err)
	return sight{}
}

// reject gives the one event of a block its result.
func (b *Batcher) reject(l *lane, blk *block, err error) {
	piece := blk.piece
	if b.resolve(l, blk, Rejected, err) {
		l.mu.Lock()
		defer l.mu.Unlock()
		if !piece {
			l.took = false
		}
		b.stepLocked(l, through, b.now())
	}
}

// giveUpOnce reports the events of the first block as unknown that must not be sent again after an attempt that may have arrived.
func (b *Batcher) giveUpOnce(l *lane, err error) {
	if len(b.cfg.AtMostOnce) == 0 && b.cfg.Store == nil { // an earlier process may have had others
		return
	}
	l.mu.Lock()
	if l.status == ended {
		l.mu.Unlock()
		return
	}
	l.cutLocked(func(_ int, i item) bool { return i.once })
	blk := l.head
	l.mu.Unlock()
	for i := range blk.items() {
		if i.once {
			b.resolve(l, blk, Unknown, err)
		}
		return // after the cut all events of a block are of one kind
	}
}

// expire gives up the events of a lane that grew too old. They stand at its head: accepted earlier, sent earlier.
func (b *Batcher) expire(l *lane) {
	if b.cfg.MaxAge == 0 {
		return
	}
	for {
		l.mu.Lock()
		oldest := b.now() - int64(b.cfg.MaxAge)
		if l.status == ended || l.head == nil || l.head.born > oldest {
			l.mu.Unlock()
			return
		}
		l.head.sealed = true
		l.cutLocked(func(_ int, i item) bool { return i.accepted <= oldest })
		blk := l.head
		old := true
		for i := range blk.items() {
			old = i.accepted <= oldest
			break
		}
		l.mu.Unlock()
		if !old || !b.resolve(l, blk, Expired, fmt.Errorf("batcher: not delivered within %s", b.cfg.MaxAge)) {
			return
		}
	}
}

// cutLocked replaces the first block by two: the events that first chooses, then the others. Where all are on one side nothing changes.
func (l *lane) cutLocked(first func(n int, i item) bool) {
	blk := l.head
	a := blk.part(first)
	z := blk.part(func(n int, i item) bool { return !first(n, i) })
	if a == nil || z == nil {
		return
	}
	a.piece, z.piece = true, blk.piece
	a.next, z.next, z.barriers = z, blk.next, blk.barriers
	l.head = a
	if l.tail == blk {
		l.tail = z
	}
	blk.free()
}
