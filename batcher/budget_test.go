package batcher

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The room that all players share.

func newBudget(events, bytes int64) *budget { return &budget{maxEvents: events, maxBytes: bytes} }

// events and bytes are what is taken.
func (b *budget) events() int64 { n, _ := b.held(); return n }
func (b *budget) bytes() int64  { _, n := b.held(); return n }

func nothing() {}

func TestBudgetTakesUpToItsBounds(t *testing.T) {
	t.Parallel()
	b := newBudget(3, 100)
	assert.True(t, b.take(40))
	assert.False(t, b.take(61))
	assert.True(t, b.take(60))
	assert.False(t, b.take(1))
	assert.True(t, b.take(0))
	assert.False(t, b.take(0), "a fourth event")
	assert.Equal(t, int64(3), b.events())
	assert.Equal(t, int64(100), b.bytes(), "what was refused left nothing")
}

// TestBudgetWakeUps builds the interleavings of a release and a wait from their steps.
func TestBudgetWakeUps(t *testing.T) {
	t.Parallel()
	waits := func(b *budget, bytes int64) chan error {
		done := make(chan error, 1)
		go func() { done <- b.wait(context.Background(), bytes, nothing) }() //nolint:usetesting // the context of t is from outside of the bubble
		synctest.Wait()
		return done
	}
	for _, row := range []struct {
		name string
		play func(t *testing.T)
	}{
		{"the release lowers and looks, then the wait comes: it finds room itself", func(t *testing.T) {
			b := newBudget(1, 100)
			require.True(t, b.take(50))
			b.release(1, 50)
			b.wake()
			require.NoError(t, <-waits(b, 50))
		}},
		{"the release lowers, the wait comes, the release looks", func(t *testing.T) {
			b := newBudget(1, 100)
			require.True(t, b.take(50))
			b.release(1, 50)
			done := waits(b, 50)
			b.wake()
			require.NoError(t, <-done)
			assert.Equal(t, int64(1), b.events(), "granted once")
		}},
		{"the wait stands in line, then the release lowers and looks", func(t *testing.T) {
			b := newBudget(1, 100)
			require.True(t, b.take(50))
			done := waits(b, 50)
			b.release(1, 50)
			b.wake()
			require.NoError(t, <-done)
		}},
		{"one that needs much is not passed by one that needs little", func(t *testing.T) {
			b := newBudget(10, 100)
			require.True(t, b.take(60))
			require.True(t, b.take(40))
			much := waits(b, 80)
			little := waits(b, 10)
			b.release(1, 40)
			b.wake()
			assert.Empty(t, little)
			assert.False(t, b.take(1))
			b.release(1, 60)
			b.wake()
			require.NoError(t, <-much)
			require.NoError(t, <-little)
		}},
		{"the first in line gives up, and the next one needs less", func(t *testing.T) {
			b := newBudget(10, 100)
			require.True(t, b.take(60))
			ctx, cancel := context.WithCancel(t.Context())
			much := make(chan error, 1)
			go func() { much <- b.wait(ctx, 80, nothing) }()
			synctest.Wait()
			little := waits(b, 10)
			cancel()
			require.ErrorIs(t, <-much, context.Canceled)
			require.NoError(t, <-little)
			assert.Equal(t, int64(70), b.bytes())
		}},
		{"room and the context's end come at once: the room goes to the next", func(t *testing.T) {
			b := newBudget(1, 100)
			require.True(t, b.take(50))
			ctx, cancel := context.WithCancel(t.Context())
			first := make(chan error, 1)
			go func() { first <- b.wait(ctx, 50, nothing) }()
			synctest.Wait()
			second := waits(b, 50)
			b.mu.Lock() // both happen before the first can look
			cancel()
			b.release(1, 50)
			b.grantLocked()
			b.mu.Unlock()
			require.ErrorIs(t, <-first, context.Canceled)
			require.NoError(t, <-second)
			assert.Equal(t, int64(1), b.events())
			assert.Zero(t, b.waiting.Load())
		}},
		{"closing sends all away, and later ones too", func(t *testing.T) {
			b := newBudget(1, 100)
			require.True(t, b.take(50))
			first, second := waits(b, 50), waits(b, 50)
			b.close()
			require.ErrorIs(t, <-first, ErrClosed)
			require.ErrorIs(t, <-second, ErrClosed)
			require.ErrorIs(t, b.wait(t.Context(), 50, nothing), ErrClosed)
			assert.Zero(t, b.waiting.Load())
			b.wake()
			assert.Equal(t, int64(1), b.events())
		}},
		{"only the first in line is told so", func(t *testing.T) {
			b := newBudget(1, 100)
			require.True(t, b.take(50))
			calls := 0
			for range 3 {
				go b.wait(t.Context(), 50, func() { calls++ }) //nolint:errcheck // it ends with close
				synctest.Wait()
			}
			assert.Equal(t, 1, calls)
			b.close()
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, row.play)
		})
	}
}

// TestBudgetUnderContention has many goroutines take and release by turns; a lost wake-up would stop the bubble.
func TestBudgetUnderContention(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(2, 100)
		var wg sync.WaitGroup
		for g := range 8 {
			wg.Go(func() {
				for i := range 500 {
					bytes := int64(10 + (g*7+i)%90)
					if !b.take(bytes) {
						ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
						if i%5 == 0 {
							cancel()
						}
						err := b.wait(ctx, bytes, nothing)
						cancel()
						if err != nil {
							assert.ErrorIs(t, err, context.Canceled)
							continue
						}
					}
					if n, size := b.events(), b.bytes(); n > 2 || n < 1 || size < bytes {
						t.Errorf("%d events, %d bytes", n, size)
					}
					b.release(1, bytes)
					b.wake()
				}
			})
		}
		wg.Wait()
		assert.Zero(t, b.events())
		assert.Zero(t, b.bytes())
		assert.Zero(t, b.waiting.Load())
		assert.Zero(t, b.line.Len())
	})
}
