package playline

import (
	"context"
	"net/http"
	"time"
)

// Ingest.Send: what is sent, what is read, what is refused before it.

func gameplayBatch() IngestBatch {
	at := time.Date(2026, 4, 22, 14, 30, 0, 0, time.UTC)
	return IngestBatch{UserID: "device-abc-123", GameID: "com.example.stackblaster", Events: []GameplayEvent{
		{Type: AppOpen, Timestamp: at},
		{Type: LevelCompleted, Timestamp: at.Add(1500 * time.Millisecond), CustomData: map[string]any{"level": 7, "path": []any{"a", nil}}},
		{Type: Custom, CustomEventName: "PowerUpUsed", Timestamp: at.In(time.FixedZone("", 19800)), CustomData: struct {
			Name string `json:"name"`
		}{"sh\u00efeld \u2694"}},
	}}
}

var ingestRows = []row{{
	op: opIngestEvents, class: "unsent",
	call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return c.Ingest.Send(ctx, tokenPlayer, gameplayBatch(), opts...)
	},
	path: "/ingest/events",
	body: `{"user_id":"device-abc-123","game_id":"com.example.stackblaster","events":[
		{"type":"AppOpen","timestamp":"2026-04-22T14:30:00+00:00"},
		{"type":"LevelCompleted","timestamp":"2026-04-22T14:30:01.5+00:00","customdata":{"level":7,"path":["a",null]}},
		{"type":"Custom","customEventName":"PowerUpUsed","timestamp":"2026-04-22T20:00:00+05:30","customdata":{"name":"sh\u00efeld \u2694"}}]}`,
	status: http.StatusAccepted, reply: `{"success":true,"message":"accepted:3 buffered:12"}`,
	result: &IngestResult{Success: true, Message: "accepted:3 buffered:12", Accepted: 3, Buffered: 12},
}}
