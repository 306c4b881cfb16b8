package batcher

import (
	"context"
	"fmt"
)

// What the batcher does with its Store while it runs. All calls are made outside of every lock: the Store waits for a disk.

// storeLocked keeps an event in the Store and puts it into its lane. There is room for it in the lane, and the budget's is taken, granted or not.
// It unlocks the lane.
//
// The event counts in the lane from the beginning, so that the bounds hold while it is being stored, and the lane is not forgotten. Close
// can come meanwhile. It waits for Append as long as its context lasts, and the event is accepted. Where Close did not wait longer, and has
// taken the lane, the event was not accepted, and the Store forgets it.
func (b *Batcher) storeLocked(ctx context.Context, l *lane, json []byte, accepted int64, once, granted bool) error {
	b.storing.left.Add(1) // under the lane's mutex, before Close has looked at the lane: so it waits for this one
	defer b.storing.reach()
	l.events++
	l.bytes += len(json)
	l.mu.Unlock()
	if granted {
		b.budget.inHand.Done() // the lane has the room now, and Close finds it there
	}
	id, err := b.appendToStore(ctx, StoredEvent{GameID: b.cfg.GameID, UserID: l.user, Accepted: b.clock.wall(accepted), Once: once}, json)
	l.mu.Lock()
	switch {
	case l.status == ended || l.erased: // Close or Erase came meanwhile, and may have returned
		refused, late := ErrErased, l.status == ended
		if late {
			refused = ErrClosed // Close has given the room back
		} else {
			l.leaveLocked(1, len(json))
			b.missedLocked(l)
		}
		erase := l.withdraws
		l.mu.Unlock()
		if !late {
			b.budget.release(1, int64(len(json)))
			b.budget.wake()
		}
		if err == nil {
			_ = b.noteSettled([]uint64{id}) // Stats tells of it
		}
		if erase != nil {
			erase.reach()
		}
		return refused
	case err != nil && !b.cfg.MemoryOnStoreError:
		l.leaveLocked(1, len(json))
		b.missedLocked(l)
		l.mu.Unlock()
		b.budget.release(1, int64(len(json)))
		b.budget.wake()
		return fmt.Errorf("batcher: the store does not keep the event: %w", err)
	}
	l.events--
	l.bytes -= len(json)
	b.putLocked(l, json, b.now(), accepted, once)
	if err == nil {
		l.tail.label(id)
	} else {
		b.countUnstored(err)
	}
	if l.room != nil { // somebody may wait for the room that this event took before it could be sent
		b.hurryLocked(l)
	}
	l.mu.Unlock()
	return nil
}

// appendToStore gives the Store an event in a buffer of its own: what a Store is given escapes to the heap, and Track's buffer must not where
// there is no Store.
func (b *Batcher) appendToStore(ctx context.Context, e StoredEvent, json []byte) (id uint64, err error) {
	buf, _ := b.copies.Get().(*[]byte)
	if buf == nil {
		buf = new([]byte)
	}
	*buf = append((*buf)[:0], json...)
	e.JSON = *buf
	id, err = b.cfg.Store.Append(ctx, e)
	b.copies.Put(buf)
	return id, err
}

// releaseStoringLocked gives the budget's room back of the events that are being stored: what a lane counts and no block holds. Close has taken
// the lane, so they are not accepted.
func (b *Batcher) releaseStoringLocked(l *lane) {
	events, size := l.storingLocked()
	b.budget.release(int64(events), int64(size))
}

// storingLocked returns what of a lane is being stored.
func (l *lane) storingLocked() (events, bytes int) {
	events, bytes = l.events, l.bytes
	for blk := l.head; blk != nil; blk = blk.next {
		events -= blk.events
		bytes -= blk.bytes
	}
	return events, bytes
}

// countUnstored counts an event that is in memory alone.
func (b *Batcher) countUnstored(err error) {
	b.ledger.mu.Lock()
	defer b.ledger.mu.Unlock()
	b.ledger.unstored++
	b.ledger.lastError = err
}

// noteSending tells the Store that a block is about to be sent, once. It returns false where that must not happen: the Store failed, so the
// lane pauses, or Close took the block meanwhile.
func (b *Batcher) noteSending(l *lane, blk *block) bool {
	if blk.noted {
		return true
	}
	if ids := blk.ids(); len(ids) > 0 {
		ctx, cancel := context.WithTimeout(b.ctx, b.cfg.SendTimeout)
		err := b.cfg.Store.Sending(ctx, ids)
		cancel()
		if err != nil {
			err = fmt.Errorf("batcher: the store cannot note what is sent: %w", err)
			b.storeFailed(err)
			l.mu.Lock()
			defer l.mu.Unlock()
			b.pauseLocked(l, failed, 0, err)
			return false
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.status == ended {
		return false
	}
	blk.noted = true
	return true
}

// noteSettled tells the Store to forget events. Where it cannot, they may come back after this process.
func (b *Batcher) noteSettled(ids []uint64) error {
	if len(ids) == 0 {
		return nil
	}
	err := b.cfg.Store.Settled(b.storeCtx, ids)
	if err != nil {
		b.storeFailed(fmt.Errorf("batcher: the store cannot forget what has its result: %w", err))
	}
	return err
}

// noteSettledWithin is noteSettled for Close, which leaves a Store behind that hangs.
func (b *Batcher) noteSettledWithin(ctx context.Context, ids []uint64) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = b.noteSettled(ids) // Stats tells of it
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

func (b *Batcher) storeFailed(err error) {
	b.ledger.mu.Lock()
	b.ledger.lastError = err
	b.ledger.mu.Unlock()
	b.cfg.Log.Warn("batcher: the store failed", "error", err)
}
