package playline

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"
)

// One Error for all services: what it says, matches, logs and hides.

func getPlayer(ctx context.Context, c *Client, opts ...RequestOption) error {
	_, err := c.Players.Get(ctx, "ply_1", opts...)
	return err
}

func TestErrorMatchesTheSentinelOfItsStatus(t *testing.T) {
	t.Parallel()
	for status, want := range map[int][]error{
		400: {ErrInvalid}, 401: {ErrUnauthorized}, 402: nil, 403: {ErrForbidden}, 404: {ErrNotFound}, 405: nil, 409: {ErrConflict},
		410: {ErrNotFound}, 413: {ErrInvalid}, 422: {ErrInvalid}, 429: {ErrRateLimited}, 408: {ErrUnavailable},
		500: {ErrUnavailable}, 501: {ErrUnavailable}, 503: {ErrUnavailable}, 599: {ErrUnavailable},
	} {
		synctest.Test(t, func(t *testing.T) {
			err := getPlayer(t.Context(), newClient(t, script(refusedBy(Smooven, status))), Retry(RetryPolicy{MaxAttempts: 1}))
			require.Error(t, err)
			var got []error
			for _, s := range sentinels {
				if errors.Is(err, s) {
					got = append(got, s)
				}
			}
			assert.Equal(t, want, got, "status %d", status)
		})
	}
}

// TestRefusalsInEveryForm goes through what the five services, and the gateways before them, answer.
func TestRefusalsInEveryForm(t *testing.T) {
	t.Parallel()
	calls := map[Service]func(context.Context, *Client) error{
		Smooven: func(ctx context.Context, c *Client) error { return getPlayer(ctx, c) },
		Fyno:    func(ctx context.Context, c *Client) error { _, err := c.Profiles.Get(ctx, "ace"); return err },
		SmartSender: func(ctx context.Context, c *Client) error {
			_, err := c.Contacts.Update(ctx, 1, map[string]any{"a": 1})
			return err
		},
		Sunshine: func(ctx context.Context, c *Client) error {
			_, err := c.Messaging.ListClients(ctx, "ace", ClientListOptions{})
			return err
		},
		PlaySmart: func(ctx context.Context, c *Client) error {
			_, err := c.Ingest.Send(ctx, tokenPlayer, gameplayBatch())
			return err
		},
	}
	for _, test := range []struct {
		name          string
		service       Service
		status        int
		body          string
		code, message string
		sentinel      error
	}{
		{"a success that says no", Smooven, 200, `{"success":false,"error":{"code":"x","message":"no"}}`, "x", "no", ErrInvalid},
		{"a numeric code", Smooven, 403, `{"error":{"code":17,"message":["a"]}}`, "17", `["a"]`, ErrUnavailable},
		{"an error that is a text", Smooven, 403, `{"error":"nope"}`, "", "", ErrUnavailable},
		{"null", Smooven, 404, `null`, "", "", ErrUnavailable},
		{"a byte order mark", Smooven, 404, "\ufeff" + `{"success":false,"error":{"code":"x","message":"no"}}`, "x", "no", ErrNotFound},

		{"non existing", Fyno, 400, `{"_message":"Non existing profile","status":"error"}`, "", "Non existing profile", ErrNotFound},
		{"not found", Fyno, 400, `{"_message":"Profile NOT FOUND","status":"error"}`, "", "Profile NOT FOUND", ErrNotFound},
		{"already exists", Fyno, 400, `{"_message":"It already exists","status":"error"}`, "", "It already exists", ErrConflict},
		{"anything else", Fyno, 400, `{"_message":"Wrong","status":"error"}`, "", "Wrong", ErrInvalid},
		{"a 401 that does not exist", Fyno, 401, `{"_message":"Key does not exist","status":"error"}`, "", "Key does not exist", ErrUnauthorized},
		{"a success that says error", Fyno, 200, `{"_message":"Wrong","status":"error"}`, "", "Wrong", ErrInvalid},

		{"an error with 200", SmartSender, 200, `{"error":{"code":404,"message":"no contact"}}`, "404", "no contact", ErrNotFound},
		{"a code that is no status", SmartSender, 200, `{"error":{"code":7,"message":"odd"}}`, "7", "odd", ErrInvalid},
		{"an error that is a text", SmartSender, 200, `{"error":"odd"}`, "", "", ErrUnavailable},
		{"state false", SmartSender, 200, `{"state":false}`, "", "the service answered state: false", ErrInvalid},
		{"a code that says more than the status", SmartSender, 400, `{"error":{"code":404,"message":"gone"}}`, "404", "gone", ErrNotFound},

		{"several errors", Sunshine, 400, `{"errors":[{"code":"bad_request","title":"One"},{"code":"y","title":"Two"}]}`, "bad_request", "One; Two", ErrInvalid},
		{"no errors", Sunshine, 403, `{"errors":[]}`, "", "", ErrUnavailable},
		{"errors of another shape", Sunshine, 403, `{"errors":{"a":1}}`, "", "", ErrUnavailable},

		{"a success that says no", PlaySmart, 200, `{"success":false,"message":"buffer full"}`, "", "buffer full", ErrUnavailable},
		{"a message outside", PlaySmart, 401, `{"message":"Jwt is expired","code":401}`, "", "Jwt is expired", ErrUnauthorized},
		{"a gateway's page", PlaySmart, 403, `<html>Forbidden</html>`, "", "", ErrUnavailable},
	} {
		t.Run(string(test.service)+" "+test.name, func(t *testing.T) {
			t.Parallel()
			err := calls[test.service](t.Context(), newClient(t, script(step{status: test.status, body: test.body}), WithRetryPolicy(RetryPolicy{MaxAttempts: 1})))
			var e *Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, []any{test.status, test.code, test.message}, []any{e.StatusCode, e.Code, e.Message})
			require.ErrorIs(t, err, test.sentinel)
			assert.Equal(t, strings.TrimPrefix(test.body, "\ufeff"), string(e.Raw))
			assert.Equal(t, e.Stranger != "" && test.service == PlaySmart, errors.Is(err, ErrOutcomeUnknown), "of these only Ingest.Send is unsent")
		})
	}
}

// TestSuccessesAreNoRefusals: words that a refusal holds stand in good answers too.
func TestSuccessesAreNoRefusals(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	reply := func(body string) *Client { return newClient(t, script(step{body: body})) }

	_, err := reply(`{"player_id":"ply_1","tags":["false","error"],"vip":false}`).Players.Get(ctx, "ply_1")
	require.NoError(t, err)
	_, err = reply(`{"distinct_id":"ace","profile_id":"p","version":"live","status":0,"name":"\"error\"","properties":{"status":"error"},"country_code":"","timezone":"",
		"timezone_offset":"","created_at":"","updated_at":"","id_list":[],"channel":{},"channel_raw":null}`).Profiles.Get(ctx, "ace")
	require.NoError(t, err)
	_, err = reply(`{"id":1,"state":"false","firstName":"error"}`).Contacts.Get(ctx, 1)
	require.NoError(t, err)
	_, err = reply(`{"clients":[{"id":"errors"}],"meta":{"hasMore":false}}`).Messaging.ListClients(ctx, "ace", ClientListOptions{})
	require.NoError(t, err)
	_, err = reply(`{"success":true,"message":"false alarm"}`).Ingest.Send(ctx, tokenPlayer, gameplayBatch())
	require.NoError(t, err)
	result, err := reply(`{"success":false,"imported":1,"errors":[{"index":0,"message":"bad"}]}`).Players.Import(ctx, []Player{{ExternalID: "ace"}, {ExternalID: "blitz"}})
	var partial *PartialError
	require.ErrorAs(t, err, &partial, "an import with a list of errors is partial")
	assert.Equal(t, 1, result.Imported)
}

func TestErrorTellsWhatAPersonNeeds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := script(step{status: 503, header: http.Header{"Retry-After": {"3"}, "X-Request-Id": {"req-9"}}, body: `{"error":{"code":"busy","message":"Later"}}`})
		err := getPlayer(t.Context(), newClient(t, s))
		assert.Equal(t, "playline: Players.Get: GET /players/{player_id}: 503 Service Unavailable (busy): Later; retry after 3s; 4 attempts; request id req-9",
			err.Error())
		var e *Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, 3*time.Second, e.RetryAfter)

		_, err = newClient(t, script(step{lose: true})).Properties.Add(t.Context(), "ace", Properties{"coins": 1})
		assert.Equal(t, "playline: Properties.Add: POST /{WSID}/{version}/profiles/properties/numerical-add: read: connection reset by peer; "+
			"the outcome is unknown: the service may have carried it out", err.Error())
		err = getPlayer(t.Context(), newClient(t, script(step{hang: true})), Retry(RetryPolicy{MaxAttempts: 1, AttemptTimeout: 2 * time.Second}))
		require.ErrorContains(t, err, "no whole answer within 2s")
	})
}

func TestErrorLogsItsFactsWithoutTheServicesWords(t *testing.T) {
	t.Parallel()
	err := getPlayer(t.Context(), newClient(t, script(step{status: 403, body: `{"error":{"code":"denied","message":"Words"}}`})))
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Error("failed", "err", err)
	for _, fact := range []string{`"operation":"Players.Get"`, `"status":403`, `"code":"denied"`, `"attempts":1`, `"route":"/players/{player_id}"`} {
		assert.Contains(t, log.String(), fact)
	}
	assert.NotContains(t, log.String(), "Words")
}

func TestErrorKeepsItsCause(t *testing.T) {
	t.Parallel()
	cause := errors.New("the tunnel is closed")
	c := newClient(t, roundTripper(func(*http.Request) (*http.Response, error) { return nil, fmt.Errorf("dial: %w", cause) }))
	err := getPlayer(t.Context(), c, Retry(RetryPolicy{MaxAttempts: 1}))
	require.ErrorIs(t, err, cause)

	synctest.Test(t, func(t *testing.T) { // the cause of the last attempt and why there was no other
		err := getPlayer(t.Context(), newClient(t, script(step{refuse: true})), Timeout(time.Millisecond))
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "the context's deadline comes before")
	})

	boss := errors.New("the match is over")
	ctx, cancel := context.WithCancelCause(t.Context())
	c = newClient(t, roundTripper(func(req *http.Request) (*http.Response, error) {
		cancel(boss)
		<-req.Context().Done()
		return nil, req.Context().Err()
	}))
	err = getPlayer(ctx, c)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, err, boss, "the context's own cause")
}

func TestADeadlineBeforeTheLimiterHasRoomIsRateLimited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := script(step{body: `{}`})
		c := newClient(t, s, WithLimiter(Smooven, rate.NewLimiter(rate.Every(time.Minute), 1)))
		require.NoError(t, getPlayer(t.Context(), c))
		started := time.Now()
		err := getPlayer(t.Context(), c, Timeout(10*time.Second))
		require.ErrorIs(t, err, ErrRateLimited)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.NotErrorIs(t, err, ErrUnavailable)
		assert.NotErrorIs(t, err, ErrOutcomeUnknown)
		assert.Zero(t, time.Since(started), "it waited for nothing")
		var e *Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, time.Minute, e.RetryAfter)
		assert.Zero(t, e.Attempts)
		assert.Equal(t, 1, s.count())
	})
}

func TestErrorKeepsALongBodyCapped(t *testing.T) {
	t.Parallel()
	err := getPlayer(t.Context(), newClient(t, script(step{status: 400, body: strings.Repeat("x", 1<<20)})))
	var e *Error
	require.ErrorAs(t, err, &e)
	assert.Len(t, e.Raw, 64<<10)
	assert.Less(t, len(err.Error()), 200)
}

func TestValidationErrorNamesFieldAndRule(t *testing.T) {
	t.Parallel()
	err := error(&ValidationError{"events[3].timestamp", "must be set"})
	assert.Equal(t, "playline: events[3].timestamp must be set", err.Error())
	require.ErrorIs(t, err, ErrInvalid)
	assert.NotErrorIs(t, err, ErrNotFound)
	assert.NotErrorIs(t, err, io.EOF)
}

func TestPartialErrorSaysHowManyAndWhich(t *testing.T) {
	t.Parallel()
	err := &PartialError{Operation: "Events.Fire", Total: 3, Items: []ItemError{
		{Index: 1, Key: "sms", Code: "suppressed", Message: "no", Raw: json.RawMessage(`"secret"`)}, {Index: 1, Key: "email"}, {Index: 2},
	}}
	assert.Equal(t, "playline: Events.Fire: 2 of 3 items failed; first item 1 sms: suppressed: no", err.Error())
	assert.Equal(t, err.Error(), fmt.Sprintf("%#v", err))
	assert.NotContains(t, fmt.Sprintf("%#v", err.Items), "secret")
	err = &PartialError{Operation: "Players.Import", Items: []ItemError{{Index: -1, Code: "x"}, {Index: -1}}}
	assert.Equal(t, "playline: Players.Import: 2 items failed; first an item that the service does not name: x", err.Error())
}
