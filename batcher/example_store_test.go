package batcher_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/playline/playline-go/batcher"
)

// shelf is a Store that outlives a batcher, and nothing else: what a Store must do, in the fewest lines. The package spool has one on disk.
type shelf struct {
	mu     sync.Mutex
	last   uint64
	events []batcher.StoredEvent // in the order of their ids
}

func (s *shelf) Append(_ context.Context, e batcher.StoredEvent) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	e.ID, e.JSON = s.last, slices.Clone(e.JSON)
	s.events = append(s.events, e)
	return e.ID, nil
}

func (s *shelf) Sending(_ context.Context, ids []uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.events {
		if slices.Contains(ids, s.events[i].ID) {
			s.events[i].InDoubt = true
		}
	}
	return nil
}

func (s *shelf) Settled(_ context.Context, ids []uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = slices.DeleteFunc(s.events, func(e batcher.StoredEvent) bool { return slices.Contains(ids, e.ID) })
	return nil
}

func (s *shelf) Recover(context.Context) iter.Seq2[batcher.StoredEvent, error] {
	s.mu.Lock()
	defer s.mu.Unlock()
	left := slices.Clone(s.events)
	return func(yield func(batcher.StoredEvent, error) bool) {
		for _, e := range left {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// A process that dies loses nothing that Track took: the next one takes it back from the Store.
func ExampleConfig_store() {
	ctx := context.Background()
	disk := &shelf{}
	dying, _ := newBatcher(func(c *batcher.Config) { c.Store, c.Linger = disk, time.Hour })
	for level := range 3 {
		_ = dying.Track(ctx, "ace", batcher.Event{Type: batcher.LevelCompleted, Data: map[string]any{"level": level}})
	}
	// kill -9: no Close, no Flush.

	next, service := newBatcher(func(c *batcher.Config) { c.Store = disk })
	report, err := next.Close(ctx)
	fmt.Println(report.Delivered, "delivered,", service.EventCount(), "stored,", len(disk.events), "left,", err)
	// Output: 3 delivered, 3 stored, 0 left, <nil>
}

// brokenShelf is a Store whose disk is full.
type brokenShelf struct{ shelf }

func (*brokenShelf) Append(context.Context, batcher.StoredEvent) (uint64, error) {
	return 0, fmt.Errorf("no space left on device")
}

func ExampleConfig_memoryOnStoreError() {
	ctx := context.Background()
	for _, memory := range []bool{false, true} {
		b, service := newBatcher(func(c *batcher.Config) { c.Store, c.MemoryOnStoreError = &brokenShelf{}, memory })
		err := b.Track(ctx, "ace", batcher.Event{Type: batcher.AppOpen})
		unstored := b.Stats().Unstored
		_, _ = b.Close(ctx)
		fmt.Println(err != nil, unstored, "in memory alone,", service.EventCount(), "delivered")
	}
	// Output:
	// true 0 in memory alone, 0 delivered
	// false 1 in memory alone, 1 delivered
}
