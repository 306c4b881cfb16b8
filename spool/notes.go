package spool

import (
	"context"
	"slices"
)

// Sending notes that events are about to be sent. With Always it returns when the note is synced.
func (s *Spool) Sending(ids []uint64) error {
	for some := range slices.Chunk(runsOf(ids), noteRuns) {
		some, err := s.noteDirectly(some)
		if err != nil {
			return err
		}
		if len(some) == 0 {
			continue
		}
		if err := s.makeRoom(context.Background(), noteSize(some), 0); err != nil {
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
		<-r.done
		if r.notes != nil {
			return r.notes
		}
	}
	return nil
}

// noteDirectly is Sending's way while events cannot be written, because the disk is full: the stages are stuck with events then. What is
// in segments is noted there, and this returns when it is. The ids that are in stages alone are returned.
//
// Without it nothing could be sent, so nothing settled, and the disk would stay full of what the spool itself has written.
func (s *Spool) noteDirectly(ids []run) (staged []run, err error) {
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
	<-r.done
	return staged, r.notes
}

// Settled forgets events. It does not wait, not even for room: then the note is kept in memory until the next commit.
func (s *Spool) Settled(ids []uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	for some := range slices.Chunk(runsOf(ids), noteRuns) {
		// While events cannot be written the stage would not be committed; but settling makes room for them.
		if s.failure != nil || s.stage == nil || !s.stage.room(noteSize(some)) || s.stage.addNote(settled, some) != nil {
			s.settled = append(s.settled, some...)
		}
	}
	return nil
}
