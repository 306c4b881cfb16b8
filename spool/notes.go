package spool

import (
	"context"
	"fmt"
	"slices"
)

// Sending records that events are about to be sent. With Always it returns when the note is synced.
// If ctx ends first, the note may be kept or not.
func (s *Spool) Sending(ctx context.Context, ids []uint64) error {
	for some := range slices.Chunk(runsOf(ids), noteRuns) {
		some, err := s.noteDirectly(ctx, some)
		if err != nil {
			return err
		}
		if len(some) == 0 {
			continue
		}
		if err := s.makeRoom(ctx, noteSize(some), 0); err != nil {
			return err
		}
		err = s.stage.addNote(sending, some)
		r := s.round
		s.mu.Unlock()
		if err != nil {
			s.kick()
			return err
		}
		if s.opts.Sync == Interval {
			continue
		}
		s.kick()
		if err := r.wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

// noteDirectly replaces the stages in Sending while a full disk keeps events in them. It writes
// notes about events in segments directly to the segments, and returns afterwards. It returns the
// ids that are only in stages.
//
// Without it no event could be sent or settled, and the disk would stay full of the spool's own
// files.
func (s *Spool) noteDirectly(ctx context.Context, ids []run) (staged []run, err error) {
	s.mu.Lock()
	if s.failure == nil || s.closed {
		s.mu.Unlock()
		return ids, nil
	}
	staged, stored := cutFrom(merged(slices.Clone(ids)), s.stored+1)
	s.sending = append(s.sending, stored...)
	if len(stored) == 0 {
		s.mu.Unlock()
		return staged, nil
	}
	if s.direct == nil {
		s.direct = &round{done: make(chan struct{})}
	}
	r := s.direct
	s.mu.Unlock()
	s.kick()
	return staged, r.wait(ctx)
}

// wait waits for the notes of a commit.
func (r *round) wait(ctx context.Context) error {
	select {
	case <-r.done:
		return r.notes
	case <-ctx.Done():
		return fmt.Errorf("spool: the note is not kept yet: %w", ctx.Err())
	}
}

// Settled forgets events. It never waits and therefore ignores the context. Without room, the note
// stays in memory until the next commit.
func (s *Spool) Settled(_ context.Context, ids []uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	for some := range slices.Chunk(runsOf(ids), noteRuns) {
		// While events cannot be written, the stage is not committed. But settling makes room for
		// them.
		if s.failure != nil || s.stage == nil || !s.stage.room(noteSize(some)) || s.stage.addNote(settled, some) != nil {
			s.settled = append(s.settled, some...)
		}
	}
	return nil
}
