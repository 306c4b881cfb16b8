package relay

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/batcher"
)

// TestLease: it lasts to its deadline and not longer, and a renewal moves that.
func TestLease(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLease(t.Context(), 1, time.Now().Add(2*time.Second))
		time.Sleep(2*time.Second - time.Nanosecond)
		assert.True(t, l.valid())
		l.renewed(2, time.Now().Add(2*time.Second))
		assert.Equal(t, uint64(2), l.seq())
		time.Sleep(2*time.Second - time.Nanosecond)
		synctest.Wait()
		assert.True(t, l.valid())
		require.NoError(t, l.ctx.Err())
		time.Sleep(time.Nanosecond)
		assert.False(t, l.valid())
		synctest.Wait()
		require.ErrorIs(t, context.Cause(l.ctx), errLeaseEnded)
		l.renewed(3, time.Now().Add(time.Hour))
		assert.False(t, l.valid(), "what has ended does not come back")
		l.drop()

		dropped := newLease(t.Context(), 1, time.Now().Add(time.Hour))
		dropped.drop()
		assert.False(t, dropped.valid())
	})
}

// TestLeaseOfASleepingMachine: the monotonic clock stood still, the wall clock tells.
func TestLeaseOfASleepingMachine(t *testing.T) {
	t.Parallel()
	l := newLease(t.Context(), 1, time.Now().Add(time.Hour))
	defer l.drop()
	assert.True(t, l.valid())
	l.mu.Lock()
	l.deadline = time.Now().Round(0).Add(-time.Second) // without a monotonic reading
	l.mu.Unlock()
	assert.False(t, l.valid())
}

// TestFence: a request that is under way ends with the lease, and none begins after it.
func TestFence(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		l := newLease(t.Context(), 1, time.Now().Add(time.Second))
		f := fence{lease: l, sender: sendFunc(func(ctx context.Context, _ batcher.Batch) error {
			calls++
			<-ctx.Done()
			return ctx.Err()
		})}
		begin := time.Now()
		require.ErrorIs(t, sendOnce(t.Context(), f, batcher.Batch{}), context.Canceled)
		assert.Equal(t, time.Second, time.Since(begin))
		err := sendOnce(t.Context(), f, batcher.Batch{})
		var failed *batcher.SendError
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, batcher.NotSent, failed.Failure)
		require.ErrorIs(t, err, errLeaseEnded)
		assert.Equal(t, 1, calls)
	})
}

// TestRegistry: two relays and one partition.
func TestRegistry(t *testing.T) {
	t.Parallel()
	f := single(t)
	open := func(t *testing.T, game, holder string) *registry {
		t.Helper()
		r, err := openRegistry(t.Context(), f.connect(), f.stream, game, holder)
		require.NoError(t, err)
		return r
	}
	t.Run("one has it", func(t *testing.T) {
		t.Parallel()
		a, b := open(t, "one", "a"), open(t, "one", "b")
		l, err := a.acquire(t.Context(), t.Context(), 3)
		require.NoError(t, err)
		_, err = b.acquire(t.Context(), t.Context(), 3)
		require.True(t, wrongRevision(err), "%v", err)
		require.NoError(t, a.renew(t.Context(), 3, l))
		for range 2 {
			_, err = b.alive(t.Context())
			require.NoError(t, err)
		}
		taken, relays, err := b.census(t.Context())
		require.NoError(t, err)
		assert.Equal(t, map[int]bool{3: true}, taken)
		assert.Equal(t, 1, relays)
		require.NoError(t, a.release(t.Context(), l))
		assert.False(t, l.valid())
		l, err = b.acquire(t.Context(), t.Context(), 3)
		require.NoError(t, err, "at once")
		l.drop()
	})
	t.Run("a renewal whose answer was lost", func(t *testing.T) {
		t.Parallel()
		a := open(t, "lost", "a")
		l, err := a.acquire(t.Context(), t.Context(), 0)
		require.NoError(t, err)
		defer l.drop()
		_, _, err = a.write(t.Context(), a.part(0), l.seq()) // stored, and nobody heard
		require.NoError(t, err)
		before := l.deadline
		require.NoError(t, a.renew(t.Context(), 0, l))
		assert.True(t, l.valid())
		assert.Equal(t, before, l.deadline, "it is not known how long ago that was")
		require.NoError(t, a.renew(t.Context(), 0, l))
		assert.True(t, l.deadline.After(before))
	})
	t.Run("another one has it now", func(t *testing.T) {
		t.Parallel()
		a, b := open(t, "other", "a"), open(t, "other", "b")
		l, err := a.acquire(t.Context(), t.Context(), 0)
		require.NoError(t, err)
		require.NoError(t, b.stream.DeleteMsg(t.Context(), l.seq()))
		theirs, err := b.acquire(t.Context(), t.Context(), 0)
		require.NoError(t, err)
		defer theirs.drop()
		require.Error(t, a.renew(t.Context(), 0, l))
		assert.False(t, l.valid(), "nothing may be sent any more")
		assert.True(t, theirs.valid())
	})
	t.Run("games are apart", func(t *testing.T) {
		t.Parallel()
		for _, game := range []string{"chess", "checkers"} {
			l, err := open(t, game, "a").acquire(t.Context(), t.Context(), 0)
			require.NoError(t, err)
			l.drop()
		}
	})
}

// TestTheNextRelayBeginsWhenTheLastOneHasEnded: a relay is cut off from NATS in the middle of a
// request that hangs. Its lease runs out, and its request is ended before the next relay sends for
// the same player.
func TestTheNextRelayBeginsWhenTheLastOneHasEnded(t *testing.T) {
	t.Parallel()
	f := single(t, func(c *StreamConfig) { c.LeaseTTL = 4 * time.Second })
	p := f.publisher()
	track(t, p, "ace", 0, 5)
	require.NoError(t, p.Flush(t.Context()))
	hangs := make(chan struct{})
	told := sync.OnceFunc(func() { close(hangs) })
	var ended atomic.Bool
	zombie := f.relay(func(c *Config) {
		c.Sender = sendFunc(func(ctx context.Context, _ batcher.Batch) error {
			told()
			<-ctx.Done()
			ended.Store(true)
			return ctx.Err()
		})
	})
	<-hangs
	var n int
	_, err := fmt.Sscanf(f.messages("EVENTS")[0].Subject, "events.%d.", &n)
	require.NoError(t, err)
	theirs := zombie.partition(n).lease
	zombie.js.Conn().Close()
	f.relay(func(c *Config) {
		c.Sender = sendFunc(func(ctx context.Context, b batcher.Batch) error {
			// The lease, not what its end has led to: a busy machine may not have run that yet.
			assert.False(t, theirs.valid(), "two relays send for one player")
			return sendOnce(ctx, f.sender, b)
		})
	})
	f.idle()
	eventually(t, ended.Load, "the request does not end with the lease")
	assert.Equal(t, []int{0, 1, 2, 3, 4}, f.numbers("ace"))
	assert.Empty(t, zombie.Stats().Partitions)
}
