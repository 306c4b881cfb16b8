package main

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/playline/playline-go/emulator"
)

// screen is a table that grows by one line per second, and messages between its lines.
type screen struct {
	mu    sync.Mutex // guards the following
	began time.Time
	ended bool
}

func newScreen() *screen { return &screen{began: time.Now()} }

// say writes a message.
func (s *screen) say(words string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Printf("%5.1fs  %s\n", time.Since(s.began).Seconds(), words)
}

// follow writes one line per second until end.
func (s *screen) follow(ctx context.Context, js jetstream.JetStream, servers *servers, service *emulator.Server) {
	s.say(fmt.Sprintf("%10s  %12s  %12s  %12s", "tracked", "in servers", "in stream", "delivered"))
	for wait(ctx, time.Second) {
		held := "no answer"
		attempt, cancel := context.WithTimeout(ctx, time.Second)
		if st, err := js.Stream(attempt, stream); err == nil {
			held = strconv.FormatUint(st.CachedInfo().State.Msgs, 10)
		}
		cancel()
		if s.over() {
			return
		}
		s.say(fmt.Sprintf("%10d  %12d  %12s  %12d", servers.tracked.Load(), servers.pending(), held, service.EventCount()))
	}
}

func (s *screen) over() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended
}

// end stops the table.
func (s *screen) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
}
