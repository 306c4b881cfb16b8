package spool

import (
	"context"
	"errors"
	"fmt"

	"github.com/playline/playline-go/batcher"
)

// Sync waits for the disk if a caller must be sure.

var _ batcher.Syncer = (*Spool)(nil)

// Sync returns when earlier calls are safe from a power cut: appended events, notes about them, and
// removed files. Use it for events that must not come back, such as those of an erased player.
// Concurrent calls share one commit.
//
// An error means that this is unknown: the disk cannot be written, or the context ended first. The
// spool keeps the changes and tries again, so you can call Sync again.
func (s *Spool) Sync(ctx context.Context) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return ErrClosed
	}
	if s.syncing == nil {
		s.syncing = &round{done: make(chan struct{})}
	}
	r := s.syncing
	s.mu.Unlock()
	s.kick()
	select {
	case <-r.done:
		s.mu.Lock()
		defer s.mu.Unlock()
		return errors.Join(r.notes, s.removedLocked(&s.unsaid.sync))
	case <-ctx.Done():
		return fmt.Errorf("spool: not synced yet: %w", ctx.Err())
	}
}

// stopSyncing returns the callers that wait for the next commit if it will not come soon. The
// caller holds the mutex.
func (s *Spool) stopSyncing(err error) *round {
	if err == nil {
		if s.syncing != nil {
			s.kick() // the commit is possible now
		}
		return nil
	}
	r := s.syncing
	s.syncing = nil
	return r
}

// tell ends the wait of callers that wait for notes; nil: nobody waits.
func (r *round) tell(err error) {
	if r != nil {
		r.notes = err
		close(r.done)
	}
}
