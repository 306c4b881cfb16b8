package main

import (
	"math"
	"sync"
	"time"
)

// delays counts how long events waited from Track to the answer that accepted them, by the tick of
// their Track. Its memory does not grow while a soak runs.
type delays struct {
	tick   time.Duration
	mu     sync.Mutex // guards the following
	counts [][delaySteps]uint32
}

// A step is 2 %, from 1 ms to over an hour.
const (
	delayStep  = 1.02
	delayLeast = time.Millisecond
	delaySteps = 800
)

func newDelays(tick, total time.Duration) *delays {
	return &delays{tick: tick, counts: make([][delaySteps]uint32, total/tick+1)}
}

// add counts one event, by when it was tracked since the start.
func (d *delays) add(tracked, waited time.Duration) {
	step := 0
	if waited > delayLeast {
		step = min(int(math.Log(float64(waited)/float64(delayLeast))/math.Log(delayStep)), delaySteps-1)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.counts[min(max(int(tracked/d.tick), 0), len(d.counts)-1)][step]++
}

// quantiles returns, for some shares of the events tracked from start to end, how long they waited
// at most. It also returns the number of these events. A duration is at most 2 % too long.
func (d *delays) quantiles(start, end time.Duration, shares ...float64) ([]time.Duration, int) {
	var sum [delaySteps]int
	total := 0
	d.mu.Lock()
	first := min(int((start+d.tick-1)/d.tick), len(d.counts))
	last := max(min(int(end/d.tick), len(d.counts)), first)
	for i := range d.counts[first:last] {
		for step, n := range d.counts[first+i] {
			sum[step] += int(n)
			total += int(n)
		}
	}
	d.mu.Unlock()
	out := make([]time.Duration, len(shares))
	for i, share := range shares {
		left := int(math.Ceil(share * float64(total)))
		for step := 0; step < delaySteps && left > 0; step++ {
			if left -= sum[step]; left <= 0 {
				out[i] = time.Duration(float64(delayLeast) * math.Pow(delayStep, float64(step+1)))
			}
		}
	}
	return out, total
}

// pair returns p50 and p99.
func (d *delays) pair(start, end time.Duration) ([2]time.Duration, int) {
	q, n := d.quantiles(start, end, 0.5, 0.99)
	return [2]time.Duration(q), n
}
