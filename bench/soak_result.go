package main

import "time"

// soakResult holds the findings of the worker.
type soakResult struct {
	account
	Samples    []soakSample  `json:"samples"`
	Drained    time.Duration `json:"drained"` // when the outage's events were delivered
	IsDrained  bool          `json:"is_drained"`
	Phases     []phaseDelays `json:"phases"`
	Delays     []tickDelays  `json:"delays"`
	Parked     int           `json:"parked"` // players, just before their tokens were replaced
	Strange    int64         `json:"strange"`
	LongestAdd time.Duration `json:"longest_add"` // the longest call of Track
	CloseTook  time.Duration `json:"close_took"`
	Goroutines [2]int        `json:"goroutines"` // before the batcher was made, and after it was closed
}

// phaseDelays holds how long the events of a phase waited.
type phaseDelays struct {
	soakPhase
	Events  int              `json:"events"` // of healthy players
	Healthy [2]time.Duration `json:"healthy"`
	Short   [2]time.Duration `json:"short"` // of the players with short tokens
}

// tickDelays holds how long the events of healthy players waited, by the tick of their Track: p50
// and p99.
type tickDelays struct {
	At      time.Duration    `json:"at"`
	Healthy [2]time.Duration `json:"healthy"`
}

// measure sets the figures that follow from the samples and the delays.
func (s *soak) measure() {
	p := s.plan
	s.out.Drained, s.out.IsDrained = p.drainedAt(s.out.Samples)
	for _, phase := range p.phases(s.out.Drained) {
		d := phaseDelays{soakPhase: phase}
		d.Healthy, d.Events = s.healthy.pair(phase.Start, phase.End)
		d.Short, _ = s.short.pair(phase.Start, phase.End)
		s.out.Phases = append(s.out.Phases, d)
	}
	for at := time.Duration(0); at < p.End-p.Linger; at += p.Tick { // Close sends later events at once
		if d, n := s.healthy.pair(at, at+p.Tick); n > 0 {
			s.out.Delays = append(s.out.Delays, tickDelays{at, d})
		}
	}
}
