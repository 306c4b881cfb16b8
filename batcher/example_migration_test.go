package batcher_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/emulator"
)

// byHand is what a batcher replaces: a channel, a goroutine and a ticker for one player.
type byHand struct {
	events chan string // encoded; when it is full the game waits
	done   chan struct{}
	send   func(events []string) error
	lost   int
}

func (h *byHand) run() {
	defer close(h.done)
	ticker := time.NewTicker(5 * time.Second)
	defer ticker.Stop()
	var batch []string
	flush := func() {
		if len(batch) == 0 {
			return
		}
		if err := h.send(batch); err != nil {
			h.lost += len(batch) // or again, and again: for how long, in which order, and who tells the game?
		}
		batch = nil
	}
	for {
		select {
		case event, open := <-h.events:
			if !open {
				flush()
				return
			}
			if batch = append(batch, event); len(batch) == 200 {
				flush()
			}
		case <-ticker.C:
			flush()
		}
	}
}

// postByHand returns a function that sends events of one player to the service, once.
func postByHand(service *emulator.Emulator) func([]string) error {
	client := &http.Client{Transport: service}
	return func(events []string) error {
		body := `{"user_id":"ace","game_id":"com.example.stackblaster","events":[` + strings.Join(events, ",") + `]}`
		request, err := http.NewRequestWithContext(context.Background(), http.MethodPost,
			"http://127.0.0.1"+emulator.PlaySmartPath+"/ingest/events", bytes.NewReader([]byte(body)))
		if err != nil {
			return err
		}
		request.Header.Set("Authorization", "Bearer "+service.Token("ace", time.Hour))
		request.Header.Set("Content-Type", "application/json")
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode >= 300 {
			return fmt.Errorf("status %d", response.StatusCode)
		}
		return nil
	}
}

// What a hand-written loop does, and what a batcher does, where the service is down for one request.
func Example_insteadOfAChannel() {
	down := emulator.Fault{Operation: "ingestEvents", Status: http.StatusServiceUnavailable, Times: 1}

	service := emulator.New()
	service.Inject(down)
	h := &byHand{events: make(chan string, 1000), done: make(chan struct{}), send: postByHand(service)}
	go h.run()
	for range 300 {
		h.events <- `{"type":"AppOpen","timestamp":"2026-01-02T20:00:00.000+00:00"}`
	}
	close(h.events)
	<-h.done
	fmt.Println("by hand:", service.EventCount(), "stored,", h.lost, "lost")

	b, service := newBatcher(nil)
	service.Inject(down)
	for range 300 {
		_ = b.Track(context.Background(), "ace", batcher.Event{Type: batcher.AppOpen})
	}
	report, err := b.Close(context.Background())
	fmt.Println("batcher:", service.EventCount(), "stored,", report.Accepted-report.Delivered, "lost,", err)
	// Output:
	// by hand: 100 stored, 200 lost
	// batcher: 300 stored, 0 lost, <nil>
}
