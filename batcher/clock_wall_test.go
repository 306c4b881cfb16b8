package batcher

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

// TestClockPrintsTheWallClock compares what is printed with what time.Format prints, in a bubble, where the clocks stand still.
func TestClockPrintsTheWallClock(t *testing.T) {
	t.Parallel()
	const layout = "2006-01-02T15:04:05.000-07:00"
	for _, row := range []struct {
		name  string
		after time.Duration // since the last one
	}{
		{"at the start", 0},
		{"the same instant", 0},
		{"within the second", 123_456_789},
		{"its last nanosecond", time.Second - 123_456_789 - 1},
		{"the next second", 1},
		{"with zeros at the end", 120 * time.Millisecond},
		{"with zeros at the front", time.Second - 120*time.Millisecond + 1000},
		{"a minute later", time.Minute},
		{"a year later", 366 * 24 * time.Hour},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := &clock{start: time.Now()}
				_ = c.appendTimestamp(nil, c.now())
				time.Sleep(row.after)
				assert.Equal(t, time.Now().UTC().Format(layout), string(c.appendTimestamp(nil, c.now())))
			})
		})
	}
}

// TestClockFollowsTheWallClockWithinASecond sets the wall clock back and forth. What is timed goes on as if nothing had happened.
func TestClockFollowsTheWallClockWithinASecond(t *testing.T) {
	t.Parallel()
	for _, set := range []time.Duration{-26 * time.Hour, -time.Millisecond, time.Millisecond, 5 * time.Hour} {
		t.Run(set.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := &clock{start: time.Now()}
				printed := func() time.Duration {
					at, err := time.Parse(time.RFC3339, string(c.appendTimestamp(nil, c.now())))
					assert.NoError(t, err)
					return time.Until(at)
				}
				assert.Zero(t, printed())
				c.set.Store(int64(set))
				time.Sleep(999 * time.Millisecond)
				assert.Zero(t, printed(), "not seen yet")
				time.Sleep(time.Millisecond)
				assert.Equal(t, set, printed())
				assert.Equal(t, int64(time.Second), c.now())
				time.Sleep(1500 * time.Millisecond)
				assert.Equal(t, set, printed())
			})
		})
	}
}

// TestClockOfASlowGoroutine: it has looked at the batcher's clock, and when it goes on another one has read the wall clock's next second.
func TestClockOfASlowGoroutine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &clock{start: time.Now()}
		time.Sleep(1500 * time.Millisecond)
		at, want := c.now(), time.Now().UTC().Format("2006-01-02T15:04:05.000")
		time.Sleep(3 * time.Second)
		_ = c.appendTimestamp(nil, c.now())
		assert.Equal(t, want+"+00:00", string(c.appendTimestamp(nil, at)))
	})
}
