package main

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// limitAdapter is the other yardstick: the limit of net/http. Four senders post one body of 200
// events, which is encoded beforehand.
type limitAdapter struct {
	client *http.Client
	url    string
	body   []byte
	outcomes
}

func newLimit(s setup) (adapter, error) {
	a := &limitAdapter{client: newHTTPClient(), url: s.Base + "/v1/events", body: []byte(bodyStart)}
	for eid := range batchSize {
		if eid > 0 {
			a.body = append(a.body, ',')
		}
		a.body = appendEvent(a.body, time.Now().UTC(), 100_000+eid)
	}
	a.body = append(a.body, "]}"...)
	return a, nil
}

// Track implements adapter; there is nothing to track.
func (a *limitAdapter) Track(context.Context, int, int) error {
	return errors.New("limit only runs the closed loop")
}

// run posts for a while and returns the number of events sent.
func (a *limitAdapter) run(ctx context.Context, d time.Duration) (int, error) {
	var events atomic.Int64
	var failed atomic.Pointer[error]
	end := time.Now().Add(d)
	var senders sync.WaitGroup
	for range 4 {
		senders.Go(func() {
			for time.Now().Before(end) {
				if err := post(ctx, a.client, a.url, a.body); err != nil {
					failed.Store(&err)
					return
				}
				events.Add(batchSize)
			}
		})
	}
	senders.Wait()
	if err := failed.Load(); err != nil {
		return 0, *err
	}
	return int(events.Load()), nil
}

// Close implements adapter.
func (a *limitAdapter) Close(context.Context) error { return nil }
