package batcher

import (
	"encoding/json"
	"fmt"
	"time"
)

// EventType is what happened in the game. The service refuses a request that holds another type than these.
type EventType string

// The event types.
const (
	AppOpen        EventType = "AppOpen"
	LevelCompleted EventType = "LevelCompleted" // pays coins: a second copy can pay twice, see Config.AtMostOnce
	GameEnd        EventType = "GameEnd"
	AdImpression   EventType = "AdImpression"
	IAPPurchase    EventType = "IAPPurchase"
	Custom         EventType = "Custom" // needs an Event.Name
)

// Event is one thing that a player did.
type Event struct {
	Type EventType
	Name string    // with type Custom, and only with it
	Time time.Time // zero means now; written with a numeric offset
	// Accepted is when a queue before this batcher took the event. Config.MaxAge counts from then. Zero, or a
	// time to come, means now. It is not sent.
	Accepted time.Time
	Data     any // nil, or what encodes as a JSON object: a map, a struct, a json.RawMessage, a []slog.Attr
}

// Record is an accepted event as it travels, handed to Config.OnOutcome and returned by Close.
type Record struct {
	Accepted time.Time // when Track took it, by the wall clock as it stands when this is told
	JSON     []byte    // valid until the callback returns; Close returns copies
}

// Format prints the length for every verb: what a player did has no place in a log.
func (r Record) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "[event of %d bytes]", len(r.JSON))
}

// Event decodes a record, so that the event can be tracked again.
func (r Record) Event() (Event, error) {
	var in struct {
		Type            EventType       `json:"type"`
		CustomEventName string          `json:"customEventName"`
		Timestamp       time.Time       `json:"timestamp"`
		CustomData      json.RawMessage `json:"customdata"`
	}
	if err := json.Unmarshal(r.JSON, &in); err != nil {
		return Event{}, err
	}
	e := Event{Type: in.Type, Name: in.CustomEventName, Time: in.Timestamp}
	if in.CustomData != nil {
		e.Data = in.CustomData
	}
	return e, nil
}

// InvalidEventError is an event that Track refused: nothing of it was kept, and nothing else is affected.
type InvalidEventError struct {
	Field string // where: timestamp, customdata.score
	Rule  string // what it must be
}

// Error names the field and the rule; it does not repeat the value.
func (e *InvalidEventError) Error() string {
	return "batcher: event refused: " + e.Field + " " + e.Rule
}
