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

// Recipe 2: httpmock, for an answer that the emulator never gives: a status of next year, a page of a proxy. Take NewMockTransport and
// WithHTTPClient. httpmock.Activate changes http.DefaultTransport, which is neither what the client uses nor safe in parallel tests.

func TestAnswersOfFyno(t *testing.T) {
	tests := []struct {
		name   string
		status int
		body   string
		err    string // a part of the error, "" for none
	}{
		{"taken", 202, `{"request_id":"r1","response":{"sms":{"status":"ok"}}}`, ""},
		{"suppressed", 202, `{"request_id":"r1","response":{"sms":{"status":"suppressed"}}}`, ""},
		{"suppressed on one, broken on the other", 202, `{"request_id":"r1","response":{"email":{"status":"mailbox_full"},"sms":{"status":"suppressed"}}}`, "mailbox_full"},
		{"a status of next year", 202, `{"request_id":"r1","response":{"sms":{"status":"postponed"}}}`, "postponed"},
		{"no such event", 400, `{"status":"error","_message":"event does not exist"}`, "does not exist"},
		{"a page of a proxy", 200, `<html>please log in</html>`, "the message after level 10"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			mock := httpmock.NewMockTransport()
			mock.RegisterResponder(http.MethodPost, `=~/event$`, httpmock.NewStringResponder(tt.status, tt.body))
			mock.RegisterResponder(http.MethodPost, `=~/ingest/events$`, httpmock.NewStringResponder(202, `{"success":true}`))
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
