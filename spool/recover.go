package spool

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/playline/playline-go/batcher"
)

// Recover walks the events of an earlier process in the order of their ids. It reads one segment at
// a time. An error concerns one segment, and the walk continues after it. The walk ends with the
// context. A second walk yields only [ErrRecovered].
func (s *Spool) Recover(ctx context.Context) iter.Seq2[batcher.StoredEvent, error] {
	return s.once(ctx, func(e batcher.StoredEvent) batcher.StoredEvent {
		e.JSON = slices.Clone(e.JSON)
		return e
	})
}

// Lend is Recover for a batcher, which copies what it keeps. The JSON of an event is valid until
// the walk goes on. A million events therefore need only the memory of the batcher's copies and of
// one file.
func (s *Spool) Lend(ctx context.Context) iter.Seq2[batcher.StoredEvent, error] {
	return s.once(ctx, func(e batcher.StoredEvent) batcher.StoredEvent { return e })
}

var _ batcher.Lender = (*Spool)(nil)

// once walks what waits, unless somebody did so before.
func (s *Spool) once(ctx context.Context, given func(batcher.StoredEvent) batcher.StoredEvent) iter.Seq2[batcher.StoredEvent, error] {
	return func(yield func(batcher.StoredEvent, error) bool) {
		s.mu.Lock()
		again := s.recovered
		s.recovered = true
		s.mu.Unlock()
		if again {
			yield(batcher.StoredEvent{}, ErrRecovered)
			return
		}
		for e, err := range s.lend() {
			if ctx.Err() != nil {
				yield(batcher.StoredEvent{}, fmt.Errorf("spool: %w", ctx.Err()))
				return
			}
			if !yield(given(e), err) {
				return
			}
		}
	}
}

// walk walks what waits, for the caller to keep.
func (s *Spool) walk() iter.Seq2[batcher.StoredEvent, error] {
	return func(yield func(batcher.StoredEvent, error) bool) {
		for e, err := range s.lend() {
			e.JSON = slices.Clone(e.JSON)
			if !yield(e, err) {
				return
			}
		}
	}
}

// lend walks what waits. An event's JSON is valid until the walk goes on.
func (s *Spool) lend() iter.Seq2[batcher.StoredEvent, error] {
	return func(yield func(batcher.StoredEvent, error) bool) {
		s.disk.Lock()
		staged := waiting(s.backlog) // on a full disk; it may get into a segment during the walk
		s.mu.Lock()
		end := s.next
		s.mu.Unlock()
		mem := s.mem
		s.mem = scratch{}
		s.disk.Unlock()
		for _, e := range staged {
			end = min(end, e.ID)
		}
		for at := uint64(0); at < end; {
			left, next, err := s.waitingFrom(at, &mem)
			if err != nil && !yield(batcher.StoredEvent{}, fmt.Errorf("spool: %w", err)) {
				return
			}
			for e := range left.all() {
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

// waitingFrom reads the first segment that begins at an id or later, and returns the id to continue
// from.
func (s *Spool) waitingFrom(id uint64, mem *scratch) (*leftover, uint64, error) {
	s.disk.Lock()
	defer s.disk.Unlock()
	at, _ := slices.BinarySearchFunc(s.segments, id, func(seg *segment, id uint64) int { return cmp.Compare(seg.first, id) })
	if at == len(s.segments) {
		return &leftover{}, ^uint64(0), nil
	}
	left, err := s.segments[at].waiting(mem)
	if err != nil {
		left = &leftover{}
	}
	return left, s.segments[at].first + 1, err
}
