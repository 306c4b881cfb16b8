package batcher

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// paced runs a load of so many players a second, each with one event of its own that is sent at once, until a time.
func paced(r *rig, players int, until time.Duration) {
	for step := 0; r.since() < until; step++ {
		for i := range players / 10 {
			r.track(fmt.Sprintf("%d-%d-%d", until, step, i))
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// busiest is the most requests of any second between two times.
func busiest(r *rig, from, to time.Duration) int {
	seconds := map[time.Duration]int{}
	most := 0
	for _, at := range r.service.times() {
		if at >= from && at < to {
			seconds[at/time.Second]++
			most = max(most, seconds[at/time.Second])
		}
	}
	return most
}

func outageFrom(r *rig, from, to time.Duration) {
	r.service.answers(func(request) error {
		time.Sleep(time.Millisecond)
		if now := r.since(); now >= from && now < to {
			return failure(Unavailable)
		}
		return nil
	})
}

func TestAfterAnOutageRequestsAreAtMostTwiceAsManyAsUsual(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name          string
		before, after int // players a second
		drained       time.Duration
	}{
		{"the same load", 300, 300, 40 * time.Second},
		{"no load any more", 300, 0, 27 * time.Second},
		{"a load that has grown to more than twice of it", 60, 300, 80 * time.Second},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			bubble(t, Config{Linger: time.Millisecond}, func(t *testing.T, r *rig) {
				outageFrom(r, 10*time.Second, 20*time.Second)
				paced(r, row.before, 10*time.Second)
				usual := busiest(r, 5*time.Second, 10*time.Second)
				require.InDelta(t, row.before, usual, float64(row.before)/10)
				paced(r, 300, 20*time.Second)
				paced(r, row.after, row.drained)
				assert.LessOrEqual(t, busiest(r, 20*time.Second, 30*time.Second), 2*usual)
				assert.LessOrEqual(t, r.Ledger().Pending, int64(row.after/5), "the backlog is gone")
				r.sched.mu.Lock()
				defer r.sched.mu.Unlock()
				assert.False(t, r.sched.gate.pace.bounds, "and with it the bound")
			})
		})
	}
}

func TestCloseIsNotPaced(t *testing.T) {
	t.Parallel()
	bubble(t, Config{Linger: time.Millisecond}, func(t *testing.T, r *rig) {
		outageFrom(r, 10*time.Second, 20*time.Second)
		paced(r, 50, 10*time.Second)
		paced(r, 300, 19*time.Second)
		report, err := r.Close(within(t, time.Minute))
		require.NoError(t, err)
		assert.Equal(t, report.Accepted, report.Delivered)
		assert.Less(t, r.since(), 21500*time.Millisecond)
	})
}

func TestAnOutageFromTheStartIsNotPaced(t *testing.T) {
	t.Parallel()
	bubble(t, Config{Linger: time.Millisecond}, func(t *testing.T, r *rig) {
		outageFrom(r, 0, 5*time.Second)
		paced(r, 300, 5*time.Second)
		require.NoError(t, r.Flush(t.Context()))
		assert.Less(t, r.since(), 6500*time.Millisecond, "nobody knows what is usual")
	})
}
