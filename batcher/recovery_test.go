package batcher

import (
	"context"
	"errors"
	"iter"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What New finds in a Store.

func TestRecovery(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name       string
		left       []StoredEvent
		batches    [][]int // of "ace"
		told       []told  // of "ace", without the times
		duplicates int64
	}{
		{
			"not in doubt: as any other",
			[]StoredEvent{
				leftOver(0, "ace", 0, time.Hour, false, false), leftOver(1, "blitz", 7, time.Hour, false, false),
				leftOver(5, "ace", 1, time.Minute, false, true),
			},
			[][]int{{0, 1}},
			[]told{{Result: Delivered, Ns: []int{0, 1}, Attempts: 1}},
			0,
		},
		{
			"in doubt: a block of its own, and counted",
			[]StoredEvent{
				leftOver(3, "ace", 0, time.Hour, true, false), leftOver(4, "ace", 1, time.Hour, true, false),
				leftOver(5, "ace", 2, time.Hour, false, false),
			},
			[][]int{{0, 1}, {2}},
			[]told{{Result: Delivered, Ns: []int{0, 1}, Attempts: 2, Dups: true}, {Result: Delivered, Ns: []int{2}, Attempts: 1}},
			2,
		},
		{
			"in doubt between others: the order stays",
			[]StoredEvent{
				leftOver(3, "ace", 0, time.Hour, false, false), leftOver(4, "ace", 1, time.Hour, true, false),
				leftOver(5, "ace", 2, time.Hour, false, false),
			},
			[][]int{{0}, {1}, {2}},
			[]told{
				{Result: Delivered, Ns: []int{0}, Attempts: 1},
				{Result: Delivered, Ns: []int{1}, Attempts: 2, Dups: true},
				{Result: Delivered, Ns: []int{2}, Attempts: 1},
			},
			1,
		},
		{
			"in doubt and at most once: unknown, before anything is sent",
			[]StoredEvent{
				leftOver(3, "ace", 0, time.Hour, true, false), leftOver(4, "ace", 1, time.Hour, true, true),
				leftOver(5, "ace", 2, time.Hour, false, true), leftOver(6, "ace", 3, time.Minute, true, true),
			},
			[][]int{{0}, {2}},
			[]told{
				{Result: Unknown, Ns: []int{1, 3}, Attempts: 1, Dups: true},
				{Result: Delivered, Ns: []int{0}, Attempts: 2, Dups: true},
				{Result: Delivered, Ns: []int{2}, Attempts: 1},
			},
			1,
		},
		{
			"all of it unknown: nothing is sent",
			[]StoredEvent{leftOver(9, "ace", 0, time.Hour, true, true)},
			nil,
			[]told{{Result: Unknown, Ns: []int{0}, Attempts: 1, Dups: true}},
			0,
		},
		{
			"from before the epoch and months apart",
			[]StoredEvent{
				{ID: 1, UserID: "ace", JSON: []byte(`{"customdata":{"n":0}}`)},
				leftOver(4, "ace", 1, 2000*time.Hour, false, false), leftOver(5, "ace", 2, time.Hour, false, false),
				leftOver(6, "ace", 3, -100*time.Hour, false, false),
			},
			[][]int{{0}, {1}, {2, 3}},
			[]told{
				{Result: Delivered, Ns: []int{0}, Attempts: 1},
				{Result: Delivered, Ns: []int{1}, Attempts: 1},
				{Result: Delivered, Ns: []int{2, 3}, Attempts: 1},
			},
			0,
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := newMemoryStore(row.left...)
			storeBubble(t, s, Config{}, func(t *testing.T, r *rig) {
				require.NoError(t, r.Flush(t.Context()))
				assert.Zero(t, r.since(), "it does not linger")
				assert.Equal(t, row.batches, r.service.batches("ace"))
				var got []told
				for _, o := range r.told() {
					if o.User == "ace" {
						assert.Equal(t, o.Result == Unknown, o.Err != nil)
						o.User, o.Err = "", nil
						got = append(got, o)
					}
				}
				assert.Equal(t, row.told, got)
				assert.Equal(t, row.duplicates, r.Ledger().PossibleDuplicates)
				assert.Equal(t, int64(len(row.left)), r.Ledger().Accepted)
				assert.Empty(t, s.rest())
			})
		})
	}
}

func TestRecoveredEventsKeepTheirTimes(t *testing.T) {
	t.Parallel()
	var got []time.Time
	s := newMemoryStore(leftOver(0, "ace", 0, time.Hour, true, true), leftOver(1, "ace", 1, 3*time.Minute+2*time.Millisecond, false, false),
		leftOver(2, "ace", 2, -time.Hour, false, false))
	storeBubble(t, s, Config{OnOutcome: func(o Outcome) { got = append(got, times(o.Records)...) }}, func(t *testing.T, r *rig) {
		require.NoError(t, r.Flush(t.Context()))
		require.Len(t, got, 3)
		assert.WithinDuration(t, bubbleStart.Add(-time.Hour), got[0], 0)
		assert.WithinDuration(t, bubbleStart.Add(-3*time.Minute-2*time.Millisecond), got[1], 0)
		assert.WithinDuration(t, bubbleStart, got[2], 0, "the wall clock was set back: not later than now")
	})
}

// TestRecoveredEventsComeFirst: what is tracked from then on stands behind them, and in no request with what is in doubt.
func TestRecoveredEventsComeFirst(t *testing.T) {
	t.Parallel()
	s := newMemoryStore(leftOver(0, "ace", 100, time.Second, true, false), leftOver(1, "blitz", 100, time.Second, false, false))
	storeBubble(t, s, Config{Tokens: TokenFunc(func(context.Context, string) (Token, error) { return Token{}, ErrNoToken })}, func(t *testing.T, r *rig) {
		synctest.Wait()
		assert.Len(t, r.Parked(), 2, "it waits for the player to come back")
		r.tracks("ace", 2)
		r.tracks("blitz", 2)
		after(time.Hour)
		assert.Empty(t, r.service.requests())
		r.SetToken("ace", Token{Value: "fresh"})
		r.SetToken("blitz", Token{Value: "fresh"})
		require.NoError(t, r.Flush(t.Context()))
		assert.Equal(t, [][]int{{100}, {0, 1}}, r.service.batches("ace"))
		assert.Equal(t, [][]int{{100}, {0, 1}}, r.service.batches("blitz"))
		assert.Equal(t, int64(1), r.Ledger().PossibleDuplicates)
	})
}

func TestUnknownOfAPlayerWithoutAToken(t *testing.T) {
	t.Parallel()
	s := newMemoryStore(leftOver(0, "ace", 0, time.Second, false, false), leftOver(1, "ace", 1, 48*time.Hour, true, true))
	storeBubble(t, s, Config{
		MaxAge: 24 * time.Hour, Tokens: TokenFunc(func(context.Context, string) (Token, error) { return Token{}, ErrNoToken }),
	}, func(t *testing.T, r *rig) {
		synctest.Wait()
		assert.Equal(t, []int{1}, r.numbered("ace", Unknown), "unknown, and not expired")
		assert.Len(t, s.rest(), 1)
		after(25 * time.Hour)
		assert.Equal(t, []int{0}, r.numbered("ace", Expired))
		assert.Empty(t, s.rest())
	})
}

// TestAtMostOnceIsThatOfTheProcessThatTookTheEvent: this one's configuration names no types.
func TestAtMostOnceIsThatOfTheProcessThatTookTheEvent(t *testing.T) {
	t.Parallel()
	s := newMemoryStore(leftOver(0, "ace", 0, time.Second, false, true), leftOver(1, "ace", 1, time.Second, false, false))
	storeBubble(t, s, Config{}, func(t *testing.T, r *rig) {
		r.service.answers(script(failure(InDoubt)))
		after(time.Minute)
		assert.Equal(t, []int{0}, r.numbered("ace", Unknown))
		assert.Equal(t, [][]int{{0, 1}, {1}}, r.service.batches("ace"))
		assert.Equal(t, []int{1}, r.numbered("ace", Delivered))
	})
}

func TestRecoveredEventsExpireByTheirOwnAge(t *testing.T) {
	t.Parallel()
	s := newMemoryStore(leftOver(0, "ace", 0, 2*time.Hour, false, false), leftOver(1, "ace", 1, 30*time.Minute, true, false),
		leftOver(2, "ace", 2, 10*time.Minute, false, false))
	storeBubble(t, s, Config{
		MaxAge: time.Hour, Tokens: TokenFunc(func(context.Context, string) (Token, error) { return Token{}, ErrNoToken }),
	}, func(t *testing.T, r *rig) {
		for _, step := range []struct {
			wait time.Duration
			want []int
		}{{0, []int{0}}, {29 * time.Minute, []int{0}}, {2 * time.Minute, []int{0, 1}}, {20 * time.Minute, []int{0, 1, 2}}} {
			after(step.wait)
			assert.Equal(t, step.want, r.numbered("ace", Expired), "after %s", r.since())
		}
		assert.Empty(t, s.rest())
		assert.Zero(t, r.Ledger().PossibleDuplicates, "only what is delivered has copies")
	})
}

func TestRecoveryAboveTheBounds(t *testing.T) {
	t.Parallel()
	var left []StoredEvent
	for n := range 450 {
		left = append(left, leftOver(uint64(n), "ace", n, time.Minute, false, false))
	}
	s := newMemoryStore(left...)
	storeBubble(t, s, Config{MaxEvents: 300, MaxPlayerEvents: 300}, func(t *testing.T, r *rig) {
		hold := make(chan struct{})
		r.service.answers(func(request) error { <-hold; return nil })
		synctest.Wait()
		assert.Equal(t, int64(450), r.Ledger().Pending)
		assert.Equal(t, 450, r.Player("ace").Stats().Pending)
		require.ErrorIs(t, r.try("ace"), ErrFull)
		require.ErrorIs(t, r.try("blitz"), ErrFull)
		done := make(chan error)
		go func() { done <- r.trackType(t.Context(), "blitz", AppOpen) }()
		synctest.Wait()
		close(hold)
		require.NoError(t, <-done)
		require.NoError(t, r.Flush(t.Context()))
		assert.Equal(t, [][]int{upTo(200), from(200, 200), from(400, 50)}, r.service.batches("ace"))
		assert.Len(t, r.service.requests("blitz"), 1)
	})
}

func TestAStoreThatCannotBeRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newMemoryStore(leftOver(0, "ace", 0, time.Hour, false, false), leftOver(1, "ace", 0, time.Hour, true, true))
		s.broken = errors.New("segment 3: bad checksum")
		service := &service{start: time.Now(), players: map[string]int{}}
		b, err := New(service, Config{GameID: game, Tokens: oneToken, Store: s, OnOutcome: func(Outcome) { assert.Fail(t, "an outcome") }})
		assert.Nil(t, b)
		require.ErrorIs(t, err, s.broken)
		require.ErrorContains(t, err, "batcher: the store cannot be read")
		time.Sleep(time.Hour)
		assert.Empty(t, service.requests())
		assert.Len(t, s.rest(), 2, "it stays")
	})
}

// lending is a Store that lends every event in the same memory.
type lending struct{ *memoryStore }

// Lend implements Lender.
func (s lending) Lend(ctx context.Context) iter.Seq2[StoredEvent, error] {
	return func(yield func(StoredEvent, error) bool) {
		lent := make([]byte, 1000)
		for e, err := range s.Recover(ctx) {
			e.JSON = append(lent[:0], e.JSON...)
			if !yield(e, err) {
				return
			}
			clear(lent)
		}
	}
}

// TestLentEventsAreCopied: they are sent as they were, although the Store uses their memory again.
func TestLentEventsAreCopied(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var left []StoredEvent
		for n := range 300 {
			left = append(left, leftOver(uint64(n), "ace", n, time.Hour, n < 2, n == 1)) // one is unknown, one in doubt
		}
		s := newMemoryStore(left...)
		service := &service{start: time.Now(), players: map[string]int{}}
		b, err := New(service, Config{GameID: game, Tokens: oneToken, Store: lending{s}})
		require.NoError(t, err)
		report, err := b.Close(t.Context())
		require.NoError(t, err)
		assert.Equal(t, Ledger{Accepted: 300, Delivered: 299, Unknown: 1, PossibleDuplicates: 1}, report.Ledger)
		assert.Equal(t, append([]int{0}, from(2, 298)...), slices.Concat(service.batches("ace")...))
	})
}

// TestAStoreOfAnotherGame: its events would be sent under the wrong name.
func TestAStoreOfAnotherGame(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ of, wrong string }{
		"another game's":        {"com.example.other", `the store holds events of the game "com.example.other", and Config.GameID is "` + game + `"`},
		"this game's":           {game, ""},
		"of a game not known":   {"", ""},
		"a name that begins so": {game + "2", "use a store per game"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				left := leftOver(0, "ace", 0, time.Hour, false, false)
				left.GameID = row.of
				s, service := newMemoryStore(left), &service{start: time.Now(), players: map[string]int{}}
				b, err := New(service, Config{GameID: game, Tokens: oneToken, Store: s})
				if row.wrong != "" {
					require.ErrorContains(t, err, row.wrong)
					assert.Empty(t, service.requests())
					assert.Len(t, s.rest(), 1, "it stays")
					return
				}
				require.NoError(t, err)
				report, err := b.Close(t.Context())
				require.NoError(t, err)
				assert.Equal(t, Ledger{Accepted: 1, Delivered: 1}, report.Ledger)
			})
		})
	}
}

func TestRecoveryOfAStoreThatIsClosedAtOnce(t *testing.T) {
	t.Parallel()
	s := newMemoryStore(leftOver(0, "ace", 0, time.Hour, false, false), leftOver(1, "ace", 1, time.Hour, true, false))
	storeBubble(t, s, Config{Tokens: TokenFunc(func(context.Context, string) (Token, error) { return Token{}, ErrNoToken })}, func(t *testing.T, r *rig) {
		report, err := r.Close(t.Context())
		require.NoError(t, err)
		assert.Equal(t, Ledger{Accepted: 2, Spooled: 2}, report.Ledger)
		rest := s.rest()
		require.Len(t, rest, 2)
		assert.False(t, rest[0].InDoubt)
		assert.True(t, rest[1].InDoubt, "it still is")
	})
}
