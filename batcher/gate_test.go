package batcher

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An outage for all players: probes, the slow start, and who is served first after it.

func TestGate(t *testing.T) {
	t.Parallel()
	cfg := Config{MaxInFlight: 4, MaxRetryAfter: time.Minute}
	down := sight{down: true}
	ok := sight{}
	shut := func(seen ...sight) *gate {
		g := &gate{}
		for _, s := range seen {
			g.observe(s, false, 0, cfg)
		}
		return g
	}
	t.Run("open", func(t *testing.T) {
		t.Parallel()
		g := &gate{}
		allowed, probe := g.allows(3, 4, 0)
		assert.True(t, allowed)
		assert.False(t, probe)
		allowed, _ = g.allows(4, 4, 0)
		assert.False(t, allowed, "as many as configured are under way")
	})
	t.Run("shuts after three failures in a row", func(t *testing.T) {
		t.Parallel()
		assert.False(t, shut(down, down).shut)
		assert.True(t, shut(down, down, down).shut)
	})
	t.Run("an answer in between begins anew", func(t *testing.T) {
		t.Parallel()
		assert.False(t, shut(down, down, ok, down, down).shut)
	})
	t.Run("what was not sent says nothing", func(t *testing.T) {
		t.Parallel()
		assert.True(t, shut(down, down, sight{none: true}, down).shut)
		assert.False(t, shut(down, sight{none: true}, down, sight{none: true}).shut)
	})
	t.Run("one probe at a time, pauses that grow to a second", func(t *testing.T) {
		t.Parallel()
		g := shut(down, down, down)
		now := int64(0)
		for _, most := range []time.Duration{500, 1000, 1000, 1000} {
			pause := time.Duration(g.until - now)
			assert.LessOrEqual(t, pause, most*time.Millisecond)
			assert.GreaterOrEqual(t, pause, most*time.Millisecond*19/20)
			allowed, _ := g.allows(0, 4, g.until-1)
			assert.False(t, allowed, "too early")
			now = g.until
			allowed, probe := g.allows(0, 4, now)
			assert.True(t, allowed)
			assert.True(t, probe)
			allowed, _ = g.allows(1, 4, now+int64(time.Hour))
			assert.False(t, allowed, "a second probe")
			g.observe(down, true, now, cfg)
		}
	})
	t.Run("Retry-After is the floor of a pause, capped", func(t *testing.T) {
		t.Parallel()
		assert.Equal(t, int64(30*time.Second), shut(down, down, sight{down: true, retryAfter: 30 * time.Second}).until)
		assert.Equal(t, int64(time.Minute), shut(down, down, sight{down: true, retryAfter: 24 * time.Hour}).until)
		g := shut(down, down, down)
		g.observe(sight{down: true, retryAfter: 24 * time.Hour}, false, 7, cfg)
		assert.Equal(t, int64(time.Minute)+7, g.until, "of a request that was under way when the gate shut")
	})
	t.Run("a probe that sent nothing leaves the way to the next", func(t *testing.T) {
		t.Parallel()
		g := shut(down, down, down)
		g.allows(0, 4, g.until)
		g.observe(sight{none: true}, true, g.until, cfg)
		assert.True(t, g.shut)
		_, probe := g.allows(0, 4, g.until)
		assert.True(t, probe)
	})
	t.Run("opens and ramps up", func(t *testing.T) {
		t.Parallel()
		g := shut(down, down, down)
		g.allows(0, 4, g.until)
		g.observe(ok, true, g.until, cfg)
		assert.False(t, g.shut)
		allowed, _ := g.allows(1, 4, 0)
		assert.True(t, allowed)
		allowed, _ = g.allows(2, 4, 0)
		assert.False(t, allowed, "two at once after the first answer")
		g.observe(ok, false, 0, cfg)
		allowed, _ = g.allows(3, 4, 0)
		assert.True(t, allowed, "as many as configured after the second")
		assert.Zero(t, g.ramp)
	})
}

// TestAnOutageCostsAProbeASecond has a hundred full batches waiting while the service is down for ten seconds.
func TestAnOutageCostsAProbeASecond(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name     string
		failure  error
		inFlight int
		dups     int64
	}{
		{"503", failure(Unavailable), 3, 0},
		{"503, one at a time", failure(Unavailable), 1, 0},
		{"no connection", failure(NotSent), 3, 0},
		{"429 with Retry-After", throttled(2 * time.Second), 3, 0},
		{"503, as many at once as by default", failure(Unavailable), 64, 0},
		// Those that are under way when the gate shuts are whole batches, the probes one event each.
		{"answers lost", failure(InDoubt), 3, 3*200 + 10},
		{"answers lost, as many at once as by default", failure(InDoubt), 64, 3*200 + 10},
		{"answers lost, one at a time", failure(InDoubt), 1, 3*200 + 10},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			bubble(t, Config{MaxInFlight: row.inFlight}, func(t *testing.T, r *rig) {
				var probes atomic.Int64
				r.service.answers(func(request) error {
					// Requests that were let through before the gate shut can begin after it did, in the same instant; a probe comes
					// half a second later.
					if r.Stats().Outage && r.since() > 100*time.Millisecond {
						assert.Equal(t, int64(1), probes.Add(1), "one probe at a time")
						defer probes.Add(-1)
					}
					time.Sleep(10 * time.Millisecond)
					if r.since() < 10*time.Second {
						return row.failure
					}
					return nil
				})
				for i := range 100 {
					r.tracks(fmt.Sprint("device-", i), 200)
				}
				time.Sleep(10*time.Second - r.since())
				assert.LessOrEqual(t, len(r.service.requests()), 15)
				assert.GreaterOrEqual(t, len(r.service.requests()), 5, "probes")
				assert.True(t, r.Stats().Outage)
				require.NoError(t, r.Flush(t.Context()))
				assert.Less(t, r.since(), 13*time.Second, "all is delivered soon after the service is back")
				assert.False(t, r.Stats().Outage)
				assert.LessOrEqual(t, r.Ledger().PossibleDuplicates, row.dups)
				for i := range 100 {
					assert.Equal(t, upTo(200), r.numbered(fmt.Sprint("device-", i), Delivered))
				}
			})
		})
	}
}

// TestTheSlowStartOfANewBatcher: the first requests hang, or their players' token sources do. The others are held up for a second.
func TestTheSlowStartOfANewBatcher(t *testing.T) {
	t.Parallel()
	bubble(t, Config{MaxInFlight: 64, SendTimeout: time.Hour}, func(t *testing.T, r *rig) {
		r.service.answers(func(q request) error {
			if strings.HasPrefix(q.user, "hangs") {
				time.Sleep(10 * time.Minute)
			}
			return nil
		})
		for i := range 5 {
			r.tracks(fmt.Sprint("hangs-", i), 200)
		}
		for i := range 100 {
			r.tracks(fmt.Sprint("device-", i), 200)
		}
		synctest.Wait()
		assert.Len(t, r.service.requests(), 3)
		after(time.Second)
		assert.Len(t, r.service.requests(), 105)
		assert.Equal(t, int64(20_000), r.Ledger().Delivered)
	})
}

func TestAfterAnOutageRequestsRampUp(t *testing.T) {
	t.Parallel()
	bubble(t, Config{MaxInFlight: 16, BatchEvents: 1}, func(t *testing.T, r *rig) {
		atOnce := map[time.Duration]int{}
		r.service.answers(func(request) error {
			if r.since() < time.Second {
				return failure(Unavailable)
			}
			r.service.mu.Lock()
			atOnce[r.since()]++
			r.service.mu.Unlock()
			time.Sleep(100 * time.Millisecond)
			return nil
		})
		for i := range 100 {
			r.track(fmt.Sprint("device-", i))
		}
		require.NoError(t, r.Flush(t.Context()))
		var waves []int
		begin := r.service.times()[len(r.service.times())-1]
		for at := range atOnce {
			begin = min(begin, at)
		}
		for at := begin; len(waves) < 5; at += 100 * time.Millisecond {
			waves = append(waves, atOnce[at])
		}
		// The probe, then two; each answer doubles what may be under way, so the two answers of the second wave allow eight, and the rest
		// is as configured.
		assert.Equal(t, 1, waves[0])
		assert.Equal(t, 2, waves[1])
		for i, wave := range waves {
			assert.LessOrEqual(t, wave, 16, "wave %d", i)
		}
	})
}

func TestTheGateOpensForPlayersThatPause(t *testing.T) {
	t.Parallel()
	bubble(t, Config{MaxInFlight: 3, MaxRetryAfter: time.Hour}, func(t *testing.T, r *rig) {
		r.service.answers(func(q request) error {
			switch {
			case q.user == "asked" && q.at < 10*time.Second:
				return throttled(time.Minute)
			case r.since() < 30*time.Second:
				return failure(Unavailable)
			}
			return nil
		})
		r.track("asked")
		after(5 * time.Second)
		for i := range 3 {
			r.track(fmt.Sprint("device-", i))
		}
		require.NoError(t, r.Flush(t.Context()))
		for i := range 3 {
			times := r.service.times(fmt.Sprint("device-", i))
			assert.Less(t, times[len(times)-1], 32*time.Second, "its own pause ends when the service is back")
		}
		assert.Equal(t, []time.Duration{5 * time.Second, 65 * time.Second}, r.service.times("asked"), "Retry-After holds")
	})
}

// TestASinglePlayerIsServedSoonAfterAnOutage: with one player there is nobody else to probe, so its own pauses must not grow.
func TestASinglePlayerIsServedSoonAfterAnOutage(t *testing.T) {
	t.Parallel()
	for _, outage := range []time.Duration{5 * time.Second, 2 * time.Minute} {
		t.Run(outage.String(), func(t *testing.T) {
			t.Parallel()
			bubble(t, Config{}, func(t *testing.T, r *rig) {
				r.tracks("ace", 2000)
				r.service.answers(func(request) error {
					if r.since() < outage {
						return failure(Unavailable)
					}
					return nil
				})
				report, err := r.Close(within(t, outage+5*time.Second))
				require.NoError(t, err)
				assert.Equal(t, int64(2000), report.Delivered)
				assert.Less(t, r.since(), outage+time.Second+time.Millisecond)
			})
		})
	}
}

// TestAThrottledPlayerAloneDoesNotShutTheGate: its 429s come in a row because nobody else has anything to say.
func TestAThrottledPlayerAloneDoesNotShutTheGate(t *testing.T) {
	t.Parallel()
	bubble(t, Config{BatchEvents: 5}, func(t *testing.T, r *rig) {
		r.service.answers(func(q request) error {
			if q.user == "bad" {
				return throttled(time.Minute)
			}
			return nil
		})
		r.track("bad")
		after(130 * time.Second)
		assert.Len(t, r.service.requests("bad"), 3)
		r.tracks("ace", 5)
		synctest.Wait()
		assert.Equal(t, []time.Duration{130 * time.Second}, r.service.times("ace"))
	})
}

func TestAProbeSendsOneEvent(t *testing.T) {
	t.Parallel()
	bubble(t, Config{}, func(t *testing.T, r *rig) {
		r.service.answers(func(request) error {
			if r.since() < 8*time.Second {
				return failure(InDoubt)
			}
			return nil
		})
		r.tracks("ace", 200)
		require.NoError(t, r.Flush(t.Context()))
		got := r.service.batches("ace")
		require.Greater(t, len(got), 5)
		for i, ns := range got {
			switch {
			case i < 3:
				assert.Equal(t, upTo(200), ns)
			case i < len(got)-1:
				assert.Equal(t, []int{0}, ns, "a probe")
			default:
				assert.Equal(t, from(1, 199), ns)
			}
		}
		// Three times all of them, and the first one with each probe but the last.
		assert.Equal(t, int64(3*200+len(got)-5), r.Ledger().PossibleDuplicates)
		assert.Equal(t, upTo(200), r.numbered("ace", Delivered))
	})
}

func TestEveryAnswerOpensTheGate(t *testing.T) {
	t.Parallel()
	for _, f := range []Failure{Invalid, TooLarge, Unauthorized, Forbidden} {
		t.Run(f.String(), func(t *testing.T) {
			t.Parallel()
			bubble(t, Config{MaxInFlight: 1}, func(t *testing.T, r *rig) {
				r.service.answers(script(failure(Unavailable), failure(NotSent), errors.New("lost"), failure(f)))
				for i := range 4 {
					r.track(fmt.Sprint("device-", i))
				}
				after(5 * time.Second)
				assert.True(t, r.Stats().Outage)
				after(500 * time.Millisecond)
				assert.False(t, r.Stats().Outage)
			})
		})
	}
}

// TestAProbeDoesNotWaitForATokenSourceThatHangs: the first player in line has no token, and its source takes for ever. The others have
// theirs, and the service is back.
func TestAProbeDoesNotWaitForATokenSourceThatHangs(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name  string
		takes time.Duration
		slow  time.Duration // when the slow player is served
	}{
		{"a hang", time.Hour, 0},
		{"one that comes late, after others have probed", 5 * time.Second, 5500 * time.Millisecond},
		{"one that comes in time probes itself", 900 * time.Millisecond, 1400 * time.Millisecond},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			cfg := Config{MaxInFlight: 3, BatchEvents: 1, SendTimeout: time.Minute, Tokens: TokenFunc(func(ctx context.Context, user string) (Token, error) {
				if user == "slow" {
					select {
					case <-ctx.Done():
						return Token{}, ctx.Err()
					case <-time.After(row.takes):
					}
				}
				return Token{Value: Secret("token of " + user)}, nil
			})}
			bubble(t, cfg, func(t *testing.T, r *rig) {
				r.service.answers(func(request) error {
					if r.since() < 400*time.Millisecond {
						return failure(Unavailable)
					}
					return nil
				})
				for i := range 3 {
					r.track(fmt.Sprint("device-", i))
				}
				synctest.Wait()
				require.True(t, r.Stats().Outage)
				r.track("slow")
				after(10 * time.Second)
				for i := range 3 {
					times := r.service.times(fmt.Sprint("device-", i))
					assert.Less(t, times[len(times)-1], 1600*time.Millisecond, "a second after the first probe was due at the latest")
				}
				if row.slow > 0 {
					times := r.service.times("slow")
					require.NotEmpty(t, times)
					assert.InDelta(t, row.slow, times[0], float64(30*time.Millisecond), "the gate's pause has a jitter")
				} else {
					assert.Empty(t, r.service.times("slow"))
				}
				assert.False(t, r.Stats().Outage)
			})
		})
	}
}
