package batcher

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Settings at the ends of their ranges.

func TestTheLongestDurationsMeanNever(t *testing.T) {
	t.Parallel()
	const longest = time.Duration(math.MaxInt64)
	t.Run("IdleTimeout", func(t *testing.T) {
		t.Parallel()
		bubble(t, Config{IdleTimeout: longest}, func(t *testing.T, r *rig) {
			r.track("ace")
			require.NoError(t, r.Flush(t.Context()))
			after(1000 * time.Hour)
			assert.Equal(t, 1, r.Stats().Players, "an idle player is remembered")
		})
	})
	t.Run("MaxAge of a parked player", func(t *testing.T) {
		t.Parallel()
		asked := 0
		none := TokenFunc(func(context.Context, string) (Token, error) { asked++; return Token{}, ErrNoToken })
		bubble(t, Config{MaxAge: longest, Tokens: none}, func(t *testing.T, r *rig) {
			r.track("ace")
			after(1000 * time.Hour)
			assert.Equal(t, 1, asked)
			assert.Equal(t, int64(1), r.Stats().Pending)
			r.ages.mu.Lock()
			assert.Greater(t, time.Duration(r.ages.rings), 10_000*time.Hour, "its alarm is far away")
			r.ages.mu.Unlock()
		})
	})
	t.Run("MaxRetryAfter", func(t *testing.T) {
		t.Parallel()
		bubble(t, Config{MaxRetryAfter: longest}, func(t *testing.T, r *rig) {
			r.service.answers(answersWith(Throttled, longest))
			r.track("ace")
			after(1000 * time.Hour)
			assert.Len(t, r.service.requests(), 1)
			r.service.answers(answersWith(Unavailable, longest))
			for _, user := range []string{"blitz", "comet", "delta", "echo"} {
				r.track(user)
			}
			after(1000 * time.Hour)
			assert.LessOrEqual(t, len(r.service.requests()), 5)
		})
	})
	t.Run("TokenRenewal and SendTimeout", func(t *testing.T) {
		t.Parallel()
		for _, expires := range []time.Time{{}, time.Unix(1, 0), time.Unix(1<<40, 0)} {
			tokens := TokenFunc(func(context.Context, string) (Token, error) { return Token{"t", expires}, nil })
			cfg := Config{TokenRenewal: longest, SendTimeout: longest, Tokens: tokens}
			bubble(t, cfg, func(t *testing.T, r *rig) {
				r.track("ace")
				after(5 * time.Second)
				r.track("ace")
				after(4 * time.Second)
				assert.Len(t, r.service.requests(), 1, "the second event lingers, whatever the token's end")
				after(time.Second)
				assert.Len(t, r.service.requests(), 2)
			})
		}
	})
	t.Run("a token without end for this clock", func(t *testing.T) {
		t.Parallel()
		bubble(t, Config{}, func(t *testing.T, r *rig) {
			r.SetToken("ace", Token{"t", time.Unix(1<<40, 0)})
			r.track("ace")
			after(4 * time.Second)
			assert.Empty(t, r.service.requests())
			after(time.Second)
			assert.Len(t, r.service.requests(), 1)
		})
	})
}

func TestGameIDIsTrimmed(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, id string
		ok       bool
	}{
		{"as it should be", game, true},
		{"a line end behind it", game + "\r\n", true},
		{"blanks around it", " \t" + game + "  ", true},
		{"nothing but blanks", " \n", false},
		{"a blank inside", "com.example. stackblaster", false},
		{"a line end inside", "com.example.\nstackblaster", false},
		{"a control character inside", "com.example.\x00stackblaster", false},
		{"a no-break space inside", "com.example.\u00a0stackblaster", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			b, err := New(&service{}, Config{GameID: row.id, Tokens: oneToken})
			if !row.ok {
				wrong, is := errors.AsType[*ConfigError](err)
				require.True(t, is, "%v", err)
				assert.Equal(t, "GameID", wrong.Fields)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, game, b.cfg.GameID)
		})
	}
}

func TestTrackWithAnEndedContext(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	t.Run("takes the event if there is room", func(t *testing.T) {
		t.Parallel()
		bubble(t, Config{}, func(t *testing.T, r *rig) {
			require.NoError(t, r.trackType(ended, "ace", LevelCompleted))
			require.NoError(t, r.Flush(t.Context()))
			assert.Equal(t, []int{0}, r.numbered("ace", Delivered))
		})
	})
	for name, cfg := range map[string]Config{
		"refuses it if nobody has room":     {MaxEvents: 1},
		"refuses it if the player has none": {MaxEvents: 10, MaxPlayerEvents: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, cfg, func(t *testing.T, r *rig) {
				r.service.answers(hangs)
				r.track("ace")
				require.ErrorIs(t, r.trackType(ended, "ace", LevelCompleted), context.Canceled)
				assert.Equal(t, int64(1), r.Stats().Pending)
			})
		})
	}
}

func TestASenderThatReturnsANilSendError(t *testing.T) {
	t.Parallel()
	bubble(t, Config{}, func(t *testing.T, r *rig) {
		r.service.answers(script((*SendError)(nil)))
		r.track("ace")
		after(time.Minute)
		assert.Equal(t, []int{0}, r.numbered("ace", Delivered))
		assert.Equal(t, int64(1), r.Ledger().PossibleDuplicates, "an error was returned: the event is in doubt")
		assert.Contains(t, (*SendError)(nil).Error(), "nil *SendError")
		assert.NoError(t, (*SendError)(nil).Unwrap())
	})
}
