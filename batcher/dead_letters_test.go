package batcher

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// graveyard keeps dead letters in memory, and notes the calls in the list of a store.
type graveyard struct {
	store *memoryStore
	fails error

	mu      sync.Mutex // guards the following
	letters []DeadLetter
}

// KeepDead implements DeadLetters.
func (g *graveyard) KeepDead(_ context.Context, letters []DeadLetter) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, l := range letters {
		l.JSON = slices.Clone(l.JSON)
		g.letters = append(g.letters, l)
		g.store.note("dead %s %v", l.Result, numbers(fmt.Appendf(nil, `{"events":[%s]}`, l.JSON)))
	}
	return g.fails
}

// EraseDead implements DeadLetters.
func (g *graveyard) EraseDead(_ context.Context, user string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.letters = slices.DeleteFunc(g.letters, func(l DeadLetter) bool { return l.UserID == user })
	g.store.note("erase dead of %s", user)
	return g.fails
}

// TestWhatBecomesADeadLetter: what ends undelivered, before the store forgets it; not what the caller has back or wants gone.
func TestWhatBecomesADeadLetter(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		cfg    Config
		answer func(request) error
		end    func(t *testing.T, r *rig)
		result Result
		want   bool
		cause  string
	}{
		"rejected":  {answer: answersWith(Invalid), result: Rejected, want: true, cause: "scripted"},
		"expired":   {cfg: Config{MaxAge: time.Minute}, answer: answersWith(Unavailable), result: Expired, want: true, cause: "not delivered within 1m0s"},
		"unknown":   {cfg: Config{AtMostOnce: []EventType{LevelCompleted}}, answer: answersWith(InDoubt), result: Unknown, want: true, cause: "scripted"},
		"delivered": {answer: answersWith(Invalid), end: func(_ *testing.T, r *rig) { r.service.answers(nil) }},
		"spooled": {answer: answersWith(Unavailable), end: func(t *testing.T, r *rig) {
			t.Helper()
			_, err := r.Close(within(t, time.Second))
			require.NoError(t, err)
		}},
		"erased": {answer: answersWith(Unavailable), end: func(t *testing.T, r *rig) {
			t.Helper()
			_, err := r.Erase(t.Context(), "ace")
			require.NoError(t, err)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newMemoryStore()
			g := &graveyard{store: s}
			row.cfg.DeadLetters = g
			storeBubble(t, s, row.cfg, func(t *testing.T, r *rig) {
				r.service.answers(row.answer)
				time.Sleep(time.Second)
				r.track("ace")
				if row.end != nil {
					row.end(t, r)
				}
				after(time.Hour)
				if !row.want {
					assert.Empty(t, g.letters)
					return
				}
				require.Len(t, g.letters, 1)
				l := g.letters[0]
				assert.Equal(t, game, l.GameID)
				assert.Equal(t, "ace", l.UserID)
				assert.Equal(t, row.result, l.Result)
				assert.Contains(t, l.Cause, row.cause)
				assert.WithinDuration(t, bubbleStart.Add(time.Second), l.Accepted, 0)
				assert.True(t, l.Died.After(l.Accepted))
				assert.Equal(t, []int{0}, numbers(fmt.Appendf(nil, `{"events":[%s]}`, l.JSON)))
				assert.Positive(t, l.Attempts)
				happened := s.happened()
				dead := slices.Index(happened, fmt.Sprintf("dead %s [0]", row.result))
				settled := slices.Index(happened, "settled [0]")
				assert.True(t, 0 <= dead && dead < settled, "%q: a crash between the two must not lose it", happened)
			})
		})
	}
}

// TestDeadLettersThatAreNotKept: the result is what it is, and somebody is told.
func TestDeadLettersThatAreNotKept(t *testing.T) {
	t.Parallel()
	s := newMemoryStore()
	g := &graveyard{store: s, fails: errDisk}
	storeBubble(t, s, Config{DeadLetters: g}, func(t *testing.T, r *rig) {
		r.service.answers(answersWith(Invalid))
		r.track("ace")
		after(time.Minute)
		assert.Equal(t, []int{0}, r.numbered("ace", Rejected))
		assert.Empty(t, s.rest())
		require.ErrorIs(t, r.Stats().LastError, errDisk)
		require.ErrorContains(t, r.Stats().LastError, "1 rejected events are not kept as dead letters")
	})
}

// TestEraseForgetsDeadLetters: they are personal data as much as what waits.
func TestEraseForgetsDeadLetters(t *testing.T) {
	t.Parallel()
	s := newMemoryStore()
	g := &graveyard{store: s}
	storeBubble(t, s, Config{DeadLetters: g}, func(t *testing.T, r *rig) {
		r.service.answers(answersWith(Invalid))
		r.track("ace")
		r.track("blitz")
		after(time.Minute)
		require.Len(t, g.letters, 2)
		_, err := r.Erase(t.Context(), "ace")
		require.NoError(t, err)
		require.Len(t, g.letters, 1)
		assert.Equal(t, "blitz", g.letters[0].UserID)
		g.fails = errors.New("a disk that is broken")
		_, err = r.Erase(t.Context(), "blitz")
		require.ErrorIs(t, err, g.fails)
		require.ErrorContains(t, err, "dead letters may still be there, call again")
		synctest.Wait()
	})
}
