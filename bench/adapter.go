package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// adapter is one way to send events: playline, a peer, or a yardstick. One goroutine calls Track;
// the adapter starts all others.
type adapter interface {
	// Track takes one event of one player.
	Track(ctx context.Context, player, eid int) error
	// Outstanding returns how many accepted events have no result yet.
	Outstanding() int
	// Reported returns the eids of the events that the adapter reported to the application as not
	// delivered, or as perhaps not delivered.
	Reported() []int
	// Close sends the waiting events. An adapter without contexts ignores ctx.
	Close(ctx context.Context) error
}

// setup holds the settings of an adapter.
type setup struct {
	Base       string        `json:"base"`
	Players    int           `json:"players"`
	Linger     time.Duration `json:"linger"`       // of playline; 0: the default
	Idle       time.Duration `json:"idle"`         // of playline: how long a player without events is remembered; 0: the default
	MaxEvents  int           `json:"max_events"`   // of playline, with 256 bytes each; 0: the default
	AtMostOnce bool          `json:"at_most_once"` // of playline
	Outcomes   bool          `json:"outcomes"`     // playline's OnOutcome; the peers always use their callbacks
}

const batchSize = 200

var adapters = map[string]func(setup) (adapter, error){
	"playline": newPlayline,
	"segment":  newSegment,
	"posthog":  newPostHog,
	"otel":     newOTel,
	"naive":    newNaive,
	"ideal":    newIdeal,
	"limit":    newLimit,
}

func newAdapter(name string, s setup) (adapter, error) {
	build, ok := adapters[name]
	if !ok {
		return nil, fmt.Errorf("no adapter %q; there are %q", name, slices.Sorted(maps.Keys(adapters)))
	}
	s.Players = max(s.Players, 1)
	return build(s)
}

// outstanding is the limit of events without a result in a closed loop. OTel drops the oldest above
// 2,048.
func outstanding(name string) int {
	if name == "otel" {
		return 1_800
	}
	return 10_000
}

func userID(player int) string { return fmt.Sprintf("device-%06d", player) }

func userIDs(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = userID(i)
	}
	return out
}

// outcomes counts the results that an adapter gets for its events.
type outcomes struct {
	tracked  atomic.Int64
	settled  atomic.Int64
	mu       sync.Mutex // guards the following
	reported []int
}

// Outstanding implements adapter.
func (o *outcomes) Outstanding() int { return int(o.tracked.Load() - o.settled.Load()) }

// Reported implements adapter.
func (o *outcomes) Reported() []int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.reported)
}

func (o *outcomes) lost(eids ...int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.reported = append(o.reported, eids...)
}

// newHTTPClient returns the client of the adapters that do not bring their own.
func newHTTPClient() *http.Client {
	return &http.Client{Transport: &http.Transport{MaxIdleConns: 64, MaxIdleConnsPerHost: 64}}
}

// post sends one body and drains the answer.
func post(ctx context.Context, client *http.Client, url string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("status %s", resp.Status)
	}
	return nil
}
