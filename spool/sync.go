package spool

import (
	"context"
	"errors"
	"fmt"

	"github.com/playline/playline-go/batcher"
)

// Sync waits for the disk where a caller must be sure.

var _ batcher.Syncer = (*Spool)(nil)

// Sync returns when a power cut does not take any more what the spool was told before: events that were appended, notes about them, and
// the files that went. It is for what must not come back, such as an erased player's events; nothing else needs it. The calls of that
// moment share one commit.
//
// An error means that it is not known: the disk cannot be written, or the context ended first. What was told is kept and tried again, so
// Sync can be called again.
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

// stopSyncing returns those who wait for the next commit, where it will not come soon. The mutex is held.
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

// tell ends the wait of those who wait for notes; nil: nobody does.
func (r *round) tell(err error) {
	if r != nil {
		r.notes = err
		close(r.done)
	}
}
