package playline

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/batcher"
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
		{"type":"AppOpen","timestamp":"2026-04-22T14:30:00.000+00:00"},
		{"type":"LevelCompleted","timestamp":"2026-04-22T14:30:01.500+00:00","customdata":{"level":7,"path":["a",null]}},
		{"type":"Custom","customEventName":"PowerUpUsed","timestamp":"2026-04-22T20:00:00.000+05:30","customdata":{"name":"sh\u00efeld \u2694"}}]}`,
	status: http.StatusAccepted, reply: `{"success":true,"message":"accepted:3 buffered:12"}`,
	result: &IngestResult{Success: true, Message: "accepted:3 buffered:12", Accepted: 3, Buffered: 12},
}}

// TestIngestTimestamps: milliseconds, always, and an offset of hours and minutes that names the same moment.
func TestIngestTimestamps(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 4, 22, 14, 30, 0, 123_456_789, time.UTC)
	for want, at := range map[string]time.Time{
		"2026-04-22T14:30:00.123+00:00": at,
		"2026-04-22T14:30:00.000+00:00": at.Truncate(time.Second),
		"2026-04-22T14:30:00.999+00:00": at.Truncate(time.Second).Add(time.Second - 1),
		"2026-04-22T20:00:00.123+05:30": at.In(time.FixedZone("", 19800)),
		"2026-04-22T14:30:00.124+00:00": at.Add(time.Millisecond).In(time.FixedZone("", 19817)),
		"2026-04-22T14:30:00.125+00:00": at.Add(2 * time.Millisecond).In(time.FixedZone("", 25*3600)),
	} {
		s := script(step{status: 202, body: `{"success":true,"message":"accepted:1 buffered:1"}`})
		_, err := newClient(t, s).Ingest.Send(t.Context(), tokenPlayer, IngestBatch{UserID: "ace", GameID: "g", Events: []GameplayEvent{{Type: AppOpen, Timestamp: at}}})
		require.NoError(t, err)
		assert.JSONEq(t, `{"user_id":"ace","game_id":"g","events":[{"type":"AppOpen","timestamp":"`+want+`"}]}`, string(s.last(t).body))
	}
}

// TestEventTypesThatACallerAdds: a type that the vendor has added needs no new version of this library.
func TestEventTypesThatACallerAdds(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 4, 22, 14, 30, 0, 0, time.UTC)
	batch := func(kind EventType) IngestBatch {
		return IngestBatch{UserID: "ace", GameID: "g", Events: []GameplayEvent{{Type: AppOpen, Timestamp: at}, {Type: kind, Timestamp: at}}}
	}
	s := script(step{status: 202, body: `{"success":true,"message":"accepted:2 buffered:2"}`})
	var invalid *ValidationError
	for _, kind := range []EventType{"BossDefeated", "appopen", "AppOpen "} {
		_, err := newClient(t, s, WithEventTypes("GuildJoined")).Ingest.Send(t.Context(), tokenPlayer, batch(kind))
		require.ErrorAs(t, err, &invalid)
		assert.Equal(t, "events[1].type", invalid.Field)
		assert.Contains(t, invalid.Rule, "WithEventTypes")
	}
	assert.Zero(t, s.count())
	c := newClient(t, s, WithEventTypes("GuildJoined"), WithEventTypes("BossDefeated"))
	for _, kind := range []EventType{"GuildJoined", "BossDefeated", GameEnd} {
		_, err := c.Ingest.Send(t.Context(), tokenPlayer, batch(kind))
		require.NoError(t, err, kind)
		assert.Contains(t, string(s.last(t).body), `"type":"`+string(kind)+`"`)
	}
	for _, kind := range []EventType{"", "a b", "a\n", "\u00e9", EventType(strings.Repeat("x", 101))} {
		_, err := New(WithPlaySmart(), WithEventTypes(kind))
		require.ErrorContains(t, err, "WithEventTypes", "%q", kind)
	}
	synctest.Test(t, func(t *testing.T) {
		s := script(step{status: 202, body: `{"success":true,"message":"accepted:1 buffered:1"}`})
		b, err := newClient(t, s, WithEventTypes("GuildJoined")).NewBatcher(batcher.Config{
			GameID: "g", AtMostOnce: []batcher.EventType{"GuildJoined"}, EventTypes: []batcher.EventType{"BossDefeated"},
			Tokens: batcher.TokenFunc(func(context.Context, string) (batcher.Token, error) {
				return batcher.Token{Value: batcher.Secret(tokenPlayer)}, nil
			}),
		})
		require.NoError(t, err)
		require.NoError(t, b.Track(t.Context(), "ace", batcher.Event{Type: "GuildJoined", Time: at}))
		require.NoError(t, b.Track(t.Context(), "blitz", batcher.Event{Type: "BossDefeated", Time: at}))
		require.Error(t, b.Track(t.Context(), "ace", batcher.Event{Type: "Nothing", Time: at}))
		report, err := b.Close(t.Context())
		require.NoError(t, err)
		assert.Equal(t, int64(2), report.Delivered)
		var bodies []string
		for _, in := range s.seen {
			bodies = append(bodies, string(in.body))
		}
		assert.ElementsMatch(t, []string{
			`{"user_id":"ace","game_id":"g","events":[{"type":"GuildJoined","timestamp":"2026-04-22T14:30:00.000+00:00"}]}`,
			`{"user_id":"blitz","game_id":"g","events":[{"type":"BossDefeated","timestamp":"2026-04-22T14:30:00.000+00:00"}]}`,
		}, bodies)
	})
}
