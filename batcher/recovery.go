package batcher

import (
	"errors"
	"fmt"
)

// Recovery is how a batcher takes back what an earlier process left in the Store. All of it stands in the lanes before the first of it is
// sent, so that a Store which cannot be read to its end has lost nothing.

// errEarlier is why an event of an AtMostOnce type is unknown.
var errEarlier = errors.New("batcher: an earlier process was about to send it, and its result is not known")

// recoverStored puts what the Store holds into the lanes, and then lets them send. Nobody else has the batcher yet.
func (b *Batcher) recoverStored() error {
	walk := b.cfg.Store.Recover
	if lender, ok := b.cfg.Store.(Lender); ok { // takeBack copies
		walk = lender.Lend
	}
	for e, err := range walk(b.storeCtx) {
		if err != nil {
			return fmt.Errorf("batcher: the store cannot be read: %w", err)
		}
		if e.GameID != "" && e.GameID != b.cfg.GameID {
			return fmt.Errorf("batcher: the store holds events of the game %q, and Config.GameID is %q: use a store per game", e.GameID, b.cfg.GameID)
		}
		if !b.budget.force(int64(len(e.JSON))) {
			return fmt.Errorf("batcher: the store holds more than a batcher can take: %d events and %d bytes are the most", budgetMaxEvents, int64(budgetMaxBytes))
		}
		l := b.lane(e.UserID)
		if e.Once && e.InDoubt {
			b.takeLost(l, e)
		} else {
			b.takeBack(l, e)
		}
		l.events++
		l.bytes += len(e.JSON)
	}
	for l := range b.lanes() {
		l.mu.Lock()
		b.ageLocked(l)
		l.tail.sealed = true // it has waited long enough, and what is tracked from now on is not in doubt
		b.stepLocked(l, filled, b.now())
		l.mu.Unlock()
	}
	return nil
}

// takeBack appends an event of an earlier process to its lane. What is in doubt stands in blocks of its own.
func (b *Batcher) takeBack(l *lane, e StoredEvent) {
	at := b.clock.at(e.Accepted)
	if l.tail == nil || l.tail.sealed || l.tail.noted != e.InDoubt || !b.fitsLocked(l, len(e.JSON)) || at-l.tail.born > maxBlockAge {
		next := &block{born: at, stored: true}
		if e.InDoubt {
			next.doubtful()
		}
		if l.tail == nil {
			l.head = next
		} else {
			l.tail.sealed = true
			l.tail.next = next
		}
		l.tail = next
	}
	l.tail.add(e.JSON, at, e.Once)
	l.tail.label(e.ID)
}

// takeLost puts an event first that must not be sent again: it gets its result before anything of its player is sent.
func (b *Batcher) takeLost(l *lane, e StoredEvent) {
	at := b.clock.at(e.Accepted)
	if l.head == nil || !l.head.lost || at-l.head.born > maxBlockAge {
		first := &block{born: at, stored: true, sealed: true, lost: true, next: l.head}
		first.doubtful()
		if l.head = first; l.tail == nil {
			l.tail = first
		}
	}
	l.head.add(e.JSON, at, true)
	l.head.label(e.ID)
}

// doubtful is what is known of events that an earlier process was about to send.
func (b *block) doubtful() { b.noted, b.attempts, b.doubts = true, 1, 1 }

// giveUpLost reports the events as unknown that an earlier process may have sent and that must not be sent again.
func (b *Batcher) giveUpLost(l *lane) {
	for {
		l.mu.Lock()
		blk := l.head
		if l.status == ended || blk == nil || !blk.lost {
			l.mu.Unlock()
			return
		}
		l.mu.Unlock()
		if !b.resolve(l, blk, Unknown, errEarlier) {
			return
		}
	}
}
