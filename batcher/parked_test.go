package batcher

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What a program learns of players whose events wait for a token.

// noTokenFor gives every player a token but one.
func noTokenFor(without string) TokenFunc {
	return func(ctx context.Context, user string) (Token, error) {
		if user == without {
			return Token{}, ErrNoToken
		}
		return oneToken(ctx, user)
	}
}

func TestOnParked(t *testing.T) {
	t.Parallel()
	type call struct {
		user  string
		cause error
	}
	for _, row := range []struct {
		name   string
		tokens TokenFunc
		answer func(request) error
		calls  int
		is     func(error) bool
	}{
		{"no token", noTokenFor("ace"), nil, 1, func(err error) bool { return errors.Is(err, ErrNoToken) }},
		{"a user id that is not the token's sub", oneToken, answersWith(Forbidden), 1, func(err error) bool {
			return failureOf(err).Failure == Forbidden
		}},
		{"a token that the service refuses", oneToken, answersWith(Unauthorized), 1, func(err error) bool { return err != nil }},
		{"a source that fails for a while", func(context.Context, string) (Token, error) { return Token{}, errors.New("down") }, nil, 0, nil},
		{"a service that is down", oneToken, answersWith(Unavailable), 0, nil},
		{"a player who is throttled", oneToken, answersWith(Throttled), 0, nil},
		{"no failure", oneToken, nil, 0, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			var calls []call
			cfg := Config{Tokens: row.tokens, OnParked: func(user string, cause error) {
				mu.Lock()
				defer mu.Unlock()
				calls = append(calls, call{user, cause})
			}}
			bubble(t, cfg, func(t *testing.T, r *rig) {
				r.service.answers(row.answer)
				r.track("ace")
				after(time.Minute)
				r.track("ace")
				after(time.Hour)
				mu.Lock()
				defer mu.Unlock()
				require.Len(t, calls, row.calls, "once, and not for each event")
				for _, c := range calls {
					assert.Equal(t, "ace", c.user)
					assert.True(t, row.is(c.cause), "%v", c.cause)
				}
			})
		})
	}
}

func TestOnParkedMayGiveAToken(t *testing.T) {
	t.Parallel()
	var r *rig
	cfg := Config{Tokens: noTokenFor("ace"), OnParked: func(user string, _ error) { r.SetToken(user, Token{Value: "t"}) }}
	bubble(t, cfg, func(t *testing.T, made *rig) {
		r = made
		r.track("ace")
		after(time.Minute)
		assert.Equal(t, []int{0}, r.numbered("ace", Delivered))
	})
}

func TestCloseReportsParkedPlayers(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	warned := 0
	log := slog.New(logged(func(rec slog.Record) {
		mu.Lock()
		defer mu.Unlock()
		if rec.Level == slog.LevelWarn && rec.Message == "batcher: closed while players had no token that the service takes; Report.Parked lists them" {
			warned++
		}
	}))
	bubble(t, Config{Tokens: noTokenFor("ace"), Log: log}, func(t *testing.T, r *rig) {
		r.tracks("ace", 3)
		r.track("blitz")
		report, err := r.Close(t.Context())
		require.ErrorContains(t, err, "1 players have no token that the service takes (no token): is the user id the sub claim of the token?")
		require.Len(t, report.Parked, 1)
		assert.Equal(t, "ace", report.Parked[0].UserID)
		assert.Equal(t, 3, report.Parked[0].Events)
		require.ErrorIs(t, report.Parked[0].Cause, ErrNoToken)
		assert.Equal(t, int64(1), report.Delivered)
		assert.Equal(t, 1, warned)
	})
	bubble(t, Config{Log: log}, func(t *testing.T, r *rig) {
		r.track("blitz")
		report, err := r.Close(t.Context())
		require.NoError(t, err)
		assert.Empty(t, report.Parked)
		assert.Equal(t, 1, warned, "no player was parked")
	})
}
