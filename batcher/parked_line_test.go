package batcher

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// absent is a token source of players who are not there, by name.
func absent(users ...string) TokenSource {
	return TokenFunc(func(_ context.Context, user string) (Token, error) {
		for _, gone := range users {
			if user == gone {
				return Token{}, ErrNoToken
			}
		}
		return Token{Value: Secret("token of " + user)}, nil
	})
}

// inLine is what the line holds, by player, and its sum.
func (r *rig) inLine() (users []string, bytes int) {
	p := &r.parked
	p.mu.Lock()
	defer p.mu.Unlock()
	sum := 0
	for e := p.lanes.Front(); e != nil; e = e.Next() {
		l := e.Value.(*lane)
		users = append(users, l.user)
		sum += l.place.bytes
	}
	assert.Equal(r.t, sum, p.bytes)
	return users, p.bytes
}

// eventSize is how long the JSON of the rig's events is.
func eventSize(t *testing.T) int {
	t.Helper()
	size := 0
	bubble(t, Config{MaxParkedBytes: 1 << 30, Tokens: absent("ace")}, func(_ *testing.T, r *rig) {
		r.track("ace")
		after(time.Minute)
		_, size = r.inLine()
	})
	require.Positive(t, size)
	return size
}

func TestTheLongestParkedLosesItsOldestEvents(t *testing.T) {
	t.Parallel()
	size := eventSize(t)
	bubble(t, Config{MaxParkedBytes: 5*size + size/2, BatchEvents: 2, Tokens: absent("ace", "blitz"), IdleTimeout: time.Hour}, func(t *testing.T, r *rig) {
		r.tracks("ace", 3)
		after(time.Minute)
		r.tracks("blitz", 2)
		r.tracks("nova", 4)
		after(time.Minute)
		require.Len(t, r.Parked(), 2)
		users, _ := r.inLine()
		require.Equal(t, []string{"ace", "blitz"}, users, "by when they were parked; who has a token is not there")
		assert.Zero(t, r.Ledger().Expired, "so many may wait")

		r.track("blitz")
		after(time.Second)
		assert.Equal(t, upTo(2), r.numbered("ace", Expired), "a request's worth of the one who was parked first")
		assert.Empty(t, r.numbered("blitz", Expired))
		assert.Equal(t, upTo(4), r.numbered("nova", Delivered))
		for _, o := range r.told() {
			if o.Result == Expired {
				require.ErrorContains(t, o.Err, "wait for players without a token")
			}
		}

		r.tracks("blitz", 3)
		after(time.Second)
		assert.Equal(t, upTo(3), r.numbered("ace", Expired), "then the rest")
		assert.Equal(t, upTo(2), r.numbered("blitz", Expired), "then the next player's")
		users, bytes := r.inLine()
		assert.Equal(t, []string{"blitz"}, users)
		assert.Equal(t, 4*size, bytes)
		require.Len(t, r.Parked(), 1, "a parked player without events is none")
	})
}

func TestWhoIsNotParkedAnyMoreLeavesTheLine(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(t *testing.T, r *rig){
		"a token comes": func(_ *testing.T, r *rig) { r.SetToken("ace", Token{Value: "token"}) },
		"erased": func(t *testing.T, r *rig) {
			t.Helper()
			_, err := r.Erase(t.Context(), "ace")
			require.NoError(t, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, Config{MaxParkedBytes: 1 << 20, Tokens: absent("ace")}, func(t *testing.T, r *rig) {
				r.tracks("ace", 3)
				after(time.Minute)
				users, _ := r.inLine()
				require.Equal(t, []string{"ace"}, users)
				leave(t, r)
				after(time.Second)
				users, bytes := r.inLine()
				assert.Empty(t, users)
				assert.Zero(t, bytes)
				assert.Zero(t, r.Ledger().Expired)
			})
		})
	}
}

func TestWithoutALimitNobodyGivesAnythingUp(t *testing.T) {
	t.Parallel()
	bubble(t, Config{Tokens: absent("ace")}, func(t *testing.T, r *rig) {
		r.tracks("ace", 300)
		after(time.Hour)
		assert.Equal(t, 1, r.Stats().Parked)
		assert.Equal(t, int64(300), r.Ledger().Pending)
	})
}

// What an earlier process left for players who do not come back gives its space in the Store back too.
func TestTooMuchOfAnEarlierProcessExpiresInTheStore(t *testing.T) {
	t.Parallel()
	event := `{"type":"AppOpen","timestamp":"2026-01-02T03:04:05.000+00:00","customdata":{"n":70}}`
	var left []StoredEvent
	for id := range uint64(10) {
		left = append(left, StoredEvent{ID: id, UserID: []string{"ace", "blitz"}[id%2], Accepted: time.Now(), JSON: []byte(event)})
	}
	s := newMemoryStore(left...)
	cfg := Config{Store: s, Tokens: absent("ace", "blitz"), BatchEvents: 1, MaxParkedBytes: 4 * len(event), MaxInFlight: 1}
	bubble(t, cfg, func(t *testing.T, r *rig) {
		for range left {
			r.count(nil) // what the Store had is accepted, too
		}
		after(time.Minute)
		assert.Equal(t, int64(6), r.Ledger().Expired)
		assert.Equal(t, int64(4), r.Ledger().Pending)
		assert.Len(t, s.rest(), 4, "the others are forgotten there")
	})
}

func TestParkedPlayersUnderALimitInAStorm(t *testing.T) {
	t.Parallel()
	size := eventSize(t)
	users := strings.Fields("ace blitz nova rex kit zed")
	bubble(t, Config{MaxParkedBytes: 20 * size, MaxAge: 10 * time.Minute, BatchEvents: 3, Tokens: absent(users[:5]...)}, func(t *testing.T, r *rig) {
		for n := range 600 {
			r.track(users[n*7%len(users)])
			if n%5 == 0 {
				after(time.Second)
			}
			if n%50 == 49 {
				r.SetToken(users[n%5], Token{Value: "token"})
			}
		}
		after(time.Minute)
		_, bytes := r.inLine()
		assert.LessOrEqual(t, bytes, 20*size)
		assert.Positive(t, r.Ledger().Expired)
		r.balances()
	})
}
