package playline

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Fyno's profiles: what is sent and what is read, operation by operation.

const statusReply = `{"_message":"done","status":"ok"}`

var statusOK = &Status{Message: "done", Status: "ok"}

// allChannels is every field of ProfileChannels, allChannelsJSON the same on the wire.
var allChannels = ProfileChannels{
	Discord: "discord-1", Email: "ace@example.com", Slack: "C012345", SMS: "+61400000000", Teams: "game-night", Voice: "+61400000001",
	WhatsApp: "+61400000002",
	InApp:    []ProfileToken{{Token: "inapp-1"}},
	Push:     []ProfileToken{{Token: "push-1", IntegrationID: "int-1", Status: new(Inactive)}, {Token: "push-2", Status: new(Active)}},
}

const allChannelsJSON = `{"discord":"discord-1","email":"ace@example.com","slack":"C012345","sms":"+61400000000","teams":"game-night",
	"voice":"+61400000001","whatsapp":"+61400000002","inapp":[{"token":"inapp-1"}],
	"push":[{"token":"push-1","integration_id":"int-1","status":0},{"token":"push-2","status":1}]}`

var profileRows = []row{
	{
		op: opCreateProfile, class: "unsent",
		call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return c.Profiles.Create(ctx, ProfileCreate{
				DistinctID: "ace", Name: "Ace", Status: new(Inactive), Timezone: "Asia/Kolkata", Channels: allChannels,
			}, opts...)
		},
		path:   "/FYTEST/live/profiles",
		body:   `{"distinct_id":"ace","name":"Ace","status":0,"timezone":"Asia/Kolkata","channel":` + allChannelsJSON + `}`,
		status: http.StatusCreated, reply: statusReply, result: statusOK,
	},
	{
		op: opCreateProfile, class: "unsent", variant: "with the least on test", test: true,
		call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return c.Profiles.Create(ctx, ProfileCreate{DistinctID: "ace"}, opts...)
		},
		path: "/FYTEST/test/profiles", body: `{"distinct_id":"ace"}`,
		status: http.StatusCreated, reply: statusReply, result: statusOK,
	},
	{
		op: opGetProfile, class: "safe",
		call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return c.Profiles.Get(ctx, "ace", opts...)
		},
		path:   "/FYTEST/live/profiles/ace",
		status: http.StatusOK,
		reply: `{"distinct_id":"ace","profile_id":"p1","name":"Ace","status":1,"country_code":"AU","timezone":"Australia/Sydney",
			"timezone_offset":"+10:00","created_at":"2023-04-21T06:34:01.386Z","updated_at":"yesterday","version":"live","id_list":["old-ace"],
			"channel":{"sms":"+61400000000","push":[{"token":"push-1","integration_id":null,"status":0}]},"properties":{"level":7},"channel_raw":[1]}`,
		result: &Profile{
			DistinctID: "ace", ProfileID: "p1", Name: "Ace", Status: Active, CountryCode: "AU", Timezone: "Australia/Sydney",
			TimezoneOffset: "+10:00",
			CreatedAt:      Timestamp{time.Date(2023, 4, 21, 6, 34, 1, 386e6, time.UTC), "2023-04-21T06:34:01.386Z"},
			UpdatedAt:      Timestamp{Raw: "yesterday"},
			Version:        FynoLive, IDList: []string{"old-ace"},
			Channels:    ProfileChannels{SMS: "+61400000000", Push: []ProfileToken{{Token: "push-1", Status: new(Inactive)}}},
			Properties:  json.RawMessage(`{"level":7}`),
			ChannelsRaw: json.RawMessage(`[1]`),
		},
		hostile: map[string]func(context.Context, *Client, string) error{
			"distinct_id": func(ctx context.Context, c *Client, id string) error { _, err := c.Profiles.Get(ctx, id); return err },
		},
	},
	{
		op: opUpdateProfile, class: "safe",
		call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return c.Profiles.Update(ctx, "ace", ProfileUpdate{
				DistinctID: "ace-2", Name: new(""), Status: new(Inactive), Timezone: "UTC", Channels: &ProfileChannels{Email: "ace@example.com"},
			}, opts...)
		},
		path:   "/FYTEST/live/profiles/ace",
		body:   `{"distinct_id":"ace-2","name":"","status":0,"timezone":"UTC","channel":{"email":"ace@example.com"}}`,
		status: http.StatusOK, reply: statusReply, result: statusOK,
		hostile: map[string]func(context.Context, *Client, string) error{
			"distinct_id": func(ctx context.Context, c *Client, id string) error {
				_, err := c.Profiles.Update(ctx, id, ProfileUpdate{Timezone: "UTC"})
				return err
			},
		},
	},
	{
		op: opUpdateProfile, class: "safe", variant: "of one field",
		call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return c.Profiles.Update(ctx, "ace", ProfileUpdate{Timezone: "UTC"}, opts...)
		},
		path: "/FYTEST/live/profiles/ace", body: `{"timezone":"UTC"}`,
		status: http.StatusOK, reply: statusReply, result: statusOK,
	},
	{
		op: opMergeProfiles, class: "unsent",
		call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return c.Profiles.Merge(ctx, "guest-1", "ace", opts...)
		},
		path: "/FYTEST/live/profiles/guest-1/merge/ace", status: http.StatusOK, reply: statusReply, result: statusOK,
		hostile: map[string]func(context.Context, *Client, string) error{
			"source_distinct_id": func(ctx context.Context, c *Client, id string) error {
				_, err := c.Profiles.Merge(ctx, id, "ace")
				return err
			},
			"target_distinct_id": func(ctx context.Context, c *Client, id string) error {
				_, err := c.Profiles.Merge(ctx, "ace", id)
				return err
			},
		},
	},
	{
		op: opDeleteProfiles, class: "unsent",
		call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return c.Profiles.Delete(ctx, []string{"ace", "blitz"}, opts...)
		},
		path: "/FYTEST/live/profiles/delete", body: `{"distinct_id":["ace","blitz"]}`,
		status: http.StatusOK, reply: statusReply, result: statusOK,
	},
}

var channelRows = []row{
	{
		op: opUpdateChannels, class: "unsent",
		call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return c.Profiles.UpdateChannels(ctx, "ace", allChannels, opts...)
		},
		path: "/FYTEST/live/profiles/ace/channel", body: `{"channel":` + allChannelsJSON + `}`,
		status: http.StatusOK, reply: statusReply, result: statusOK,
		hostile: map[string]func(context.Context, *Client, string) error{
			"distinct_id": func(ctx context.Context, c *Client, id string) error {
				_, err := c.Profiles.UpdateChannels(ctx, id, allChannels)
				return err
			},
		},
	},
	{
		op: opDeleteChannels, class: "unsent",
		call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return c.Profiles.DeleteChannels(ctx, "ace", []Channel{ChannelSMS, ChannelPush}, opts...)
		},
		path: "/FYTEST/live/profiles/ace/channel/delete", body: `{"channel":["sms","push"]}`,
		status: http.StatusOK, reply: statusReply, result: statusOK,
		hostile: map[string]func(context.Context, *Client, string) error{
			"distinct_id": func(ctx context.Context, c *Client, id string) error {
				_, err := c.Profiles.DeleteChannels(ctx, id, []Channel{ChannelSMS})
				return err
			},
		},
	},
	{
		op: opDeleteTokens, class: "unsent",
		call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return c.Profiles.DeleteTokens(ctx, "ace", ProfileTokens{InApp: []string{"inapp-1"}, Push: []string{"push-1", "push-2"}}, opts...)
		},
		path: "/FYTEST/live/profiles/ace/channel/delete", body: `{"inapp":["inapp-1"],"push":["push-1","push-2"]}`,
		status: http.StatusOK, reply: statusReply, result: statusOK,
		hostile: map[string]func(context.Context, *Client, string) error{
			"distinct_id": func(ctx context.Context, c *Client, id string) error {
				_, err := c.Profiles.DeleteTokens(ctx, id, ProfileTokens{Push: []string{"push-1"}})
				return err
			},
		},
	},
	{
		op: opDeleteTokens, class: "unsent", variant: "of one channel",
		call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return c.Profiles.DeleteTokens(ctx, "ace", ProfileTokens{Push: []string{"push-1"}}, opts...)
		},
		path: "/FYTEST/live/profiles/ace/channel/delete", body: `{"push":["push-1"]}`,
		status: http.StatusOK, reply: statusReply, result: statusOK,
	},
}

func TestPropertyMapReadsAnObjectAndSaysWhereItIsNone(t *testing.T) {
	t.Parallel()
	m, err := (&Profile{Properties: json.RawMessage(`{"steam":76561197960287931,"levels":[7,{"best":9007199254740993}],"ratio":0.1,"clan":"red"}`)}).PropertyMap()
	require.NoError(t, err)
	assert.Equal(t, map[string]any{
		"steam": json.Number("76561197960287931"), "levels": []any{json.Number("7"), map[string]any{"best": json.Number("9007199254740993")}},
		"ratio": json.Number("0.1"), "clan": "red",
	}, m, "a float64 would have made 76561197960287940 of it")

	_, err = (&Profile{Properties: json.RawMessage(`[{"level":7}]`)}).PropertyMap()
	require.ErrorContains(t, err, "not a JSON object")
}

// TestAProfileWithIDsOfOtherTypes: the vendor does not say what an item of id_list is.
func TestAProfileWithIDsOfOtherTypes(t *testing.T) {
	t.Parallel()
	for list, want := range map[string][]string{
		`["ace","blitz"]`: {"ace", "blitz"}, `["ace",76561197960287931,null,{"id":"x"},["y"],true]`: {"ace", "76561197960287931"},
		`[]`: {}, `null`: nil, `"ace"`: nil, `{"ace":1}`: nil,
	} {
		reply := rows[slices.IndexFunc(rows, func(r row) bool { return r.op == opGetProfile })].reply
		body := strings.Replace(reply, `"id_list":["old-ace"]`, `"id_list":`+list, 1)
		require.Contains(t, body, list)
		profile, err := newClient(t, script(step{body: body})).Profiles.Get(t.Context(), "ace")
		require.NoError(t, err, list)
		assert.Equal(t, want, profile.IDList, list)
		assert.NotEmpty(t, profile.DistinctID, list)
	}
}
