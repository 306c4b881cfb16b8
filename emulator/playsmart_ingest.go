package emulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"time"
)

// Event is a gameplay event that PlaySmart accepted.
type Event struct {
	UserID          string
	GameID          string
	Type            string
	CustomEventName string // only of type Custom
	Timestamp       string // as it was sent
	CustomData      json.RawMessage
	Received        time.Time
}

// playSmartIngest is the body of ingestEvents.
type playSmartIngest struct {
	UserID string `json:"user_id"`
	GameID string `json:"game_id"`
	Events []struct {
		Type            string          `json:"type"`
		CustomEventName string          `json:"customEventName"`
		Timestamp       string          `json:"timestamp"`
		CustomData      json.RawMessage `json:"customdata"`
	} `json:"events"`
}

// details lists the rules that the contract states in words: a bad event refuses the whole request.
func (in playSmartIngest) details() []playSmartDetail {
	var details []playSmartDetail
	for i, event := range in.Events {
		field := fmt.Sprintf("events[%d].", i)
		if event.Type == "Custom" && event.CustomEventName == "" {
			details = append(details, playSmartDetail{field + "customEventName", "is required with type Custom"})
		}
	}
	return details
}

func (p *playSmart) ingest(c *call) reply {
	var in playSmartIngest
	if err := json.Unmarshal(c.body, &in); err != nil {
		return p.invalid(c.operation, violation{"body", err.Error()})
	}
	if in.UserID != c.principal {
		return p.refusal(http.StatusForbidden, "user_id_mismatch")
	}
	if details := in.details(); len(details) > 0 {
		return p.refuse(http.StatusBadRequest, "BAD_REQUEST", "invalid_payload", details)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	for _, event := range in.Events {
		accepted := Event{
			UserID: in.UserID, GameID: in.GameID, Type: event.Type, Timestamp: event.Timestamp,
			CustomData: event.CustomData, Received: now,
		}
		if event.Type == "Custom" {
			accepted.CustomEventName = event.CustomEventName
		}
		p.arrived(in.UserID, len(p.events[in.UserID]))
		p.events[in.UserID] = append(p.events[in.UserID], accepted)
	}
	p.activity.accepted(now, len(in.Events))
	p.drain(now)
	p.buffered += float64(len(in.Events))
	return reply{status: http.StatusAccepted, body: map[string]any{
		"success": true,
		"message": fmt.Sprintf("accepted:%d buffered:%d", len(in.Events), int(math.Ceil(p.buffered))),
	}}
}

// drain takes out of the buffer what left it since the last time.
func (p *playSmart) drain(now time.Time) {
	if !p.drained.IsZero() {
		p.buffered = max(0, p.buffered-p.options.drainRate*now.Sub(p.drained).Seconds())
	}
	p.drained = now
}

// Events returns what PlaySmart accepted of a user, in the order of arrival.
func (e *Emulator) Events(userID string) []Event {
	p := e.playSmart
	p.mu.Lock()
	defer p.mu.Unlock()
	events := make([]Event, 0, len(p.events[userID]))
	for _, event := range p.events[userID] {
		event.CustomData = bytes.Clone(event.CustomData)
		events = append(events, event)
	}
	return events
}

// EventCount returns how many events PlaySmart accepted, of all users.
func (e *Emulator) EventCount() int {
	e.playSmart.mu.Lock()
	defer e.playSmart.mu.Unlock()
	return e.playSmart.count
}

// Buffered returns how many events are in PlaySmart's buffer now.
func (e *Emulator) Buffered() int {
	p := e.playSmart
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drain(time.Now())
	return int(math.Ceil(p.buffered))
}
