package rewards

import (
	"context"
	"net/http"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/batcher"
)

// Recipe 2: httpmock, for an answer that the emulator never gives: a status of next year, a page of
// a proxy. Take NewMockTransport and WithHTTPClient. httpmock.Activate changes
// http.DefaultTransport, which is neither what the client uses nor safe in parallel tests.

// fyno is an answer as Fyno documents it. An answer that lacks a member which the vendor requires
// is not taken for the service's own, and the error names the member: so a mock cannot promise what
// the real service does not.
func fyno(channels string) string {
	return `{"event":"level_10","received_time":"2026-04-22T14:30:00Z","request_id":"r1","response":{` + channels + `}}`
}

func TestAnswersOfFyno(t *testing.T) {
	tests := []struct {
		name   string
		status int
		body   string
		err    string // a part of the error, "" for none
	}{
		{"taken", 202, fyno(`"sms":{"status":"ok","destination":"+61400000000","msg_id":"m1"}`), ""},
		{"suppressed", 202, fyno(`"sms":{"status":"suppressed","destination":"+61400000000","msg_id":"m1"}`), ""},
		{"suppressed on one, broken on the other", 202, fyno(`"email":{"status":"mailbox_full","destination":"ace@example.com","msg_id":"m1"},
			"sms":{"status":"suppressed","destination":"+61400000000","msg_id":"m2"}`), "mailbox_full"},
		{"a status of next year", 202, fyno(`"sms":{"status":"postponed","destination":"+61400000000","msg_id":"m1"}`), "postponed"},
		{"no such event", 400, `{"status":"error","_message":"event does not exist"}`, "does not exist"},
		{"a page of a proxy", 200, `<html>please log in</html>`, "the message after level 10"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			mock := httpmock.NewMockTransport()
			mock.RegisterResponder(http.MethodPost, `=~/event$`, httpmock.NewStringResponder(tt.status, tt.body))
			mock.RegisterResponder(http.MethodPost, `=~/ingest/events$`, httpmock.NewStringResponder(202, `{"success":true,"message":"accepted:1 buffered:1"}`))
			client, err := playline.New(
				playline.WithFyno("FYWORKSPACE", playline.FynoLive, "key"),
				playline.WithPlaySmart(),
				playline.WithHTTPClient(&http.Client{Transport: mock}),
				playline.WithRetryPolicy(playline.RetryPolicy{MaxAttempts: 1}), // or the test waits out the pauses
			)
			require.NoError(t, err)
			tokens := batcher.TokenFunc(func(context.Context, string) (batcher.Token, error) { return batcher.Token{Value: "token"}, nil })
			rewards, err := New(client, tokens, func(o batcher.Outcome) { t.Errorf("%s: %v", o.Result, o.Err) })
			require.NoError(t, err)

			err = rewards.LevelCompleted(t.Context(), "device-abc-123", 10)
			if tt.err == "" {
				assert.NoError(t, err)
			} else {
				assert.ErrorContains(t, err, tt.err)
			}
			report, err := rewards.Close(t.Context())
			require.NoError(t, err)
			assert.EqualValues(t, 1, report.Delivered, "whatever Fyno says")
		})
	}
}
