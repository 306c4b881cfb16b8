package playline

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
)

// Registering and logging in at PlaySmart: what is sent, what is read, what is refused before it.

const sessionReply = `{"data":{"access_token":"at-1","refresh_token":"rt-1","user":{"id":"u1","email":"ace@example.com","pseudo":null,
	"total_games_completed":3}}}`

var sessionResult = &Session{
	AccessToken: Secret("at-1").Hold(), RefreshToken: Secret("rt-1").Hold(), User: AccountUser{ID: "u1", Email: "ace@example.com", TotalGamesCompleted: 3},
}

var accountRows = []row{
	{
		op: opRegisterAccount, class: "unsent",
		call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return c.Accounts.Register(ctx, AccountCreate{Email: "ace@example.com", Password: passwordAce, DeviceID: "device-abc-123"}, opts...)
		},
		path: "/auth/register", body: `{"email":"ace@example.com","password":"Horse\u0026\"Canary\u003c9\u003e\\%+/=é","deviceId":"device-abc-123"}`,
		status: http.StatusCreated, reply: sessionReply, result: sessionResult,
	},
	{
		op: opLogin, class: "safe",
		call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return c.Accounts.Login(ctx, Credentials{Email: "ace@example.com", Password: "short"}, opts...)
		},
		path: "/auth/login", body: `{"email":"ace@example.com","password":"short"}`,
		status: http.StatusOK, reply: sessionReply, result: sessionResult,
	},
}

// assertResult compares what a call returned: two sessions by the tokens that they hold, which no
// comparison by reflection can see.
func assertResult(t *testing.T, want, got any) {
	t.Helper()
	if got, ok := got.(*Session); ok {
		want, ok := want.(*Session)
		assert.True(t, ok && want.AccessToken.Equal(got.AccessToken) && want.RefreshToken.Equal(got.RefreshToken))
		assert.Equal(t, want.User, got.User)
		return
	}
	assert.Equal(t, want, got)
}
