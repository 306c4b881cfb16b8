package main

import (
	"context"
	"time"

	"gopkg.in/segmentio/analytics-go.v3"
)

// segmentAdapter is Segment's client with its default settings, apart from the batch size and a
// silent logger.
type segmentAdapter struct {
	client analytics.Client
	users  []string
	outcomes
}

func newSegment(s setup) (adapter, error) {
	a := &segmentAdapter{users: userIDs(s.Players)}
	var err error
	a.client, err = analytics.NewWithConfig("key", analytics.Config{
		Endpoint: s.Base, BatchSize: batchSize, Logger: silence{}, Callback: a,
	})
	return a, err
}

// Track implements adapter.
func (a *segmentAdapter) Track(_ context.Context, player, eid int) error {
	err := a.client.Enqueue(analytics.Track{
		UserId: a.users[player], Event: eventType, Timestamp: time.Now(),
		Properties: analytics.Properties{"weapon": eventWeapon, "damage": eventDamage(eid), "eid": eid},
	})
	if err == nil {
		a.tracked.Add(1)
	}
	return err
}

// Success implements analytics.Callback.
func (a *segmentAdapter) Success(analytics.Message) { a.settled.Add(1) }

// Failure implements analytics.Callback.
func (a *segmentAdapter) Failure(m analytics.Message, _ error) {
	a.settled.Add(1)
	if t, ok := m.(analytics.Track); ok {
		eid, _ := t.Properties["eid"].(int)
		a.lost(eid)
	}
}

// Close implements adapter; Segment's Close takes no context.
func (a *segmentAdapter) Close(context.Context) error { return a.client.Close() }

// silence is the logger of the peers; it writes nothing.
type silence struct{}

func (silence) Logf(string, ...any)   {}
func (silence) Errorf(string, ...any) {}
func (silence) Debugf(string, ...any) {}
func (silence) Warnf(string, ...any)  {}
