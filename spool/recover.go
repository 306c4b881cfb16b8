package spool

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/playline/playline-go/batcher"
)

// Recover walks the events that an earlier process left, in the order of their ids. It reads a segment at a time. An error is one
// segment's, and the walk goes on behind it. It ends with the context. A second walk yields [ErrRecovered] alone.
func (s *Spool) Recover(ctx context.Context) iter.Seq2[batcher.StoredEvent, error] {
	return func(yield func(batcher.StoredEvent, error) bool) {
		s.mu.Lock()
		again := s.recovered
		s.recovered = true
		s.mu.Unlock()
		if again {
			yield(batcher.StoredEvent{}, ErrRecovered)
			return
		}
		s.walk()(func(e batcher.StoredEvent, err error) bool {
			if ctx.Err() != nil {
				yield(batcher.StoredEvent{}, fmt.Errorf("spool: %w", ctx.Err()))
				return false
			}
			return yield(e, err)
		})
	}
}

// walk walks what waits.
func (s *Spool) walk() iter.Seq2[batcher.StoredEvent, error] {
	return func(yield func(batcher.StoredEvent, error) bool) {
		s.disk.Lock()
		staged := waiting(s.backlog) // on a full disk; it may get into a segment during the walk
		s.mu.Lock()
		end := s.next
		s.mu.Unlock()
		s.disk.Unlock()
		for _, e := range staged {
			end = min(end, e.ID)
		}
		for at := uint64(0); at < end; {
			events, next, err := s.pendingFrom(at)
			if err != nil && !yield(batcher.StoredEvent{}, fmt.Errorf("spool: %w", err)) {
				return
			}
			for _, e := range events {
				if e.ID < end && !yield(e, nil) {
					return
				}
			}
			at = next
		}
		for _, e := range staged {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// pendingFrom reads the first segment that begins at an id or behind it, and returns where to go on.
func (s *Spool) pendingFrom(id uint64) ([]batcher.StoredEvent, uint64, error) {
	s.disk.Lock()
	defer s.disk.Unlock()
	at, _ := slices.BinarySearchFunc(s.segments, id, func(seg *segment, id uint64) int { return cmp.Compare(seg.first, id) })
	if at == len(s.segments) {
		return nil, ^uint64(0), nil
	}
	events, err := s.segments[at].pending()
	return events, s.segments[at].first + 1, err
}
