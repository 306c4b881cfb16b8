package batcher

import (
	"sync/atomic"
	"time"
)

// clock is a batcher's time. What waits is timed by how long the batcher has run, which nobody can set. What is written into an event
// is the wall clock's time: that is read once a second, and between that counted on from there, because reading and printing it would be
// a third of what Track costs. So a wall clock that is set shows in the events a second later at the latest.
type clock struct {
	start  time.Time
	second atomic.Pointer[second]
	set    atomic.Int64 // by how much the wall clock was set since; tests do that
}

// second is one of the wall clock's.
type second struct {
	begins int64 // on the batcher's clock
	unix   int64
	text   [len("2006-01-02T15:04:05.000+00:00")]byte
}

// now is how long the batcher has run, in nanoseconds.
func (c *clock) now() int64 { return int64(time.Since(c.start)) }

// wall returns the wall clock's time when the batcher's clock showed at.
func (c *clock) wall(at int64) time.Time {
	if s := c.second.Load(); s != nil && at >= s.begins && at < s.begins+int64(time.Second) {
		return time.Unix(s.unix, at-s.begins)
	}
	now := time.Now()
	return now.Round(0).Add(time.Duration(at) - now.Sub(c.start))
}

// maxStoredAge is how old an event can be that an earlier process accepted: a hundred years, so that adding to it cannot overflow.
const maxStoredAge = 100 * 365 * 24 * time.Hour

// at is what the batcher's clock showed at a time of the wall clock: less than 0 before the batcher was made, and not later than now, as
// the wall clock may have been set back since.
func (c *clock) at(wall time.Time) int64 {
	now := time.Now()
	age := min(max(now.Round(0).Sub(wall), 0), maxStoredAge)
	return int64(now.Sub(c.start) - age)
}

// appendTimestamp appends the wall clock's time when the batcher's clock showed at.
func (c *clock) appendTimestamp(b []byte, at int64) []byte {
	s := c.second.Load()
	if s == nil || at < s.begins || at >= s.begins+int64(time.Second) {
		return c.readTimestamp(b, at)
	}
	start := len(b)
	b = append(b, s.text[:]...)
	setMillis((*[4]byte)(b[start+19:]), int(at-s.begins))
	return b
}

// readTimestamp is appendTimestamp after reading the wall clock.
func (c *clock) readTimestamp(b []byte, at int64) []byte {
	now := time.Now()
	ran := int64(now.Sub(c.start))
	now = now.Round(0).Add(time.Duration(c.set.Load())).UTC()
	s := &second{begins: ran - int64(now.Nanosecond()), unix: now.Unix()}
	copy(s.text[19:], ".000+00:00")
	setSeconds(s.text[:], now)
	c.second.Store(s)
	return appendTimestamp(b, now.Add(time.Duration(at-ran)))
}
