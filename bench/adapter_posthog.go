package main

import (
	"context"
	"time"

	"github.com/posthog/posthog-go"
)

// postHogAdapter is PostHog's client with its default settings, apart from the batch size and a
// silent logger.
type postHogAdapter struct {
	client posthog.Client
	users  []string
	outcomes
}

func newPostHog(s setup) (adapter, error) {
	a := &postHogAdapter{users: userIDs(s.Players)}
	var err error
	a.client, err = posthog.NewWithConfig("key", posthog.Config{
		Endpoint: s.Base, BatchSize: batchSize, Logger: silence{}, Callback: a,
	})
	return a, err
}

// Track implements adapter.
func (a *postHogAdapter) Track(_ context.Context, player, eid int) error {
	err := a.client.Enqueue(posthog.Capture{
		DistinctId: a.users[player], Event: eventType, Timestamp: time.Now(),
		Properties: posthog.Properties{"weapon": eventWeapon, "damage": eventDamage(eid), "eid": eid},
	})
	if err == nil {
		a.tracked.Add(1)
	}
	return err
}

// Success implements posthog.Callback.
func (a *postHogAdapter) Success(posthog.APIMessage) { a.settled.Add(1) }

// Failure implements posthog.Callback.
func (a *postHogAdapter) Failure(m posthog.APIMessage, _ error) {
	a.settled.Add(1)
	if c, ok := m.(posthog.CaptureInApi); ok {
		eid, _ := c.Properties["eid"].(int)
		a.lost(eid)
	}
}

// Close implements adapter; PostHog's Close takes no context.
func (a *postHogAdapter) Close(context.Context) error { return a.client.Close() }
