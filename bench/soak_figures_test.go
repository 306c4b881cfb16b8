package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/bench/chart"
)

// The figures that the soak computes from its samples.

func TestDelays(t *testing.T) {
	t.Parallel()
	d := newDelays(time.Second, 10*time.Second)
	for i := range 100 {
		d.add(3*time.Second, time.Duration(i+1)*10*time.Millisecond)
	}
	d.add(5*time.Second, time.Microsecond)
	d.add(time.Hour, 24*time.Hour)
	d.add(-time.Second, time.Second)

	got, n := d.pair(3*time.Second, 4*time.Second)
	assert.Equal(t, 100, n)
	assert.InEpsilon(t, 500*time.Millisecond, got[0], 0.03)
	assert.InEpsilon(t, 990*time.Millisecond, got[1], 0.03)
	_, n = d.pair(4*time.Second, 5*time.Second)
	assert.Zero(t, n, "nothing of the seconds before and after")
	got, n = d.pair(5*time.Second, 6*time.Second)
	assert.Equal(t, 1, n)
	assert.LessOrEqual(t, got[1], 2*time.Millisecond)
	_, n = d.pair(0, 11*time.Second)
	assert.Equal(t, 103, n, "what is out of range counts at the ends")
	_, n = d.pair(8*time.Second, 7*time.Second)
	assert.Zero(t, n)
}

// sampled returns a soak of 100 ms ticks, from its requests and pending events per second.
func sampled(p soakPlan, requests, pending func(second int) int64) *soakRun {
	r := &soakRun{plan: p}
	sum := int64(0)
	for at := time.Duration(0); at <= p.End; at += p.Tick {
		second := int(at / time.Second)
		r.Samples = append(r.Samples, soakSample{
			At: at, Ledger: batcher.Ledger{Pending: pending(second)}, Traffic: sinkTraffic{Requests: sum},
		})
		sum += requests(second) / int64(time.Second/p.Tick)
	}
	return r
}

func TestRatesAndDrain(t *testing.T) {
	t.Parallel()
	p := soakPlan{Outage: 10 * time.Second, Recovery: 20 * time.Second, End: 30 * time.Second, Tick: 100 * time.Millisecond}
	steady := func(int) int64 { return 1_000 }
	r := sampled(p, func(second int) int64 {
		if second == 22 {
			return 2_500
		}
		return 1_000
	}, func(second int) int64 {
		switch {
		case second > 10 && second < 23:
			return 500
		default:
			return 100
		}
	})
	assert.InDelta(t, 1_000, r.requestRate(0, 10*time.Second), 1)
	assert.InDelta(t, 2_500, r.peakRate(p.Recovery, p.End), 1, "the one second counts, not the mean")
	at, ok := p.drainedAt(r.Samples)
	assert.True(t, ok)
	assert.Equal(t, 23*time.Second, at)

	never := sampled(p, steady, func(second int) int64 { return int64(100 + 50*(second/10)) })
	at, ok = p.drainedAt(never.Samples)
	assert.False(t, ok)
	assert.Equal(t, p.End, at)
	assert.InDelta(t, 1_000, never.peakRate(p.Recovery, p.End), 1)
	assert.Zero(t, (&soakRun{plan: p}).peakRate(0, p.End), "no samples")
}

func TestMostMemoryIsOfAnySample(t *testing.T) {
	t.Parallel()
	r := &soakRun{soakResult: soakResult{Samples: []soakSample{
		{HeapLive: 1e6, HeapInUse: 5e6, RSS: 9e6, Goroutines: 2}, {HeapLive: 3e6, HeapInUse: 4e6, RSS: 8e6, Goroutines: 7},
	}}}
	assert.Equal(t, soakMemory{live: 3, inUse: 5, rss: 9, goroutines: 7}, r.most())
	assert.Zero(t, (&soakRun{}).most())
}

func TestTicks(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		end   float64
		most  int
		steps []float64
		want  []string
	}{
		{"three minutes", 180, 4, timeSteps, []string{"0", "60", "120", "180"}},
		{"fractions", 0.6, 5, valueSteps, []string{"0", "0.2", "0.4", "0.6"}},
		{"the end is between", 287, 5, valueSteps, []string{"0", "100", "200"}},
		{"nothing", 0, 5, valueSteps, []string{"0"}},
		{"more than the last step", 200_000, 3, valueSteps, []string{"0", "50000", "100000", "150000", "200000"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var labels []string
			for _, tick := range chart.Ticks(tt.end, tt.most, tt.steps) {
				labels = append(labels, tick.Label)
			}
			assert.Equal(t, tt.want, labels)
		})
	}
}
