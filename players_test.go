package playline

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Smooven's players: what is sent and what is read, operation by operation.

var playerRows = []row{
	{
		op: opRegisterPlayer, class: "safe",
		call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return c.Players.Register(ctx, Player{
				ExternalID: "device-abc-123",
				Channels: PlayerChannels{
					SMS: "+61400000000", Email: "ace@example.com", Push: &PushChannel{Platform: PlatformAndroid, DeviceToken: "device-token-1"},
				},
				Tags: []string{"vip", "beta"},
				Preferences: &PlayerPreferences{
					PreferredChannel: ChannelPush,
					QuietHours:       &QuietHours{Start: "22:00", End: "07:00", Timezone: "Australia/Sydney"},
				},
			}, opts...)
		},
		path: "/players/register",
		body: `{"external_id":"device-abc-123","channels":{"sms":"+61400000000","email":"ace@example.com",
			"push":{"platform":"android","device_token":"device-token-1"}},"tags":["vip","beta"],
			"preferences":{"preferred_channel":"push","quiet_hours":{"start":"22:00","end":"07:00","timezone":"Australia/Sydney"}}}`,
		status: http.StatusOK,
		reply:  `{"success":true,"player_id":"ply_abc123","external_id":"device-abc-123","channels_registered":["sms","email","push"],"created":true}`,
		result: &RegisteredPlayer{
			Success: true, PlayerID: "ply_abc123", ExternalID: "device-abc-123",
			ChannelsRegistered: []Channel{ChannelSMS, ChannelEmail, ChannelPush}, Created: true,
		},
	},
	{
		op: opRegisterPlayer, class: "safe", variant: "with the least",
		call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return c.Players.Register(ctx, Player{ExternalID: "ace"}, opts...)
		},
		path: "/players/register", body: `{"external_id":"ace","channels":{}}`,
		status: http.StatusOK,
		reply:  `{"success":true,"player_id":"ply_2","external_id":"ace","channels_registered":[],"created":false}`,
		result: &RegisteredPlayer{Success: true, PlayerID: "ply_2", ExternalID: "ace", ChannelsRegistered: []Channel{}},
	},
	{
		op: opGetPlayer, class: "safe",
		call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return c.Players.Get(ctx, "ply_abc123", opts...)
		},
		path:   "/players/ply_abc123",
		status: http.StatusOK,
		reply:  `{"player_id":"ply_abc123","external_id":"ace","channels":{"email":"ace@example.com"},"tags":["vip"],"channels_registered":["email"],"level":7}`,
		result: &PlayerRecord{
			Player:   Player{ExternalID: "ace", Channels: PlayerChannels{Email: "ace@example.com"}, Tags: []string{"vip"}},
			PlayerID: "ply_abc123", ChannelsRegistered: []Channel{ChannelEmail},
			Raw: json.RawMessage(`{"player_id":"ply_abc123","external_id":"ace","channels":{"email":"ace@example.com"},"tags":["vip"],"channels_registered":["email"],"level":7}`),
		},
		hostile: map[string]func(context.Context, *Client, string) error{
			"player_id": func(ctx context.Context, c *Client, id string) error { _, err := c.Players.Get(ctx, id); return err },
		},
	},
	{
		op: opGetPlayer, class: "safe", variant: "of an unexpected shape",
		call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return c.Players.Get(ctx, "ply_2", opts...)
		},
		path:   "/players/ply_2",
		status: http.StatusOK,
		reply:  `{"player_id":"ply_2","external_id":42,"channels":[],"tags":"vip","preferences":null}`,
		result: &PlayerRecord{
			PlayerID: "ply_2", Player: Player{ExternalID: "42"},
			Raw: json.RawMessage(`{"player_id":"ply_2","external_id":42,"channels":[],"tags":"vip","preferences":null}`),
		},
	},
	{
		op: opImportPlayers, class: "unsent",
		call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return c.Players.Import(ctx, []Player{
				{ExternalID: "ace", Channels: PlayerChannels{SMS: "+61400000000"}},
				{ExternalID: "blitz", Channels: PlayerChannels{Push: &PushChannel{DeviceToken: "device-token-2"}}},
			}, opts...)
		},
		path: "/players/batch",
		body: `{"players":[{"external_id":"ace","channels":{"sms":"+61400000000"}},
			{"external_id":"blitz","channels":{"push":{"device_token":"device-token-2"}}}]}`,
		status: http.StatusOK,
		reply:  `{"success":true,"imported":2,"errors":[]}`,
		result: &ImportResult{Success: true, Imported: 2, Errors: []json.RawMessage{}},
	},
	{
		op: opDeletePlayer, class: "safe",
		call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return c.Players.Delete(ctx, "ply_abc123", opts...)
		},
		path: "/players/ply_abc123", status: http.StatusOK, reply: `{"success":true}`, result: &DeletedPlayer{},
		hostile: map[string]func(context.Context, *Client, string) error{
			"player_id": func(ctx context.Context, c *Client, id string) error { _, err := c.Players.Delete(ctx, id); return err },
		},
	},
}

// TestAnEmptyListOfTagsIsSent: it takes the last tag away, where nil leaves the tags as they are.
func TestAnEmptyListOfTagsIsSent(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		tags []string
		want string
	}{
		{"nil", nil, `{"external_id":"ace","channels":{}}`},
		{"empty", []string{}, `{"external_id":"ace","channels":{},"tags":[]}`},
		{"one", []string{"vip"}, `{"external_id":"ace","channels":{},"tags":["vip"]}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := script(step{body: `{"success":true,"player_id":"ply_1","external_id":"ace","channels_registered":[],"created":false}`})
			c, err := New(WithSmooven(keySmooven), WithHTTPClient(newHTTPClient(s)))
			require.NoError(t, err)
			_, err = c.Players.Register(t.Context(), Player{ExternalID: "ace", Tags: tt.tags})
			require.NoError(t, err)
			assert.JSONEq(t, tt.want, string(s.last(t).body))
			_, err = c.Identify(t.Context(), Person{Identity: Identity{ID: "ace"}, Tags: tt.tags})
			require.NoError(t, err)
			assert.JSONEq(t, tt.want, string(s.last(t).body))

			s = script(step{body: `{"success":true,"imported":1,"errors":[]}`})
			_, err = newClient(t, s).Players.Import(t.Context(), []Player{{ExternalID: "ace", Tags: tt.tags}})
			require.NoError(t, err)
			assert.JSONEq(t, `{"players":[`+tt.want+`]}`, string(s.last(t).body))
		})
	}
}
