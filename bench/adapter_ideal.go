package main

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// bodyStart is the start of a request's body, for the adapters that write it themselves.
const bodyStart = `{"user_id":"device-000000","game_id":"` + gameID + `","events":[`

// idealAdapter is a yardstick: the least that a batching client of one tenant can do. A mutex, the
// bare encoder, two senders. It drops events that failed, bounds only the number of waiting
// batches, and sends only full batches until Close.
type idealAdapter struct {
	client *http.Client
	url    string
	mu     sync.Mutex // guards body and events
	body   []byte
	events int
	full   chan idealBatch
	ended  sync.WaitGroup
	outcomes
}

// idealBatch is a request to be sent.
type idealBatch struct {
	body   []byte
	events int
}

func newIdeal(s setup) (adapter, error) {
	a := &idealAdapter{client: newHTTPClient(), url: s.Base + "/v1/events", full: make(chan idealBatch, 100)}
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
		a.body = append(make([]byte, 0, batchSize*160), bodyStart...) // the transport may still read the last one
	} else {
		a.body = append(a.body, ',')
	}
	a.body = appendEvent(a.body, time.Now().UTC(), eid)
	if a.events++; a.events == batchSize {
		a.hand()
	}
	return nil
}

// hand passes the batch to a sender. The caller holds the mutex.
func (a *idealAdapter) hand() {
	a.tracked.Add(int64(a.events))
	a.full <- idealBatch{append(a.body, "]}"...), a.events}
	a.events = 0
}

func (a *idealAdapter) send() {
	for b := range a.full {
		_ = post(context.Background(), a.client, a.url, b.body) // errors are dropped
		a.settled.Add(int64(b.events))
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
