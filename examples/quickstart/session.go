package main

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"time"

	"github.com/playline/playline-go/batcher"
)

// recorded is an evening's events of three players, one a line.
//
//go:embed testdata/session.jsonl
var recorded []byte

// playerEvent is one line of the recorded session.
type playerEvent struct {
	UserID          string            `json:"user_id"`
	Type            batcher.EventType `json:"type"`
	CustomEventName string            `json:"customEventName"`
	Timestamp       time.Time         `json:"timestamp"`
	CustomData      json.RawMessage   `json:"customdata"`
}

func readSession() ([]playerEvent, error) {
	var events []playerEvent
	for lines := bufio.NewScanner(bytes.NewReader(recorded)); lines.Scan(); {
		var e playerEvent
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return nil, fmt.Errorf("line %d of the recorded session: %w", len(events)+1, err)
		}
		events = append(events, e)
	}
	return events, nil
}

// session sends the recorded events through the batcher: one player a request under that player's
// token, at most 200 events each.
func (e *evening) session(ctx context.Context, events []playerEvent) (string, error) {
	tokens := map[string]string{}
	for _, p := range e.players {
		tokens[p.deviceID] = string(p.token.Secret())
	}
	b, err := e.client.NewBatcher(batcher.Config{
		GameID: gameID,
		Tokens: batcher.TokenFunc(func(_ context.Context, userID string) (batcher.Token, error) {
			return batcher.Token{Value: batcher.Secret(tokens[userID])}, nil
		}),
	})
	if err != nil {
		return "", err
	}
	for i, event := range events {
		out := batcher.Event{Type: event.Type, Name: event.CustomEventName, Time: event.Timestamp}
		if event.CustomData != nil {
			out.Data = event.CustomData
		}
		if err := b.Track(ctx, event.UserID, out); err != nil {
			return "", fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	report, err := b.Close(ctx)
	if err != nil {
		return "", err
	}
	e.sent = int(report.Delivered)
	requests := int(b.Stats().Requests)
	e.calls["ingestEvents"] += requests
	return fmt.Sprintf("%d delivered in %d requests", e.sent, requests), nil
}
