package emulator

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// ingest sends events, given as JSON, for a user under a token.
func ingest(t testing.TB, e *Emulator, token, userID, events string) answer {
	t.Helper()
	return send(t, e, request(t, "POST", "/playsmart/ingest/events",
		fmt.Sprintf(`{"user_id":%q,"game_id":"com.example.stackblaster","events":[%s]}`, userID, events), "Authorization: Bearer "+token))
}

const appOpen = `{"type":"AppOpen","timestamp":"2026-04-22T14:30:00+00:00"}`

func TestPlaySmartAccounts(t *testing.T) {
	e := New()
	const account = `{"email":"ace@example.com","password":"12345678","deviceId":"device-abc-123"}`
	a := send(t, e, request(t, "POST", "/playsmart/auth/register", account))
	require.Equal(t, 201, a.status, a.text)
	assert.Equal(t, map[string]any{"id": "usr_000001", "email": "ace@example.com", "pseudo": nil, "total_games_completed": 0.0}, a.at("data", "user"))
	token := a.at("data", "access_token").(string)
	assert.Equal(t, 202, ingest(t, e, token, "device-abc-123", appOpen).status)

	a = send(t, e, request(t, "POST", "/playsmart/auth/register", strings.Replace(account, "ace@", "ACE@", 1)))
	assert.Equal(t, 409, a.status)
	assert.Equal(t, "CONFLICT", a.at("error", "code"))
	assert.Equal(t, "email_already_registered", a.at("error", "message"))

	a = send(t, e, request(t, "POST", "/playsmart/auth/login", `{"email":"ace@example.com","password":"12345678"}`))
	require.Equal(t, 200, a.status)
	assert.NotEqual(t, token, a.at("data", "access_token"), "each login gives a token of its own")
	assert.Equal(t, 202, ingest(t, e, a.at("data", "access_token").(string), "device-abc-123", appOpen).status)
	refresh := a.at("data", "refresh_token").(string)
	a = ingest(t, e, refresh, "device-abc-123", appOpen)
	assert.Equal(t, 401, a.status, "a refresh token is no access token")

	for _, body := range []string{`{"email":"ace@example.com","password":"87654321"}`, `{"email":"blitz@example.com","password":"12345678"}`} {
		a = send(t, e, request(t, "POST", "/playsmart/auth/login", body))
		assert.Equal(t, 401, a.status)
		assert.Equal(t, "UNAUTHORIZED", a.at("error", "code"))
		assert.Equal(t, "invalid_credentials", a.at("error", "message"))
	}
	a = send(t, e, request(t, "POST", "/playsmart/auth/register", `{"email":"blitz@example.com","password":"1234567","deviceId":"d"}`))
	assert.Equal(t, 400, a.status)
	assert.Equal(t, "password", a.at("error", "details", 0, "field"))
	assert.Equal(t, "must have at least 8 characters", a.at("error", "details", 0, "message"))
}

func TestPlaySmartTokens(t *testing.T) {
	e := New()
	sign := func(method jwt.SigningMethod, key any, claims jwt.MapClaims) string {
		token, err := jwt.NewWithClaims(method, claims).SignedString(key)
		require.NoError(t, err)
		return token
	}
	later := time.Now().Add(time.Hour).Unix()
	good := e.Token("ace", time.Hour)
	tests := []struct {
		name    string
		headers []string
		status  int
		message any
	}{
		{"a token", []string{"Authorization: Bearer " + good}, 202, nil},
		{"none", nil, 401, "missing_bearer_token"},
		{"an empty one", []string{"Authorization: Bearer "}, 401, "missing_bearer_token"},
		{"basic auth", []string{"Authorization: Basic YTpi"}, 401, "missing_bearer_token"},
		{"no JWT", []string{"Authorization: Bearer token"}, 401, "invalid_token"},
		{"an expired one", []string{"Authorization: Bearer " + e.Token("ace", -time.Second)}, 401, "expired_token"},
		{"another key", []string{"Authorization: Bearer " + sign(jwt.SigningMethodHS256, []byte(strings.Repeat("k", 32)), jwt.MapClaims{"sub": "ace", "exp": later})}, 401, "invalid_token"},
		{"another method", []string{"Authorization: Bearer " + sign(jwt.SigningMethodHS512, []byte(playSmartKey), jwt.MapClaims{"sub": "ace", "exp": later})}, 401, "invalid_token"},
		{"unsigned", []string{"Authorization: Bearer " + sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, jwt.MapClaims{"sub": "ace", "exp": later})}, 401, "invalid_token"},
		{"no exp", []string{"Authorization: Bearer " + sign(jwt.SigningMethodHS256, []byte(playSmartKey), jwt.MapClaims{"sub": "ace"})}, 401, "invalid_token"},
		{"no sub", []string{"Authorization: Bearer " + sign(jwt.SigningMethodHS256, []byte(playSmartKey), jwt.MapClaims{"exp": later})}, 401, "invalid_token"},
		{"another user's", []string{"Authorization: Bearer " + e.Token("blitz", time.Hour)}, 403, "user_id_mismatch"},
		{"the forwarded header wins", []string{"Authorization: Bearer no", "X-Forwarded-Authorization: Bearer " + good}, 202, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := send(t, e, request(t, "POST", "/playsmart/ingest/events", `{"user_id":"ace","game_id":"g","events":[`+appOpen+`]}`, tt.headers...))
			assert.Equal(t, tt.status, a.status, a.text)
			assert.Equal(t, tt.message, a.at("error", "message"))
		})
	}
	assert.Equal(t, 2, e.EventCount())
}

func TestPlaySmartTokenExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := New(WithTokenTTL(time.Hour))
		a := send(t, e, request(t, "POST", "/playsmart/auth/register", `{"email":"ace@example.com","password":"12345678","deviceId":"ace"}`))
		token := a.at("data", "access_token").(string)
		time.Sleep(time.Hour - time.Second)
		assert.Equal(t, 202, ingest(t, e, token, "ace", appOpen).status)
		time.Sleep(time.Second)
		a = ingest(t, e, token, "ace", appOpen)
		assert.Equal(t, 401, a.status)
		assert.Equal(t, "expired_token", a.at("error", "message"))
	})
}

func TestPlaySmartIngest(t *testing.T) {
	tests := []struct {
		name, events string
		details      []any // of a refusal
	}{
		{"all six types", `{"type":"AppOpen","timestamp":"2026-04-22T14:30:00+00:00"},{"type":"LevelCompleted","timestamp":"2026-04-22T14:30:00.125-03:30"},
			{"type":"GameEnd","timestamp":"2026-04-22T14:30:00+00:00"},{"type":"AdImpression","timestamp":"2026-04-22T14:30:00+00:00"},
			{"type":"IAPPurchase","timestamp":"2026-04-22T14:30:00+00:00","customdata":{"price":4.99,"items":[{"id":"gem"}]}},
			{"type":"Custom","customEventName":"PowerUpUsed","timestamp":"2026-04-22T14:30:00+00:00"}`, nil},
		{"a name with another type is not used", `{"type":"AppOpen","customEventName":"x","timestamp":"2026-04-22T14:30:00+00:00"}`, nil},
		{
			"Custom without its name", appOpen + `,{"type":"Custom","timestamp":"2026-04-22T14:30:00+00:00"}`,
			[]any{map[string]any{"field": "events[1].customEventName", "message": "is required with type Custom"}},
		},
		{"two bad events", `{"type":"Custom","timestamp":"2026-04-22T14:30:00Z"},` + appOpen + `,{"type":"Custom","timestamp":"2026-04-22T14:30:00Z"}`, []any{
			map[string]any{"field": "events[0].customEventName", "message": "is required with type Custom"},
			map[string]any{"field": "events[2].customEventName", "message": "is required with type Custom"},
		}},
		{
			"a timestamp without an offset", `{"type":"AppOpen","timestamp":"2026-04-22T14:30:00"}`,
			[]any{map[string]any{"field": "events[0].timestamp", "message": "must be an RFC 3339 date and time, such as 2026-04-22T14:30:00+00:00"}},
		},
		{"an unknown type", `{"type":"AppClose","timestamp":"2026-04-22T14:30:00+00:00"}`, []any{map[string]any{
			"field":   "events[0].type",
			"message": `must be one of "AppOpen", "LevelCompleted", "GameEnd", "AdImpression", "IAPPurchase", "Custom"`,
		}}},
		{
			"customdata that is no object", `{"type":"AppOpen","timestamp":"2026-04-22T14:30:00+00:00","customdata":[]}`,
			[]any{map[string]any{"field": "events[0].customdata", "message": "must be an object"}},
		},
		{"no event", ``, []any{map[string]any{"field": "events", "message": "must have at least 1 item"}}},
		{"200 events", strings.Repeat(appOpen+",", 199) + appOpen, nil},
		{
			"201 events", strings.Repeat(appOpen+",", 200) + appOpen,
			[]any{map[string]any{"field": "events", "message": "must have at most 200 items"}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := New()
			a := ingest(t, e, e.Token("ace", time.Hour), "ace", tt.events)
			if tt.details == nil {
				count := strings.Count(tt.events, "timestamp")
				assert.Equal(t, 202, a.status, a.text)
				assert.Equal(t, true, a.at("success"))
				assert.Equal(t, fmt.Sprintf("accepted:%d buffered:%d", count, count), a.at("message"))
				assert.Len(t, e.Events("ace"), count)
				return
			}
			assert.Equal(t, 400, a.status)
			assert.Equal(t, "BAD_REQUEST", a.at("error", "code"))
			assert.Equal(t, "invalid_payload", a.at("error", "message"))
			assert.Equal(t, tt.details, a.at("error", "details"))
			assert.Zero(t, e.EventCount(), "the request is refused as a whole")
		})
	}
}

func TestPlaySmartEventsInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := New()
		token := e.Token("ace", time.Hour)
		start := time.Now()
		require.Equal(t, 202, ingest(t, e, token, "ace", `{"type":"Custom","customEventName":"PowerUpUsed","timestamp":"2026-04-22T14:30:00+00:00","customdata":{"n":1e2}}`).status)
		time.Sleep(time.Minute)
		require.Equal(t, 202, ingest(t, e, token, "ace", appOpen).status)
		want := []Event{
			{"ace", "com.example.stackblaster", "Custom", "PowerUpUsed", "2026-04-22T14:30:00+00:00", []byte(`{"n":1e2}`), start},
			{"ace", "com.example.stackblaster", "AppOpen", "", "2026-04-22T14:30:00+00:00", nil, start.Add(time.Minute)},
		}
		got := e.Events("ace")
		assert.Equal(t, want, got)
		got[0].CustomData[1] = 'x'
		assert.Equal(t, want, e.Events("ace"), "Events returns copies")
		assert.Empty(t, e.Events("blitz"))
	})
}

func TestPlaySmartBufferDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := New(WithDrainRate(2))
		token := e.Token("ace", time.Hour)
		three := appOpen + "," + appOpen + "," + appOpen
		steps := []struct {
			after   time.Duration
			message string
		}{
			{0, "accepted:3 buffered:3"},
			{0, "accepted:3 buffered:6"},
			{time.Second, "accepted:3 buffered:7"},
			{1250 * time.Millisecond, "accepted:3 buffered:8"}, // 7.5 are left: the last one is still on its way
			{time.Hour / 2, "accepted:3 buffered:3"},
		}
		for _, step := range steps {
			time.Sleep(step.after)
			assert.Equal(t, step.message, ingest(t, e, token, "ace", three).at("message"))
		}
		assert.Equal(t, 3, e.Buffered())
		time.Sleep(time.Second)
		assert.Equal(t, 1, e.Buffered())
		time.Sleep(time.Second)
		assert.Equal(t, 0, e.Buffered())
		assert.Equal(t, 15, e.EventCount())
	})
}

// TestEventTypesBesideTheContract: an emulator takes the types of its option, and the others
// of the program do not.
func TestEventTypesBesideTheContract(t *testing.T) {
	t.Parallel()
	const joined = `{"type":"GuildJoined","timestamp":"2026-04-22T14:30:00.000+00:00"}`
	for _, tt := range []struct {
		name string
		opts []Option
		want int
	}{
		{"told of it", []Option{WithEventTypes("BossDefeated"), WithEventTypes("GuildJoined")}, 202},
		{"told of another", []Option{WithEventTypes("BossDefeated")}, 400},
		{"told of none", nil, 400},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := New(tt.opts...)
			assert.Equal(t, tt.want, ingest(t, e, e.Token("ace", time.Hour), "ace", appOpen+","+joined).status)
		})
	}
}
