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
	text   [len("2006-01-02T15:04:05.000000000+00:00")]byte
}

// now is how long the batcher has run, in nanoseconds.
func (c *clock) now() int64 { return int64(time.Since(c.start)) }

// appendTimestamp appends the wall clock's time when the batcher's clock showed at.
func (c *clock) appendTimestamp(b []byte, at int64) []byte {
	s := c.second.Load()
	if s == nil || at < s.begins || at >= s.begins+int64(time.Second) {
		return c.readTimestamp(b, at)
	}
	nanos := int(at - s.begins)
	if nanos%10 == 0 { // zeros at the end are left out
		return append(appendNanos(append(b, s.text[:19]...), nanos), "+00:00"...)
	}
	start := len(b)
	b = append(b, s.text[:]...)
	setNanos((*[10]byte)(b[start+19:]), nanos)
	return b
}

// readTimestamp is appendTimestamp after reading the wall clock.
func (c *clock) readTimestamp(b []byte, at int64) []byte {
	now := time.Now()
	ran := int64(now.Sub(c.start))
	now = now.Round(0).Add(time.Duration(c.set.Load())).UTC()
	s := &second{begins: ran - int64(now.Nanosecond())}
	copy(s.text[19:], ".000000000+00:00")
	setSeconds(s.text[:], now)
	c.second.Store(s)
	return appendTimestamp(b, now.Add(time.Duration(at-ran)))
}
