package main

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// bodyStart is how a request's body begins, for the adapters that write it themselves.
const bodyStart = `{"user_id":"device-000000","game_id":"` + gameID + `","events":[`

// idealAdapter is a yardstick: the least that a batching client of one tenant can do. A mutex, the bare encoder, two senders. It keeps
// nothing that failed, bounds nothing but the batches that wait, and sends only full ones until Close.
type idealAdapter struct {
	client *http.Client
	url    string
	mu     sync.Mutex // guards body and events
	body   []byte
	events int
	full   chan []byte
	spare  chan []byte
	ended  sync.WaitGroup
	outcomes
}

func newIdeal(s setup) (adapter, error) {
	a := &idealAdapter{client: newHTTPClient(), url: s.Base + "/v1/events", full: make(chan []byte, 100), spare: make(chan []byte, 100)}
	for range 2 {
		a.ended.Go(a.send)
	}
	return a, nil
}

// Track implements adapter.
func (a *idealAdapter) Track(_ context.Context, _, eid int) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.events == 0 {
		select {
		case a.body = <-a.spare:
		default:
			a.body = make([]byte, 0, batchSize*160)
		}
		a.body = append(a.body[:0], bodyStart...)
	} else {
		a.body = append(a.body, ',')
	}
	a.body = appendEvent(a.body, time.Now().UTC(), eid)
	if a.events++; a.events == batchSize {
		a.hand()
	}
	return nil
}

// hand gives the batch to a sender. The mutex is held.
func (a *idealAdapter) hand() {
	a.tracked.Add(int64(a.events))
	a.full <- append(a.body, "]}"...)
	a.events = 0
}

func (a *idealAdapter) send() {
	for body := range a.full {
		events := countEvents(body)
		err := post(context.Background(), a.client, a.url, body)
		a.settled.Add(int64(events))
		if err != nil {
			continue // nobody is told, and the transport may still read the body
		}
		select {
		case a.spare <- body:
		default:
		}
	}
}

// Close implements adapter.
func (a *idealAdapter) Close(context.Context) error {
	a.mu.Lock()
	if a.events > 0 {
		a.hand()
	}
	close(a.full)
	a.mu.Unlock()
	a.ended.Wait()
	return nil
}
