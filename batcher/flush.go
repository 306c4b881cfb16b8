package batcher

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync/atomic"
)

// barrier waits until events that were accepted before it are settled: it stands on the last block of each lane that had any.
type barrier struct {
	left      atomic.Int64
	done      chan struct{}
	returned  atomic.Bool // Close handed some of them back, or left them to the Store
	abandoned atomic.Bool // nobody waits any more
}

func newBarrier() *barrier {
	b := &barrier{done: make(chan struct{})}
	b.left.Store(1) // for the one who sets it up
	return b
}

// reach counts one lane, or the one who set the barrier up, as done.
func (b *barrier) reach() {
	if b.left.Add(-1) == 0 {
		close(b.done)
	}
}

// mark sets the barrier behind what a lane has now and makes the lane send it.
func (b *Batcher) mark(l *lane, bar *barrier) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.returned {
		bar.returned.Store(true)
	}
	if l.tail == nil || l.status == ended {
		return
	}
	bar.left.Add(1)
	// Flushes of a parked player that gave up must not pile up.
	l.tail.barriers = append(slices.DeleteFunc(l.tail.barriers, func(o *barrier) bool { return o.abandoned.Load() }), bar)
	l.tail.sealed = true
	b.hurryLocked(l)
}

// Flush sends what waits, of all players, and returns when every event that was accepted before it has its result and its callback
// has returned. Events that come later do not hold it up. A parked player does, until it is resumed or ctx ends; what is left then
// stays and is sent when it can be. Where Close handed events back, or left them to the Store, the error matches ErrClosed.
func (b *Batcher) Flush(ctx context.Context) error {
	bar := newBarrier()
	for l := range b.lanes() {
		b.mark(l, bar)
	}
	return b.await(ctx, bar)
}

// Flush is Batcher.Flush for one player.
func (p *Player) Flush(ctx context.Context) error {
	bar := newBarrier()
	if l := p.batcher.find(p.id); l != nil {
		p.batcher.mark(l, bar)
	}
	return p.batcher.await(ctx, bar)
}

// End flushes a player and forgets it, the token included: the player has left. An event that comes later begins anew. A token that SetToken
// gives while End waits belongs to the next session, and stays.
//
// Do not call it from Config.OnOutcome: it waits for the player's callbacks, and would wait until its context ends.
func (p *Player) End(ctx context.Context) error {
	l := p.batcher.find(p.id)
	if l == nil {
		return p.Flush(ctx)
	}
	l.mu.Lock()
	given := l.given
	l.mu.Unlock()
	if err := p.Flush(ctx); err != nil {
		return err
	}
	l.mu.Lock()
	stays := l.given != given
	if !stays {
		l.token = nil
	}
	l.mu.Unlock()
	if !stays {
		p.batcher.forget(l, math.MaxInt64)
	}
	return nil
}

func (b *Batcher) await(ctx context.Context, bar *barrier) error {
	bar.reach()
	select {
	case <-bar.done:
	case <-ctx.Done():
		// What is done in the same moment is done.
		select {
		case <-bar.done:
		default:
			bar.abandoned.Store(true)
			return fmt.Errorf("batcher: flush: %d players are not through: %w", bar.left.Load(), ctx.Err())
		}
	}
	if bar.returned.Load() {
		return fmt.Errorf("batcher: flush: events were handed back or left to the store: %w", ErrClosed)
	}
	return nil
}
