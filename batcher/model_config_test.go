package batcher_test

import (
	"time"

	"github.com/playline/playline-go/batcher"
)

// The configurations that the model draws.

const (
	modelGame = "com.example.stackblaster"
	modelID   = "eid" // Config.EventIDKey, where there is one
)

// modelConfig draws a configuration: small bounds, so that they are met.
func modelConfig(m *model) batcher.Config {
	r := m.rand("config", 0)
	between := func(low, high int) int { return low + r.IntN(high-low+1) }
	span := func(low, high time.Duration) time.Duration { return low + time.Duration(r.Int64N(int64(high-low)+1)) }
	c := batcher.Config{
		GameID:        modelGame,
		Tokens:        m.tokens,
		OnOutcome:     m.outcome,
		Linger:        span(time.Millisecond, 10*time.Second),
		BatchEvents:   between(1, 30),
		EventBytes:    between(400, 2000),
		MaxInFlight:   between(1, 8),
		SendTimeout:   span(time.Second, 30*time.Second),
		MaxRetryAfter: span(time.Second, time.Minute),
		IdleTimeout:   span(5*time.Second, 10*time.Minute),
		TokenRenewal:  span(time.Second, time.Minute),
	}
	if r.IntN(5) == 0 {
		c.BatchEvents = 200
	}
	c.BatchBytes = between(c.EventBytes, 10*c.EventBytes)
	if r.IntN(4) == 0 {
		c.BatchBytes = c.EventBytes
	}
	c.MaxEvents = between(1, 200)
	c.MaxPlayerEvents = between(1, c.MaxEvents)
	c.MaxBytes = between(c.EventBytes, 40*c.EventBytes)
	c.MaxPlayerBytes = between(c.EventBytes, c.MaxBytes)
	if r.IntN(3) == 0 { // room enough
		c.MaxEvents, c.MaxPlayerEvents, c.MaxBytes, c.MaxPlayerBytes = 0, 0, 0, 0
	}
	if r.IntN(3) == 0 {
		c.MaxAge = c.Linger + span(time.Millisecond, time.Minute)
	}
	if r.IntN(2) == 0 {
		for _, t := range modelTypes {
			if r.IntN(3) == 0 {
				c.AtMostOnce = append(c.AtMostOnce, t)
			}
		}
	}
	if r.IntN(2) == 0 {
		c.EventIDKey = modelID
	}
	if r.IntN(4) == 0 {
		c.MaxParkedBytes = between(1, 4*c.EventBytes)
	}
	return c
}

var modelTypes = []batcher.EventType{
	batcher.AppOpen, batcher.LevelCompleted, batcher.GameEnd, batcher.AdImpression, batcher.IAPPurchase, batcher.Custom,
}
