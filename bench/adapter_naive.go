package main

import (
	"context"
	"net/http"
	"time"
)

// naiveAdapter sends one POST per event, on the caller's goroutine, and never retries.
type naiveAdapter struct {
	client *http.Client
	url    string
	outcomes
}

func newNaive(s setup) (adapter, error) {
	client := newHTTPClient()
	client.Timeout = 10 * time.Second
	return &naiveAdapter{client: client, url: s.Base + "/v1/events"}, nil
}

// Track implements adapter.
func (a *naiveAdapter) Track(ctx context.Context, _, eid int) error {
	body := append(make([]byte, 0, 256), bodyStart...)
	body = append(appendEvent(body, time.Now().UTC(), eid), "]}"...)
	a.tracked.Add(1)
	defer a.settled.Add(1)
	if err := post(ctx, a.client, a.url, body); err != nil {
		a.lost(eid)
	}
	return nil
}

// Close implements adapter.
func (a *naiveAdapter) Close(context.Context) error { return nil }
