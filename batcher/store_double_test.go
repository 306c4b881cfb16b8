package batcher

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"
)

// memoryStore is a Store in memory. It keeps a list of the calls that it got, and a test can make any of them fail or hang.
type memoryStore struct {
	left   []StoredEvent // by an earlier process
	broken error         // what Recover ends with

	mu        sync.Mutex // guards the following
	events    map[uint64]StoredEvent
	next      uint64 // the first id is 0
	calls     []string
	onAppend  func(e StoredEvent) error
	onSending func(ids []uint64) error
	onSettled func(ids []uint64) error
}

func newMemoryStore(left ...StoredEvent) *memoryStore {
	s := &memoryStore{left: left, events: map[uint64]StoredEvent{}}
	for _, e := range left {
		s.next = max(s.next, e.ID+1)
	}
	return s
}

// Append implements Store.
func (s *memoryStore) Append(_ context.Context, e StoredEvent) (uint64, error) {
	s.mu.Lock()
	fails := s.onAppend
	s.mu.Unlock()
	if fails != nil {
		if err := fails(e); err != nil {
			return 0, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e.ID, e.JSON = s.next, slices.Clone(e.JSON)
	s.events[e.ID] = e
	s.next++
	s.calls = append(s.calls, fmt.Sprint("append ", e.ID))
	return e.ID, nil
}

// Sending implements Store.
func (s *memoryStore) Sending(_ context.Context, ids []uint64) error {
	s.mu.Lock()
	fails := s.onSending
	s.mu.Unlock()
	if fails != nil {
		if err := fails(ids); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, fmt.Sprint("sending ", ids))
	for _, id := range ids {
		e, ok := s.events[id]
		if !ok {
			panic(fmt.Sprint("sending what is not there: ", id))
		}
		e.InDoubt = true
		s.events[id] = e
	}
	return nil
}

// Settled implements Store.
func (s *memoryStore) Settled(_ context.Context, ids []uint64) error {
	s.mu.Lock()
	fails := s.onSettled
	s.mu.Unlock()
	if fails != nil {
		if err := fails(ids); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, fmt.Sprint("settled ", ids))
	for _, id := range ids {
		if _, ok := s.events[id]; !ok {
			panic(fmt.Sprint("settled twice: ", id))
		}
		delete(s.events, id)
	}
	return nil
}

// Recover implements Store.
func (s *memoryStore) Recover(context.Context) iter.Seq2[StoredEvent, error] {
	return func(yield func(StoredEvent, error) bool) {
		for _, e := range s.left {
			s.mu.Lock()
			s.events[e.ID] = e
			s.mu.Unlock()
			if !yield(e, nil) {
				return
			}
		}
		if s.broken != nil {
			yield(StoredEvent{}, s.broken)
		}
	}
}

// note adds to the list of calls what else happened.
func (s *memoryStore) note(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, fmt.Sprintf(format, args...))
}

// happened returns the list, and begins a new one.
func (s *memoryStore) happened() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := s.calls
	s.calls = nil
	return calls
}

// fails sets how calls fail from now on; nil: not.
func (s *memoryStore) fails(onAppend func(StoredEvent) error, onSending, onSettled func([]uint64) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onAppend, s.onSending, s.onSettled = onAppend, onSending, onSettled
}

// rest returns what the next process finds.
func (s *memoryStore) rest() []StoredEvent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Values(s.events), func(a, b StoredEvent) int { return cmp.Compare(a.ID, b.ID) })
}

// storeBubble is bubble with a Store. What it was left counts as accepted.
func storeBubble(t *testing.T, s *memoryStore, cfg Config, test func(t *testing.T, r *rig)) {
	t.Helper()
	cfg.Store = s
	bubble(t, cfg, func(t *testing.T, r *rig) {
		r.mu.Lock()
		r.accepted += int64(len(s.left))
		r.begun += int64(len(s.left))
		r.mu.Unlock()
		test(t, r)
	})
}

// leftOver returns an event that an earlier process left: the n-th of its player.
func leftOver(id uint64, user string, n int, age time.Duration, inDoubt, once bool) StoredEvent {
	json := fmt.Appendf(nil, `{"type":"AppOpen","timestamp":"2026-03-04T05:06:07.000+00:00","customdata":{"n":%d}}`, n)
	return StoredEvent{ID: id, UserID: user, Accepted: bubbleStart.Add(-age), JSON: json, Once: once, InDoubt: inDoubt}
}

// bubbleStart is when the time of every bubble begins.
var bubbleStart = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
