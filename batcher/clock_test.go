package batcher

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The wall clock jumps by hours while events wait. No test can set it, so a wall time that was read before the jump is moved the other way,
// which is the same. In a bubble times have no monotonic reading; what depends on it is tested outside of one.

// setClock sets the wall clock forward by d, or back, as far as the players' tokens are concerned: they end by it. Everybody must wait.
func (r *rig) setClock(d time.Duration) {
	for l := range r.lanes() {
		l.mu.Lock()
		if l.token != nil {
			l.token = keepToken(&Token{l.token.get().Value, l.token.get().Expires.Add(-d)})
		}
		l.mu.Unlock()
	}
}

// wallMoved moves the wall time of a t that time.Now returned, and leaves its monotonic reading. No function of package time does that.
func wallMoved(t time.Time, d time.Duration) time.Time {
	// The first word of such a Time holds a flag, 33 bits of seconds, and 30 of nanoseconds.
	*(*uint64)(unsafe.Pointer(&t)) += uint64(d/time.Second) << 30
	return t
}

// jumps are what the wall clock is set by.
var jumps = []time.Duration{0, 3 * time.Hour, -3 * time.Hour, 20 * 365 * 24 * time.Hour, -20 * 365 * 24 * time.Hour}

func TestWallMoved(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, d := range jumps {
		moved := wallMoved(now, d)
		assert.Zero(t, moved.Sub(now), "by the monotonic clock")
		assert.Equal(t, d, moved.Round(0).Sub(now.Round(0)), "by the wall clock")
	}
}

// TestTheWallClockMovesNoTimeOfTheBatcher: linger, pauses, MaxAge and IdleTimeout are counted on now and on what Track hands to keep.
func TestTheWallClockMovesNoTimeOfTheBatcher(t *testing.T) {
	t.Parallel()
	for _, d := range jumps {
		t.Run(d.String(), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, Config{Linger: time.Minute})
			defer r.close()
			first := r.now()
			r.clock.start = wallMoved(r.clock.start, -d)
			second := r.now()
			assert.LessOrEqual(t, first, second, "it does not go back")
			assert.Less(t, second, int64(time.Hour), "nor forth")
			r.track("ace")
			third := r.now()
			l := r.find("ace")
			l.mu.Lock()
			assert.GreaterOrEqual(t, l.head.born, second, "the event is not too old")
			assert.LessOrEqual(t, l.head.born, third, "nor from the future")
			assert.Equal(t, lingers, l.status)
			assert.Equal(t, l.head.born+int64(time.Minute), l.wakeAt)
			l.mu.Unlock()
		})
	}
	for _, d := range jumps {
		t.Run(d.String()+", and the timer goes off", func(t *testing.T) {
			t.Parallel()
			sent := make(chan []int, 10)
			r := newRig(t, Config{Linger: time.Millisecond, IdleTimeout: time.Millisecond})
			defer r.close()
			r.service.answers(func(q request) error { sent <- q.ns; return nil })
			r.clock.start = wallMoved(r.clock.start, -d)
			for n := range 3 {
				r.track("ace")
				select {
				case ns := <-sent:
					assert.Equal(t, []int{n}, ns)
				case <-time.After(time.Minute):
					require.Fail(t, "it lingers for as long as the clock was set by")
				}
			}
		})
	}
}

// TestAcceptedIsToldByTheClockAsItIs: a batcher that began before the clock was set, on a device that starts in 1970, say.
func TestAcceptedIsToldByTheClockAsItIs(t *testing.T) {
	t.Parallel()
	for _, d := range jumps {
		t.Run(d.String(), func(t *testing.T) {
			t.Parallel()
			accepted := make(chan time.Time, 2)
			r := newRig(t, Config{OnOutcome: func(o Outcome) { accepted <- o.Records[0].Accepted }})
			r.clock.start = wallMoved(r.clock.start, -d)
			before := time.Now()
			r.track("ace")
			require.NoError(t, r.Flush(t.Context()))
			r.SetToken("blitz", Token{Value: "t"})
			r.service.answers(answersWith(Forbidden))
			r.track("blitz")
			r.close()
			require.Len(t, r.report.LeftOver, 1)
			for _, at := range []time.Time{<-accepted, r.report.LeftOver[0].Records[0].Accepted} {
				assert.WithinDuration(t, before.Round(0), at.Round(0), time.Hour, "by the wall clock")
				assert.Less(t, at.Sub(before).Abs(), time.Hour, "by the monotonic clock")
			}
		})
	}
}

// TestTimestampsAreWhatTheWallClockSaid: an event is written with the time at which it was tracked, or the one that it was given; a clock
// that goes forth and back between them changes nothing of their order, nor of their age.
func TestTimestampsAreWhatTheWallClockSaid(t *testing.T) {
	t.Parallel()
	type event struct {
		Timestamp  time.Time `json:"timestamp"`
		CustomData struct {
			N int `json:"n"`
		} `json:"customdata"`
	}
	var got []event
	cfg := Config{MaxAge: time.Minute, OnOutcome: func(o Outcome) {
		for _, record := range o.Records {
			var one event
			assert.NoError(t, json.Unmarshal(record.JSON, &one))
			got = append(got, one)
		}
	}}
	bubble(t, cfg, func(t *testing.T, r *rig) {
		began := time.Now()
		hours := []time.Duration{0, 3, -3, 8, 0, -20 * 365 * 24, 20 * 365 * 24} // what the clock was set by
		for i, h := range hours {
			at := time.Now().Round(0).Add(h * time.Hour)
			require.NoError(t, r.Track(t.Context(), "ace", Event{Type: LevelCompleted, Time: at, Data: []slog.Attr{slog.Int("n", i)}}))
			r.count(nil)
			after(500 * time.Millisecond)
		}
		r.track("ace") // the time of now; its n is 0
		after(time.Hour)
		assert.Equal(t, int64(len(hours)+1), r.Ledger().Delivered, "none is too old, whatever its timestamp")
		assert.Equal(t, []time.Duration{5 * time.Second}, r.service.times())
		require.Len(t, got, len(hours)+1)
		for i, one := range got {
			want := began.Add(time.Duration(i) * 500 * time.Millisecond)
			if i < len(hours) {
				assert.Equal(t, i, one.CustomData.N, "in the order of Track, not of the timestamps")
				want = want.Add(hours[i] * time.Hour)
			}
			assert.Equal(t, want.UTC(), one.Timestamp.UTC())
		}
	})
	t.Run("the monotonic reading of Event.Time does not matter", func(t *testing.T) {
		t.Parallel()
		now := time.Now()
		for _, d := range jumps {
			e := Event{Type: AppOpen, Time: wallMoved(now, d)}
			with, err := appendHead(nil, &e, &clock{}, 0, nil)
			require.NoError(t, err)
			e.Time = now.Round(0).Add(d)
			without, err := appendHead(nil, &e, &clock{}, 0, nil)
			require.NoError(t, err)
			assert.Equal(t, string(without), string(with))
		}
	})
}

// TestATokenThatHasEndedLooksFreshAfterTheClockWasSetBack: the service says 401, and the source is asked.
func TestATokenThatHasEndedLooksFreshAfterTheClockWasSetBack(t *testing.T) {
	t.Parallel()
	withSource(t, Config{BatchEvents: 1, IdleTimeout: 24 * time.Hour}, func(t *testing.T, r *rig, s *source) {
		s.gives(func(_ context.Context, _ string, n int) (Token, error) {
			return Token{Value: Secret(fmt.Sprint("token-", n)), Expires: time.Now().Round(0).Add(time.Hour)}, nil
		})
		r.track("ace")
		synctest.Wait()
		after(2 * time.Hour)
		r.setClock(-3 * time.Hour)
		r.service.answers(func(q request) error {
			if q.token == "token-1" {
				return failure(Unauthorized)
			}
			return nil
		})
		for range 3 {
			r.track("ace")
			synctest.Wait()
		}
		assert.Equal(t, []string{"token-1", "token-1", "token-2", "token-2", "token-2"}, tokensOf(r.service.requests()))
		assert.Len(t, s.times("ace"), 2)
		assert.Equal(t, upTo(4), r.numbered("ace", Delivered))
		assert.Empty(t, r.Parked())
	})
}

// TestAllTokensLookEndedAfterTheClockWasSetForward: every player's token is asked for once more when the player has something to send,
// in the place of a request: no storm.
func TestAllTokensLookEndedAfterTheClockWasSetForward(t *testing.T) {
	t.Parallel()
	const players = 1000
	withSource(t, Config{MaxInFlight: 8, IdleTimeout: 24 * time.Hour}, func(t *testing.T, r *rig, s *source) {
		s.gives(func(context.Context, string, int) (Token, error) {
			time.Sleep(time.Millisecond)
			return Token{Value: "t", Expires: time.Now().Round(0).Add(time.Hour)}, nil
		})
		all := func() {
			for i := range players {
				r.track(fmt.Sprint("device-", i))
			}
		}
		all()
		require.NoError(t, r.Flush(t.Context()))
		all()
		after(time.Second)
		r.setClock(3 * time.Hour)
		after(3 * time.Second)
		total, _ := s.calls()
		assert.Equal(t, players, total, "the source is not asked before there is something to send")
		after(2 * time.Second)
		total, peak := s.calls()
		assert.Equal(t, 2*players, total)
		assert.LessOrEqual(t, peak, 8, "calls of the source at once")
		assert.Equal(t, int64(2*players), r.Ledger().Delivered)
		all() // the new tokens are fresh by the clock as it is
		require.NoError(t, r.Flush(t.Context()))
		total, _ = s.calls()
		assert.Equal(t, 2*players, total)
	})
}

// TestATokenThatLooksEndedAtOnce: the clock is hours ahead, so that whatever the source gives has ended already. It is used all the same,
// the service decides, and the source is asked once for a request.
func TestATokenThatLooksEndedAtOnce(t *testing.T) {
	t.Parallel()
	ended := func() Token { return Token{Value: "same", Expires: time.Now().Round(0).Add(-2 * time.Hour)} }
	for _, row := range []struct {
		name   string
		answer func(request) error
		asked  int
		sent   int
		parked bool
	}{
		{"the service takes it", nil, 5, 5, false},
		{"the service refuses it", answersWith(Unauthorized), 2, 1, true},
		{"the service forbids it", answersWith(Forbidden), 1, 1, true},
	} {
		for _, way := range []string{"from the source", "set"} {
			t.Run(row.name+", "+way, func(t *testing.T) {
				t.Parallel()
				withSource(t, Config{BatchEvents: 1}, func(t *testing.T, r *rig, s *source) {
					s.gives(func(context.Context, string, int) (Token, error) { return ended(), nil })
					r.service.answers(row.answer)
					if way == "set" {
						r.SetToken("ace", ended())
					}
					r.tracks("ace", 5)
					after(5 * time.Minute)
					assert.Len(t, s.times("ace"), row.asked)
					assert.Len(t, r.service.requests(), row.sent)
					assert.Equal(t, row.parked, len(r.Parked()) == 1)
					if row.parked {
						r.service.answers(nil)
						r.SetToken("ace", ended())
						synctest.Wait()
					}
					assert.Equal(t, upTo(5), r.numbered("ace", Delivered))
				})
			})
		}
	}
	t.Run("the service is down", func(t *testing.T) {
		t.Parallel()
		withSource(t, Config{BatchEvents: 1}, func(t *testing.T, r *rig, s *source) {
			s.gives(func(context.Context, string, int) (Token, error) { return ended(), nil })
			r.service.answers(answersWith(Unavailable))
			r.tracks("ace", 5)
			after(time.Minute)
			assert.Len(t, s.times("ace"), len(r.service.requests()), "one question for a request")
			assert.LessOrEqual(t, len(r.service.requests()), 70, "and the pauses hold")
		})
	})
	t.Run("it lingers as long as any", func(t *testing.T) {
		t.Parallel()
		withSource(t, Config{}, func(t *testing.T, r *rig, _ *source) {
			r.SetToken("ace", ended())
			r.tracks("ace", 2)
			r.SetToken("ace", ended()) // while they linger
			after(time.Minute)
			assert.Equal(t, []time.Duration{5 * time.Second}, r.service.times())
		})
	})
}

// TestASourceWithoutANewTokenAfterTheClockWasSetForward: the token that the player has may still be good, but looks ended. Its events are
// kept; nothing is asked all the time.
func TestASourceWithoutANewTokenAfterTheClockWasSetForward(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		err    error
		parked bool
		most   int // questions in a minute
	}{
		{"it has none: parked", ErrNoToken, true, 1},
		{"it fails: pauses", errors.New("session table is down"), false, 10},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			withSource(t, Config{}, func(t *testing.T, r *rig, s *source) {
				s.gives(func(context.Context, string, int) (Token, error) { return Token{}, row.err })
				login := func() Token { return Token{Value: "login", Expires: time.Now().Round(0).Add(time.Hour)} }
				r.SetToken("ace", login())
				r.tracks("ace", 3)
				after(time.Second)
				r.setClock(3 * time.Hour)
				after(time.Minute)
				assert.Empty(t, r.service.requests())
				assert.Equal(t, int64(3), r.Ledger().Pending)
				assert.Equal(t, row.parked, len(r.Parked()) == 1)
				assert.LessOrEqual(t, len(s.times("ace")), row.most)
				r.setClock(-3 * time.Hour)
				r.SetToken("ace", login()) // by the clock as it is now
				after(time.Minute)
				assert.Equal(t, upTo(3), r.numbered("ace", Delivered))
			})
		})
	}
}

// TestAnExpiryWithAMonotonicReadingIsNotMovedByTheWallClock: time.Now().Add(lifetime), for a token whose lifetime is known. One without
// is a time of the wall clock, such as the exp claim of a JWT.
func TestAnExpiryWithAMonotonicReadingIsNotMovedByTheWallClock(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, row := range []struct {
		name       string
		expires    time.Time
		set        time.Duration
		with, bare bool // it is fresh: with the monotonic reading, and without
	}{
		{"not set", now.Add(time.Hour), 0, true, true},
		{"not set, ended", now.Add(-time.Hour), 0, false, false},
		{"forward", now.Add(time.Hour), 3 * time.Hour, true, false},
		{"back", now.Add(-time.Hour), -3 * time.Hour, false, true},
		{"back, not ended", now.Add(time.Hour), -3 * time.Hour, true, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			with := Token{Value: "t", Expires: wallMoved(row.expires, -row.set)}
			assert.Equal(t, row.with, with.freshAt(now, time.Minute))
			bare := Token{Value: "t", Expires: with.Expires.Round(0)}
			assert.Equal(t, row.bare, bare.freshAt(now, time.Minute))
		})
	}
}

// TestExpiriesAtTheEndsOfTime do not wrap around into a time that is near.
func TestExpiriesAtTheEndsOfTime(t *testing.T) {
	t.Parallel()
	for name, expires := range map[string]time.Time{
		"the year 1": time.Time{}.Add(1), "the year 1700": time.Date(1700, 1, 1, 0, 0, 0, 0, time.UTC), "1970": time.Unix(0, 0),
		"the year 9999": time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), "the last one": time.Unix(1<<62, 0),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			withSource(t, Config{IdleTimeout: 24 * time.Hour}, func(t *testing.T, r *rig, s *source) {
				s.gives(func(context.Context, string, int) (Token, error) { return Token{Value: "t", Expires: expires}, nil })
				after(time.Hour)
				r.SetToken("ace", Token{Value: "t", Expires: expires})
				r.track("ace")
				after(time.Minute)
				r.track("ace")
				after(time.Minute)
				assert.Equal(t, []time.Duration{time.Hour + 5*time.Second, time.Hour + 65*time.Second}, r.service.times())
				assert.LessOrEqual(t, len(s.times("ace")), 2)
			})
		})
	}
}
