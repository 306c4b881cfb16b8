package main

import "time"

// slice is the number of events that the stopwatch times together.
const slice = 1_000

// stopwatch times slices of a loop.
type stopwatch struct {
	began time.Time
	took  []float64 // ns per event
}

func (s *stopwatch) begin() { s.began = time.Now() }

func (s *stopwatch) end() { s.took = append(s.took, float64(time.Since(s.began).Nanoseconds())/slice) }

// report sets the figures ns, the median of the slices, and mean.
func (s *stopwatch) report(figures map[string]float64) {
	sum := 0.0
	for _, each := range s.took {
		sum += each
	}
	figures["ns"], figures["mean"] = median(s.took), sum/float64(max(len(s.took), 1))
}
