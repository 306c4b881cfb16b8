package batcher

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What triggers a request, to the exact instant.

func TestLingerIsExact(t *testing.T) {
	t.Parallel()
	for _, linger := range []time.Duration{time.Millisecond, time.Second, 5 * time.Second, time.Hour} {
		t.Run(linger.String(), func(t *testing.T) {
			t.Parallel()
			bubble(t, Config{Linger: linger}, func(t *testing.T, r *rig) {
				r.tracks("ace", 3)
				after(linger / 2)
				r.tracks("ace", 2) // does not put it off
				r.track("blitz")
				after(linger/2 - 1)
				assert.Empty(t, r.service.requests())
				after(1)
				assert.Equal(t, []time.Duration{linger}, r.service.times("ace"))
				after(linger)
				r.track("ace") // a new batch lingers anew
				after(2 * linger)
				assert.Equal(t, []time.Duration{linger, 3 * linger}, r.service.times("ace"))
				assert.Equal(t, [][]int{upTo(5), {5}}, r.service.batches("ace"))
				assert.Equal(t, []time.Duration{linger + linger/2}, r.service.times("blitz"))
			})
		})
	}
}

func TestLingerOfManyPlayersIsExact(t *testing.T) {
	t.Parallel()
	bubble(t, Config{}, func(t *testing.T, r *rig) {
		for i := range 500 {
			r.track(fmt.Sprint("device-", i))
			time.Sleep(7 * time.Millisecond)
		}
		after(5 * time.Second)
		for i := range 500 {
			assert.Equal(t, []time.Duration{5*time.Second + time.Duration(i)*7*time.Millisecond}, r.service.times(fmt.Sprint("device-", i)))
		}
	})
}

func TestThe200thEventGoesAtOnce(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1, 2, 50, 200} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			bubble(t, Config{BatchEvents: size}, func(t *testing.T, r *rig) {
				r.tracks("ace", size-1)
				after(time.Second)
				assert.Empty(t, r.service.requests())
				r.track("ace")
				synctest.Wait()
				assert.Equal(t, []time.Duration{time.Second}, r.service.times())
				r.tracks("ace", 2*size+size/2)
				after(6 * time.Second)
				want := [][]int{upTo(size), from(size, size), from(2*size, size)}
				if size > 1 {
					want = append(want, from(3*size, size/2))
					assert.Equal(t, 6*time.Second, r.service.times()[3])
				}
				assert.Equal(t, want, r.service.batches())
			})
		})
	}
}

func TestTheEventThatDoesNotFitSendsTheOthers(t *testing.T) {
	t.Parallel()
	event := len(`{"type":"LevelCompleted","timestamp":"2000-01-01T00:00:00.000+00:00","customdata":{"n":0}}`)
	frame := len(`{"user_id":"ace","game_id":"com.example.stackblaster","events":[]}`)
	room := frame + 3*event + 2
	for _, row := range []struct {
		name  string
		bytes int
		want  int
	}{{"exactly three", room, 3}, {"one byte short", room - 1, 2}, {"one byte more", room + 1, 3}} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			bubble(t, Config{BatchBytes: row.bytes, EventBytes: 256}, func(t *testing.T, r *rig) {
				r.tracks("ace", row.want)
				synctest.Wait()
				assert.Empty(t, r.service.requests())
				r.track("ace")
				synctest.Wait()
				require.Equal(t, [][]int{upTo(row.want)}, r.service.batches())
				assert.LessOrEqual(t, len(r.service.requests()[0].body), row.bytes)
			})
		})
	}
}

func TestSignals(t *testing.T) {
	t.Parallel()
	for _, s := range []Signal{LevelEnd, SessionEnd, Background, MemoryPressure, ProcessEnding} {
		t.Run(fmt.Sprint("all players ", s), func(t *testing.T) {
			t.Parallel()
			bubble(t, Config{}, func(t *testing.T, r *rig) {
				r.Signal(s) // with nobody there
				r.track("ace")
				r.track("blitz")
				after(time.Second)
				r.Signal(s)
				r.Signal(s)
				synctest.Wait()
				assert.Equal(t, []time.Duration{time.Second, time.Second}, r.service.times())
			})
		})
		t.Run(fmt.Sprint("one player ", s), func(t *testing.T) {
			t.Parallel()
			bubble(t, Config{}, func(t *testing.T, r *rig) {
				r.Player("nobody").Signal(s)
				r.track("ace")
				r.track("blitz")
				after(time.Second)
				r.Player("ace").Signal(s)
				after(time.Hour)
				assert.Equal(t, []time.Duration{time.Second}, r.service.times("ace"))
				assert.Equal(t, []time.Duration{5 * time.Second}, r.service.times("blitz"))
			})
		})
	}
}

func TestASignalDuringARequestSendsTheNextBatchRightAfter(t *testing.T) {
	t.Parallel()
	bubble(t, Config{}, func(t *testing.T, r *rig) {
		r.service.answers(func(request) error { time.Sleep(2 * time.Second); return nil })
		r.track("ace")
		after(6 * time.Second)
		r.track("ace")
		r.Player("ace").Signal(LevelEnd)
		r.track("ace") // after the signal, and before the turn of what it is about: one request has both
		after(2 * time.Second)
		r.track("ace") // that request is under way
		after(time.Minute)
		assert.Equal(t, []time.Duration{5 * time.Second, 7 * time.Second, 13 * time.Second}, r.service.times())
		assert.Equal(t, [][]int{{0}, {1, 2}, {3}}, r.service.batches())
	})
}

func TestEventsThatComeDuringARequestLinger(t *testing.T) {
	t.Parallel()
	bubble(t, Config{BatchEvents: 3}, func(t *testing.T, r *rig) {
		r.service.answers(func(request) error { time.Sleep(2 * time.Second); return nil })
		r.track("ace")
		after(6 * time.Second)
		r.tracks("ace", 2)
		after(time.Second) // the answer comes
		r.track("ace")     // makes it full
		after(time.Minute)
		assert.Equal(t, []time.Duration{5 * time.Second, 7 * time.Second}, r.service.times())
	})
}

func TestATokenAboutToEndSendsWhatWaits(t *testing.T) {
	t.Parallel()
	// The token can be used until an hour has passed, is renewed from 59 minutes on, and the event comes 2 s before that.
	const renewal = 59 * time.Minute
	ends := func() time.Time { return time.Now().Add(time.Hour) }
	for _, row := range []struct {
		name string
		play func(t *testing.T, r *rig)
		want time.Duration
	}{
		{"set before the event", func(t *testing.T, r *rig) {
			t.Helper()
			r.SetToken("ace", Token{Value: "t", Expires: ends()})
			after(5 * time.Minute)
			r.SetToken("ace", Token{Value: "t", Expires: time.Now().Add(55 * time.Minute)})
			after(renewal - 2*time.Second - r.since())
			r.track("ace")
		}, renewal},
		{"set while the event lingers", func(t *testing.T, r *rig) {
			t.Helper()
			after(renewal - 2*time.Second)
			r.track("ace")
			r.SetToken("ace", Token{Value: "t", Expires: time.Now().Add(62 * time.Second)})
		}, renewal},
		{"from the source", func(t *testing.T, r *rig) {
			t.Helper()
			expires := ends()
			r.cfg.Tokens = TokenFunc(func(context.Context, string) (Token, error) { return Token{Value: "t", Expires: expires}, nil })
			r.track("ace")
			require.NoError(t, r.Flush(t.Context()))
			r.service.forget()
			after(renewal - 2*time.Second)
			r.track("ace")
		}, renewal},
		{"not about to end", func(t *testing.T, r *rig) {
			t.Helper()
			after(renewal - 2*time.Second)
			r.track("ace")
			r.SetToken("ace", Token{Value: "t", Expires: time.Now().Add(66 * time.Second)})
		}, renewal + 3*time.Second},
		{"ended already", func(t *testing.T, r *rig) {
			t.Helper()
			after(renewal - 2*time.Second)
			r.track("ace")
			r.SetToken("ace", Token{Value: "t", Expires: time.Now().Add(-time.Second)})
		}, renewal + 3*time.Second},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			bubble(t, Config{IdleTimeout: 24 * time.Hour}, func(t *testing.T, r *rig) {
				row.play(t, r)
				after(time.Minute)
				assert.Equal(t, []time.Duration{row.want}, r.service.times("ace"))
			})
		})
	}
}
