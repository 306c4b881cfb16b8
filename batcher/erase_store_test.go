package batcher

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Erase over a Store: nothing of the player is left to the next process.

func TestEraseForgetsInTheStore(t *testing.T) {
	t.Parallel()
	left := StoredEvent{ID: 7, UserID: "ace", Accepted: time.Now(), JSON: []byte(`{"type":"AppOpen","timestamp":"2026-01-02T03:04:05.000+00:00","customdata":{"n":70}}`)}
	t.Run("what was tracked, and what an earlier process left", func(t *testing.T) {
		t.Parallel()
		s := newMemoryStore(left)
		nobody := TokenFunc(func(context.Context, string) (Token, error) { return Token{}, ErrNoToken })
		bubble(t, Config{Store: s, Linger: time.Hour, Tokens: nobody}, func(t *testing.T, r *rig) {
			r.count(nil) // what the Store had is accepted, too
			r.tracks("ace", 2)
			r.tracks("blitz", 1)
			got, err := r.Erase(t.Context(), "ace")
			require.NoError(t, err)
			assert.Equal(t, Erasure{Events: 3}, got)
			assert.Len(t, s.events, 1, "the other player's")
			assert.Equal(t, "blitz", s.events[10].UserID)
		})
	})
	t.Run("the store cannot", func(t *testing.T) {
		t.Parallel()
		s := newMemoryStore()
		broken := errors.New("the disk is gone")
		bubble(t, Config{Store: s, Linger: time.Hour}, func(t *testing.T, r *rig) {
			r.tracks("ace", 2)
			s.fails(nil, nil, func([]uint64) error { return broken })
			got, err := r.Erase(t.Context(), "ace")
			require.ErrorIs(t, err, broken)
			require.ErrorContains(t, err, "they come back with the next process")
			assert.Equal(t, Erasure{Events: 2}, got, "they are not sent by this one")
			s.fails(nil, nil, nil)
		})
	})
	t.Run("an event is being stored", func(t *testing.T) {
		t.Parallel()
		s := newMemoryStore()
		bubble(t, Config{Store: s, Linger: time.Hour}, func(t *testing.T, r *rig) {
			s.fails(func(StoredEvent) error { time.Sleep(time.Second); return nil }, nil, nil)
			var wait sync.WaitGroup
			wait.Go(func() { assert.ErrorIs(t, r.trackType(t.Context(), "ace", AppOpen), ErrErased) })
			synctest.Wait()
			_, err := r.Erase(within(t, time.Millisecond), "ace")
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.ErrorContains(t, err, "an event of the player is being stored, call again")
			assert.False(t, r.Readmit("ace"), "it is not over")
			_, err = r.Erase(t.Context(), "ace")
			require.NoError(t, err)
			assert.Equal(t, []string{"append 0", "settled [0]"}, s.happened(), "it is forgotten when Erase returns")
			wait.Wait()
			assert.Zero(t, r.Ledger().Accepted)
			assert.True(t, r.Readmit("ace"))
			s.fails(nil, nil, nil)
			r.track("ace")
			got, err := r.Erase(t.Context(), "ace")
			require.NoError(t, err)
			assert.Equal(t, Erasure{Events: 1}, got)
		})
	})
}

// An Erase that Close overtakes leaves nothing to the Store: the next process would send it.
func TestWhatIsBeingErasedIsNotLeftToTheStore(t *testing.T) {
	t.Parallel()
	s := newMemoryStore()
	storeBubble(t, s, Config{}, func(t *testing.T, r *rig) {
		r.service.answers(func(q request) error { <-q.ctx.Done(); return q.ctx.Err() })
		r.tracks("ace", 3)
		r.tracks("blitz", 1)
		after(6 * time.Second)
		var wait sync.WaitGroup
		wait.Go(func() {
			_, err := r.Erase(t.Context(), "ace")
			assert.ErrorIs(t, err, ErrClosed)
			assert.ErrorContains(t, err, "drop what of the player is in its Report")
		})
		synctest.Wait()
		report, err := r.Close(within(t, time.Second))
		require.ErrorContains(t, err, "3 events of 1 players")
		wait.Wait()
		assert.Equal(t, Ledger{Accepted: 4, Returned: 3, Spooled: 1}, report.Ledger)
		require.Len(t, report.LeftOver, 1)
		assert.Equal(t, "ace", report.LeftOver[0].UserID)
		assert.True(t, report.LeftOver[0].PossibleDuplicates)
		require.Len(t, s.rest(), 1)
		assert.Equal(t, "blitz", s.rest()[0].UserID)
	})
}

// syncingStore is a Store that can wait for its disk.
type syncingStore struct {
	*memoryStore
	err error // of the disk
}

// Sync implements Syncer.
func (s *syncingStore) Sync(ctx context.Context) error {
	s.note("sync")
	return errors.Join(ctx.Err(), s.err)
}

func TestEraseWaitsForTheStoresDisk(t *testing.T) {
	t.Parallel()
	broken := errors.New("the disk is gone")
	for name, tt := range map[string]struct {
		track int
		disk  error
		want  []string
	}{
		"what waited": {2, nil, []string{"settled [0 1]", "sync"}},
		"nothing waited: an Erase before may not have waited to its end": {0, nil, []string{"sync"}},
		"the disk cannot": {2, broken, []string{"settled [0 1]", "sync"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &syncingStore{newMemoryStore(), tt.disk}
			bubble(t, Config{Store: s, Linger: time.Hour}, func(t *testing.T, r *rig) {
				r.tracks("ace", tt.track)
				s.happened()
				got, err := r.Erase(t.Context(), "ace")
				assert.Equal(t, Erasure{Events: tt.track}, got)
				assert.Equal(t, tt.want, s.happened())
				if tt.disk != nil {
					require.ErrorIs(t, err, broken)
					require.ErrorContains(t, err, "after a crash events may come back, call again")
					return
				}
				require.NoError(t, err)
				r.close()
				s.happened()
				_, err = r.Erase(t.Context(), "ace")
				require.NoError(t, err, "of whom nothing was left")
				assert.Empty(t, s.happened(), "the store may be closed")
			})
		})
	}
}
