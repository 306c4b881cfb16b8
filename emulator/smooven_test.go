package emulator

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Smooven: players, imports, and who may call.

func TestSmoovenPlayerLives(t *testing.T) {
	e := New()
	full := `{"external_id":"ace/1","channels":{"sms":"+61400000000","email":"ace@example.com","push":{"platform":"ios","device_token":"device-abc-123"}},
		"tags":["vip"],"preferences":{"preferred_channel":"push","quiet_hours":{"start":"22:00","end":"07:00","timezone":"Australia/Sydney"}}}`
	a := send(t, e, request(t, "POST", "/smooven/v1/players/register", full, smoovenAuth))
	require.Equal(t, 200, a.status, a.text)
	id := a.at("player_id").(string)
	assert.Equal(t, map[string]any{
		"success": true, "player_id": id, "external_id": "ace/1", "created": true,
		"channels_registered": []any{"sms", "email", "push"},
	}, a.body)

	a = send(t, e, request(t, "GET", "/smooven/v1/players/"+id, "", smoovenAuth))
	require.Equal(t, 200, a.status)
	assert.JSONEq(t, fmt.Sprintf(`{"player_id":%q,%s`, id, full[1:]), a.text)

	a = send(t, e, request(t, "POST", "/smooven/v1/players/register",
		`{"external_id":"ace/1","channels":{"email":"ace2@example.com"},"tags":[]}`, smoovenAuth))
	require.Equal(t, 200, a.status)
	assert.Equal(t, false, a.at("created"))
	assert.Equal(t, id, a.at("player_id"))
	assert.Equal(t, []any{"email"}, a.at("channels_registered"))
	player, ok := e.Player("ace/1")
	require.True(t, ok)
	assert.Equal(t, Player{
		ID: id, ExternalID: "ace/1", Tags: []string{},
		Channels: PlayerChannels{SMS: "+61400000000", Email: "ace2@example.com", Push: &PlayerPush{"ios", "device-abc-123"}},
		Preferences: &PlayerPreferences{
			PreferredChannel: "push", QuietHours: &QuietHours{"22:00", "07:00", "Australia/Sydney"},
		},
	}, player)

	assert.Equal(t, 404, send(t, e, request(t, "GET", "/smooven/v1/players/ace%2F1", "", smoovenAuth)).status,
		"the external id is not the player's id")
	a = send(t, e, request(t, "DELETE", "/smooven/v1/players/"+id, "", smoovenAuth))
	assert.Equal(t, 200, a.status)
	assert.Equal(t, true, a.at("success"))
	for _, method := range []string{"GET", "DELETE"} {
		a = send(t, e, request(t, method, "/smooven/v1/players/"+id, "", smoovenAuth))
		assert.Equal(t, 404, a.status)
		assert.Equal(t, "player_not_found", a.at("error", "code"))
		assert.Equal(t, false, a.at("success"))
	}
	_, ok = e.Player("ace/1")
	assert.False(t, ok)
	a = send(t, e, register(t, "ace/1"))
	assert.Equal(t, true, a.at("created"))
	assert.NotEqual(t, id, a.at("player_id"), "an id is never given twice")
}

func TestSmoovenAuth(t *testing.T) {
	e := New()
	const valid = `{"external_id":"ace","channels":{}}`
	tests := []struct {
		name, method, path, body string
		headers                  []string
		status                   int
		code                     any
	}{
		{"no credentials", "POST", "register", valid, nil, 401, "unauthorized"},
		{"the secret key", "POST", "register", valid, []string{smoovenAuth}, 200, nil},
		{"the app id registers", "POST", "register", valid, []string{"X-App-ID: " + SmoovenAppID}, 200, nil},
		{"another app id", "POST", "register", valid, []string{"X-App-ID: app_live_other"}, 401, "unauthorized"},
		{"a wrong key beside the app id", "POST", "register", valid, []string{"X-App-ID: " + SmoovenAppID, "Authorization: Bearer no"}, 401, "unauthorized"},
		{"the app id does not import", "POST", "batch", `{"players":[` + valid + `]}`, []string{"X-App-ID: " + SmoovenAppID}, 403, "forbidden"},
		{"the app id does not read", "GET", "ply_1", "", []string{"X-App-ID: " + SmoovenAppID}, 403, "forbidden"},
		{"the app id does not delete", "DELETE", "ply_1", "", []string{"X-App-ID: " + SmoovenAppID}, 403, "forbidden"},
		{"the key without Bearer", "GET", "ply_1", "", []string{"Authorization: " + SmoovenKey}, 401, "unauthorized"},
		{"auth comes before the contract", "POST", "register", "{}", nil, 401, "unauthorized"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := send(t, e, request(t, tt.method, "/smooven/v1/players/"+tt.path, tt.body, tt.headers...))
			assert.Equal(t, tt.status, a.status, a.text)
			assert.Equal(t, tt.code, a.at("error", "code"))
		})
	}
}

func TestSmoovenRecipients(t *testing.T) {
	tests := []struct {
		name, channels string
		status         int
	}{
		{"no channel", `{}`, 200},
		{"a number", `{"sms":"+61400000000"}`, 200},
		{"a number without +", `{"sms":"61400000000"}`, 400},
		{"a number with spaces", `{"sms":"+61 400 000 000"}`, 400},
		{"a number too long", `{"sms":"+6140000000000000"}`, 400},
		{"an empty number", `{"sms":""}`, 400},
		{"an address", `{"email":"ace@example.com"}`, 200},
		{"an address with a name", `{"email":"Ace <ace@example.com>"}`, 400},
		{"no address", `{"email":"ace"}`, 400},
		{"an empty address", `{"email":""}`, 400},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := New()
			a := send(t, e, request(t, "POST", "/smooven/v1/players/register", `{"external_id":"ace","channels":`+tt.channels+`}`, smoovenAuth))
			assert.Equal(t, tt.status, a.status)
			if tt.status == 400 {
				assert.Equal(t, "invalid_recipient", a.at("error", "code"))
				assert.Empty(t, e.Players())
			}
		})
	}
}

func TestSmoovenImport(t *testing.T) {
	e := New()
	a := send(t, e, request(t, "POST", "/smooven/v1/players/batch", `{"players":[
		{"external_id":"ace","channels":{"sms":"+61400000000"}},
		{"external_id":"blitz","channels":{"sms":"0400000000"}},
		{"external_id":"comet","channels":{"email":"comet"}},
		{"external_id":"ace","channels":{"email":"ace@example.com"}}]}`, smoovenAuth))
	require.Equal(t, 200, a.status)
	assert.Equal(t, true, a.at("success"))
	assert.EqualValues(t, 2, a.at("imported"))
	assert.Len(t, a.at("errors"), 2)
	assert.Equal(t, map[string]any{
		"index": 1.0, "external_id": "blitz", "code": "invalid_recipient",
		"message": "channels.sms must be an E.164 number, such as +61400000000",
	}, a.at("errors", 0))
	assert.EqualValues(t, 2, a.at("errors", 1, "index"))
	players := e.Players()
	require.Len(t, players, 1)
	assert.Equal(t, PlayerChannels{SMS: "+61400000000", Email: "ace@example.com"}, players[0].Channels)

	a = send(t, e, request(t, "POST", "/smooven/v1/players/batch", `{"players":[]}`, smoovenAuth))
	assert.Equal(t, 400, a.status)
	a = send(t, e, request(t, "POST", "/smooven/v1/players/batch", `{"players":[{"external_id":"dart"}]}`, smoovenAuth))
	assert.Equal(t, 400, a.status)
	assert.Equal(t, "body.players[0].channels is required", a.at("error", "message"))
}

func TestSnapshotsAreCopies(t *testing.T) {
	e := New()
	body := `{"external_id":"ace","channels":{"push":{"device_token":"device-abc-123"}},"tags":["vip"],"preferences":{"quiet_hours":{"start":"22:00","end":"07:00","timezone":"UTC"}}}`
	require.Equal(t, 200, send(t, e, request(t, "POST", "/smooven/v1/players/register", body, smoovenAuth)).status)
	before := e.Players()
	spoiled := e.Players()[0]
	spoiled.Tags[0], spoiled.Channels.Push.DeviceToken, spoiled.Preferences.QuietHours.Start = "x", "x", "x"
	assert.Equal(t, before, e.Players())
}
