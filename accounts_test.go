package playline

import (
	"context"
	"net/http"
)

// Registering and logging in at PlaySmart: what is sent, what is read, what is refused before it.

const sessionReply = `{"data":{"access_token":"at-1","refresh_token":"rt-1","user":{"id":"u1","email":"ace@example.com","pseudo":null,
	"total_games_completed":3}}}`

var sessionResult = &Session{
	AccessToken: "at-1", RefreshToken: "rt-1", User: AccountUser{ID: "u1", Email: "ace@example.com", TotalGamesCompleted: 3},
}

var accountRows = []row{
	{
		op: opRegisterAccount, class: "unsent",
		call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return c.Accounts.Register(ctx, AccountCreate{Email: "ace@example.com", Password: "correct horse", DeviceID: "device-abc-123"}, opts...)
		},
		path: "/auth/register", body: `{"email":"ace@example.com","password":"correct horse","deviceId":"device-abc-123"}`,
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
