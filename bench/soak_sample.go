package main

import (
	"context"
	"os"
	"runtime"
	"runtime/metrics"
	"strconv"
	"strings"
	"time"

	"github.com/playline/playline-go/batcher"
)

// soakSample is a measurement of the worker and the sink at one instant.
type soakSample struct {
	At         time.Duration  `json:"at"`
	Ledger     batcher.Ledger `json:"ledger"`
	Traffic    sinkTraffic    `json:"traffic"`
	HeapLive   float64        `json:"live"`   // bytes that the last collection found reachable
	HeapInUse  float64        `json:"in_use"` // bytes of heap spans with objects in them
	RSS        float64        `json:"rss"`    // bytes resident; 0 if the system has no /proc
	Goroutines int            `json:"goroutines"`
	CPU        float64        `json:"cpu"` // seconds of the worker
}

func (s *soak) sample(ctx context.Context) (soakSample, error) {
	out := soakSample{At: time.Since(s.start), Ledger: s.batcher.Ledger(), Goroutines: runtime.NumGoroutine(), RSS: rss()}
	_, out.CPU = usageNow().since(s.usage)
	heap := []metrics.Sample{
		{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/unused:bytes"},
	}
	metrics.Read(heap)
	out.HeapLive = float64(heap[0].Value.Uint64())
	out.HeapInUse = float64(heap[1].Value.Uint64() + heap[2].Value.Uint64())
	var err error
	out.Traffic, err = s.control.traffic(ctx)
	return out, err
}

// rss returns the resident memory of this process, as Linux reports it.
func rss() float64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.Atoi(fields[1])
	if err != nil {
		return 0
	}
	return float64(pages) * float64(os.Getpagesize())
}

// watch takes one sample per tick until done is closed, and then a last one.
func (s *soak) watch(ctx context.Context, done <-chan struct{}) error {
	ticker := time.NewTicker(s.plan.Tick)
	defer ticker.Stop()
	for over := false; !over; {
		select {
		case <-ticker.C:
		case <-done:
			over = true
		}
		next, err := s.sample(ctx)
		if err != nil {
			return err
		}
		s.out.Samples = append(s.out.Samples, next)
	}
	return nil
}

// between returns the samples from start to end.
func between(samples []soakSample, start, end time.Duration) []soakSample {
	var out []soakSample
	for _, s := range samples {
		if s.At >= start && s.At <= end {
			out = append(out, s)
		}
	}
	return out
}

// drainedAt returns when the number of waiting events was back to that before the outage, plus a
// tenth. ok is false if that never happened.
func (p soakPlan) drainedAt(samples []soakSample) (at time.Duration, ok bool) {
	usual := int64(0)
	for _, s := range between(samples, 0, p.Outage) {
		usual = max(usual, s.Ledger.Pending)
	}
	for _, s := range between(samples, p.Recovery, p.End) {
		if s.Ledger.Pending <= usual+usual/10 {
			return s.At, true
		}
	}
	return p.End, false
}
