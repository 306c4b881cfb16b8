package main

import (
	"fmt"
	"sync"
	"time"

	"github.com/playline/playline-go/batcher"
)

// screen is one line that is written over, and messages above it.
type screen struct {
	mu    sync.Mutex // guards the following
	line  string
	began time.Time
}

// stats writes the live line.
func (s *screen) stats(st batcher.Stats, matches int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.began.IsZero() {
		s.began = time.Now()
	}
	state := "up"
	if st.Outage {
		state = "DOWN"
	}
	s.line = fmt.Sprintf("%4.0fs  service %-4s  %3d matches  %7d accepted  %7d delivered  %6d waiting  %2d in flight  %6d requests  %d perhaps twice",
		time.Since(s.began).Seconds(), state, matches, st.Accepted, st.Delivered, st.Pending, st.InFlight, st.Requests, st.PossibleDuplicates)
	fmt.Printf("\r%s", s.line)
}

// say writes a message above the live line.
func (s *screen) say(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Printf("\r%-*s\n%s", len(s.line), fmt.Sprintf("  "+format, args...), s.line)
}
