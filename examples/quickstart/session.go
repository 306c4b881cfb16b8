package main

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"time"

	"github.com/playline/playline-go"
)

// recorded is an evening's events of three players, one a line.
//
//go:embed testdata/session.jsonl
var recorded []byte

// playerEvent is one line of the recorded session.
type playerEvent struct {
	UserID          string             `json:"user_id"`
	Type            playline.EventType `json:"type"`
	CustomEventName string             `json:"customEventName"`
	Timestamp       time.Time          `json:"timestamp"`
	CustomData      json.RawMessage    `json:"customdata"`
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

// session sends the recorded events, at most 200 a request, one player a request under that player's token.
func (e *evening) session(ctx context.Context, events []playerEvent) (string, error) {
	requests := 0
	for _, p := range e.players {
		var batch []playline.GameplayEvent
		flush := func() error {
			if len(batch) == 0 {
				return nil
			}
			e.count("ingestEvents")
			requests++
			result, err := e.client.Ingest.Send(ctx, p.token, playline.IngestBatch{UserID: p.deviceID, GameID: gameID, Events: batch})
			if err != nil {
				return err
			}
			e.sent += result.Accepted
			batch = nil
			return nil
		}
		for _, event := range events {
			if event.UserID != p.deviceID {
				continue
			}
			out := playline.GameplayEvent{Type: event.Type, CustomEventName: event.CustomEventName, Timestamp: event.Timestamp}
			if event.CustomData != nil {
				out.CustomData = event.CustomData
			}
			if batch = append(batch, out); len(batch) == playline.MaxEvents {
				if err := flush(); err != nil {
					return "", err
				}
			}
		}
		if err := flush(); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%d accepted in %d requests", e.sent, requests), nil
}
