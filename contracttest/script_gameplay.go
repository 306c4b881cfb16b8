package main

import (
	"context"
	"time"

	"github.com/playline/playline-go"
)

// PlaySmart's part of the script: accounts and gameplay events.

const gameID = "com.example.stackblaster"

// fullEvents are one event of each type, with every field that it may have.
func fullEvents() []playline.GameplayEvent {
	at := time.Date(2026, 4, 22, 14, 30, 0, 0, time.UTC)
	data := map[string]any{"level": 7, "items": []any{"bow", nil, map[string]any{"count": 2}}, "name": "東京"}
	events := []playline.GameplayEvent{{Type: playline.Custom, CustomEventName: "PowerUpUsed", Timestamp: at, CustomData: data}}
	for _, kind := range []playline.EventType{
		playline.AppOpen, playline.LevelCompleted, playline.GameEnd, playline.AdImpression, playline.IAPPurchase,
	} {
		at = at.Add(time.Second + time.Millisecond)
		events = append(events, playline.GameplayEvent{Type: kind, Timestamp: at, CustomData: data})
	}
	return events
}

// gameplay are the calls to PlaySmart.
func (s *script) gameplay() []step {
	c := s.client
	const user = "device-abc-123"
	account := playline.AccountCreate{Email: "ace@example.com", Password: "correct-horse-9", DeviceID: user}
	var token playline.Secret
	return []step{
		{"Accounts.Register", func(ctx context.Context) error {
			out, err := c.Accounts.Register(ctx, account)
			if err == nil {
				token = out.AccessToken.Secret()
			}
			return err
		}, nil},
		{"Accounts.Register", func(ctx context.Context) error {
			_, err := c.Accounts.Register(ctx, account)
			return err
		}, playline.ErrConflict},
		{"Accounts.Login", func(ctx context.Context) error {
			_, err := c.Accounts.Login(ctx, playline.Credentials{Email: account.Email, Password: account.Password})
			return err
		}, nil},
		{"Accounts.Login", func(ctx context.Context) error {
			_, err := c.Accounts.Login(ctx, playline.Credentials{Email: account.Email, Password: "wrong-horse-9"})
			return err
		}, playline.ErrUnauthorized},
		{"Ingest.Send", func(ctx context.Context) error {
			_, err := c.Ingest.Send(ctx, token, playline.IngestBatch{UserID: user, GameID: gameID, Events: fullEvents()})
			return err
		}, nil},
		{"Ingest.Send", func(ctx context.Context) error {
			events := make([]playline.GameplayEvent, playline.MaxEvents)
			for i := range events {
				events[i] = fullEvents()[1]
			}
			_, err := c.Ingest.Send(ctx, token, playline.IngestBatch{UserID: user, GameID: gameID, Events: events})
			return err
		}, nil},
		{"Ingest.Send", func(ctx context.Context) error {
			_, err := c.Ingest.Send(ctx, token, playline.IngestBatch{UserID: "somebody-else", GameID: gameID, Events: fullEvents()})
			return err
		}, playline.ErrForbidden},
		{"Ingest.Send", func(ctx context.Context) error {
			_, err := c.Ingest.Send(ctx, "wrong", playline.IngestBatch{UserID: user, GameID: gameID, Events: fullEvents()})
			return err
		}, playline.ErrUnauthorized},
	}
}
