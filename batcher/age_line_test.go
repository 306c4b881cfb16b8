package batcher

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// MaxAge without a probe: whatever a player waits for, what is too old expires within 5 s.

// late is how much older than MaxAge an event may become.
const late = 5 * time.Second

// TestNothingGrowsOlderThanMaxAgeInAnOutage: 20,000 players go on playing while the service is down. With 100,000 it holds, too, and takes
// five times as long.
func TestNothingGrowsOlderThanMaxAgeInAnOutage(t *testing.T) {
	t.Parallel()
	const players, rounds = 20_000, 2
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		expired, oldest := 0, time.Duration(0)
		cfg := Config{
			GameID: game, Tokens: oneToken, MaxAge: 30 * time.Second, Linger: time.Second,
			OnOutcome: func(o Outcome) {
				mu.Lock()
				defer mu.Unlock()
				if o.Result == Expired {
					expired += len(o.Records)
					oldest = max(oldest, time.Since(o.Records[0].Accepted))
				}
			},
		}
		s := &service{start: time.Now(), players: map[string]int{}, answer: answersWith(Unavailable)}
		b, err := New(s, cfg)
		require.NoError(t, err)
		for range rounds {
			for i := range players {
				require.NoError(t, b.TryTrack(fmt.Sprint("device-", i), Event{Type: AppOpen}))
			}
			after(20 * time.Second)
			assert.LessOrEqual(t, b.Stats().Oldest, cfg.MaxAge+late)
		}
		after(cfg.MaxAge + late - 20*time.Second)
		assert.True(t, b.Stats().Outage)
		assert.Zero(t, b.Stats().Oldest)
		assert.Equal(t, Ledger{Accepted: players * rounds, Expired: players * rounds}, b.Ledger())
		mu.Lock()
		assert.Equal(t, players*rounds, expired)
		assert.LessOrEqual(t, oldest, cfg.MaxAge+late)
		mu.Unlock()
		_, err = b.Close(t.Context())
		require.NoError(t, err)
	})
}

// TestEventsExpireWhereverAPlayerWaits: an event a second, of one player, in every state in which the player can be.
func TestEventsExpireWhereverAPlayerWaits(t *testing.T) {
	t.Parallel()
	const age = 20 * time.Second
	shut := func(r *rig) { // others shut the gate
		for i := range 2 * gateFailures {
			r.track(fmt.Sprint("other-", i))
			r.Player(fmt.Sprint("other-", i)).Signal(LevelEnd)
		}
	}
	for _, row := range []struct {
		name   string
		cfg    Config
		answer func(request) error
		before func(r *rig)
		want   status
	}{
		{"in line behind a shut gate", Config{MaxRetryAfter: time.Hour}, answersWith(Unavailable, time.Hour), shut, ready},
		{"pausing as the service asked", Config{MaxRetryAfter: time.Hour}, func(r request) error {
			if r.user == "ace" {
				return throttled(time.Hour)
			}
			return nil
		}, nil, waiting},
		{"parked", Config{Tokens: TokenFunc(func(context.Context, string) (Token, error) { return Token{}, ErrNoToken })}, nil, nil, paused},
		{"parked while the gate is shut", Config{MaxRetryAfter: time.Hour, Tokens: absent("ace")}, answersWith(Unavailable, time.Hour), func(r *rig) {
			r.track("ace")
			r.Player("ace").Signal(LevelEnd)
			after(time.Second)
			shut(r)
		}, paused},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			row.cfg.MaxAge, row.cfg.Linger = age, 5*time.Second
			bubble(t, row.cfg, func(t *testing.T, r *rig) {
				r.service.answers(row.answer)
				if row.before != nil {
					row.before(r)
					after(time.Second)
				}
				for second := range 100 {
					r.track("ace")
					after(time.Second)
					require.LessOrEqual(t, r.Stats().Oldest, age+late)
					if second > 10 {
						l := r.find("ace")
						l.mu.Lock()
						require.Equal(t, row.want, l.status, "second %d", second)
						l.mu.Unlock()
					}
				}
				next := r.next["ace"]
				after(age + late)
				assert.Zero(t, r.Stats().Oldest)
				assert.Equal(t, upTo(next), r.numbered("ace", Expired), "all, in order")
				for _, o := range r.told() {
					assert.LessOrEqual(t, len(o.Ns), 3, "none is given up before its time")
				}
			})
		})
	}
}

// TestEventsOfARequestUnderWayDoNotExpire: the events behind them do when it has ended.
func TestEventsOfARequestUnderWayDoNotExpire(t *testing.T) {
	t.Parallel()
	bubble(t, Config{MaxAge: 10 * time.Second, SendTimeout: time.Minute}, func(t *testing.T, r *rig) {
		r.service.answers(func(request) error { time.Sleep(25 * time.Second); return nil })
		r.tracks("ace", 2)
		after(6 * time.Second) // sent at 5 s, answered at 30 s
		r.tracks("ace", 3)
		after(23 * time.Second)
		assert.Zero(t, r.Ledger().Expired)
		after(time.Second + late)
		assert.Equal(t, upTo(2), r.numbered("ace", Delivered))
		assert.Equal(t, from(2, 3), r.numbered("ace", Expired))
	})
}

// TestAPauseOutlastsItsEvents: Retry-After is a floor also for the events that come after the first have expired.
func TestAPauseOutlastsItsEvents(t *testing.T) {
	t.Parallel()
	bubble(t, Config{MaxAge: 20 * time.Second, MaxRetryAfter: time.Hour, IdleTimeout: time.Second}, func(t *testing.T, r *rig) {
		r.service.answers(script(throttled(time.Minute)))
		r.track("ace") // sent at 5 s, and next at 65 s
		after(50 * time.Second)
		require.Equal(t, Ledger{Accepted: 1, Expired: 1}, r.Ledger())
		r.track("ace")
		after(time.Minute)
		assert.Equal(t, []time.Duration{5 * time.Second, 65 * time.Second}, r.service.times("ace"))
		assert.Zero(t, r.Stats().Players, "and the player is forgotten in the end")
	})
}

// TestAPlayerWhoseEventsExpireKeepsItsPlaceInLine: expiry moves nobody to the end of the line.
func TestAPlayerWhoseEventsExpireKeepsItsPlaceInLine(t *testing.T) {
	t.Parallel()
	bubble(t, Config{MaxAge: 20 * time.Second, MaxInFlight: 1, SendTimeout: time.Minute}, func(t *testing.T, r *rig) {
		r.service.answers(func(request) error { time.Sleep(30 * time.Second); return nil })
		r.track("first")
		after(2 * time.Second)
		r.track("ace")
		after(15 * time.Second)
		r.track("ace")
		r.track("late")
		r.Player("late").Signal(LevelEnd)
		after(18 * time.Second) // first is delivered at 35 s
		assert.Equal(t, []int{0}, r.numbered("ace", Expired))
		after(time.Second)
		assert.Equal(t, []time.Duration{35 * time.Second}, r.service.times("ace"))
	})
}

// TestErasingAndEndingWhileEventsExpire: the callback of an expired event hangs while somebody else comes.
func TestErasingAndEndingWhileEventsExpire(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		do   func(t *testing.T, r *rig)
		want Ledger
	}{
		{"Erase", func(t *testing.T, r *rig) {
			t.Helper()
			_, err := r.Erase(t.Context(), "ace")
			require.NoError(t, err)
		}, Ledger{Accepted: 3, Expired: 1, Erased: 2}},
		{"SetToken", func(_ *testing.T, r *rig) { r.SetToken("ace", Token{Value: "token"}) }, Ledger{Accepted: 3, Expired: 1, Delivered: 2}},
		{"Close", func(t *testing.T, r *rig) {
			t.Helper()
			report, err := r.Close(t.Context())
			require.Error(t, err)
			assert.Len(t, report.LeftOver, 1)
		}, Ledger{Accepted: 3, Expired: 1, Returned: 2}},
		{"nobody", func(*testing.T, *rig) {}, Ledger{Accepted: 3, Expired: 1, Pending: 2}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			cfg := Config{MaxAge: 20 * time.Second, Tokens: absent("ace")}
			cfg.OnOutcome = func(o Outcome) {
				if o.Result == Expired {
					time.Sleep(4 * time.Second)
				}
			}
			bubble(t, cfg, func(t *testing.T, r *rig) {
				r.track("ace")
				after(15 * time.Second)
				r.tracks("ace", 2)
				after(6 * time.Second)
				require.Len(t, r.told(), 1)
				row.do(t, r)
				after(10 * time.Second)
				assert.Equal(t, row.want, r.Ledger())
			})
		})
	}
}

// TestTheServiceComesBackWhileEventsExpire: a player whose expired events are just being reported does not miss it.
func TestTheServiceComesBackWhileEventsExpire(t *testing.T) {
	t.Parallel()
	cfg := Config{MaxAge: 20 * time.Second}
	bubble(t, cfg, func(t *testing.T, r *rig) {
		r.track("ace")
		after(time.Second)
		l := r.find("ace")
		l.mu.Lock()
		r.sched.place(l, nil, 0)
		l.status, l.shedFrom, l.wakeAt = taken, outage, r.now()+int64(time.Hour)
		l.mu.Unlock()
		r.wakeDown()
		r.ages.hand(l)
		after(time.Second)
		assert.Equal(t, int64(1), r.Ledger().Delivered)
	})
}

func TestStatsHasTheAgeOfTheOldestEvent(t *testing.T) {
	t.Parallel()
	bubble(t, Config{BatchEvents: 2}, func(t *testing.T, r *rig) {
		assert.Zero(t, r.Stats().Oldest)
		r.service.answers(func(request) error { time.Sleep(10 * time.Second); return nil })
		r.tracks("ace", 2) // sent at once
		after(3 * time.Second)
		r.track("ace")
		r.track("bee")
		assert.Equal(t, 3*time.Second, r.Stats().Oldest)
		after(8 * time.Second)
		assert.Equal(t, 8*time.Second, r.Stats().Oldest, "the first two are delivered")
		after(time.Minute)
		assert.Zero(t, r.Stats().Oldest)
	})
}
