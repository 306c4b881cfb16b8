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

func TestEraseForgetsInTheStore(t *testing.T) {
	t.Parallel()
	left := StoredEvent{ID: 7, UserID: "ace", Accepted: time.Now(), JSON: []byte(`{"type":"AppOpen","timestamp":"2026-01-02T03:04:05+00:00","customdata":{"n":70}}`)}
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
			_, err := r.Erase(t.Context(), "ace")
			require.NoError(t, err)
			wait.Wait()
			assert.Empty(t, s.events)
			assert.Zero(t, r.Ledger().Accepted)
		})
	})
}
