package playline

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/batcher"
)

// The client as the batcher's Sender: a batch goes as it is, and each failure has its kind.

var sealed = batcher.NewBatch("ace", "com.example.stackblaster", batcher.Token{Value: batcher.Secret(tokenPlayer)}, []byte(`{"type":"AppOpen"}`))

// TestBatchFailures: what the batcher does next hangs on how a request failed, and each is tried once.
func TestBatchFailures(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		step step
		want batcher.Failure
	}{
		"refused dial":         {step{refuse: true}, batcher.NotSent},
		"lost":                 {step{lose: true}, batcher.InDoubt},
		"truncated":            {step{status: 202, body: `{"success":true}`, cut: true}, batcher.InDoubt},
		"400":                  {refusedBy(PlaySmart, 400), batcher.Invalid},
		"400 of a stranger":    {failed(400), batcher.Unavailable},
		"422":                  {refusedBy(PlaySmart, 422), batcher.Invalid},
		"422 of a stranger":    {failed(422), batcher.Unavailable},
		"401":                  {refusedBy(PlaySmart, 401), batcher.Unauthorized},
		"401 of a stranger":    {failed(401), batcher.Unauthorized},
		"403":                  {refusedBy(PlaySmart, 403), batcher.Forbidden},
		"403 of a stranger":    {failed(403), batcher.Unavailable},
		"404":                  {refusedBy(PlaySmart, 404), batcher.Unavailable},
		"404 of a stranger":    {failed(404), batcher.Unavailable},
		"409 of a stranger":    {failed(409), batcher.Unavailable},
		"408":                  {failed(408), batcher.InDoubt},
		"413":                  {refusedBy(PlaySmart, 413), batcher.TooLarge},
		"413 of a stranger":    {failed(413), batcher.TooLarge},
		"429":                  {failed(429, "Retry-After", "7"), batcher.Throttled},
		"500":                  {failed(500), batcher.InDoubt},
		"501":                  {failed(501), batcher.InDoubt},
		"502":                  {failed(502), batcher.InDoubt},
		"503":                  {failed(503), batcher.Unavailable},
		"503 with Retry-After": {failed(503, "Retry-After", "7"), batcher.Unavailable},
		"504":                  {failed(504), batcher.InDoubt},
		"a redirect":           {failed(307), batcher.Unavailable},
		"success:false":        {step{status: 202, body: `{"success":false,"message":"buffer full, try again"}`}, batcher.Throttled},
		"success:false alone":  {step{status: 202, body: `{"success":false}`}, batcher.InDoubt},
		"success:false, coded": {step{status: 202, body: `{"success":false,"error":{"code":"BAD_REQUEST","message":"no"}}`}, batcher.Invalid},
		"202 {}":               {step{status: 202, body: `{}`}, batcher.InDoubt},
		"202 null":             {step{status: 202, body: `null`}, batcher.InDoubt},
		"202 []":               {step{status: 202, body: `[]`}, batcher.InDoubt},
		`202 "ok"`:             {step{status: 202, body: `"ok"`}, batcher.InDoubt},
		"202 empty":            {step{status: 202}, batcher.InDoubt},
		"202 with an error":    {step{status: 202, body: `{"error":{}}`}, batcher.InDoubt},
		"202 in other letters": {step{status: 202, body: `{"Success":true,"Message":"taken"}`}, batcher.InDoubt},
		"202 of both kinds":    {step{status: 202, body: `{"success":true,"message":"taken","success":true}`}, batcher.InDoubt},
		`202 "true"`:           {step{status: 202, body: `{"success":"true","message":"taken"}`}, batcher.InDoubt},
		"200 of a page":        {step{status: 200, body: `<html>hello</html>`}, batcher.InDoubt},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := script(test.step)
			synctest.Test(t, func(t *testing.T) {
				sender, err := newClient(t, s).newIngestSender()
				require.NoError(t, err)
				_, err = sender.Send(t.Context(), sealed)
				var failure *batcher.SendError
				require.ErrorAs(t, err, &failure)
				assert.Equal(t, test.want, failure.Failure)
				if test.step.header.Get("Retry-After") != "" {
					assert.Equal(t, 7*time.Second, failure.RetryAfter)
				}
				var e *Error
				require.ErrorAs(t, err, &e, "the cause is an *Error")
				unknown := test.want == batcher.InDoubt || name == "503" || name == "a redirect" || strings.HasSuffix(name, "of a stranger")
				assert.Equal(t, unknown, errors.Is(err, ErrOutcomeUnknown))
				assertNoCanary(t, everyForm(t, err))
			})
			assert.Equal(t, 1, s.count(), "the batcher repeats, not the client")
		})
	}
}

func TestBatchIsSentAsItIs(t *testing.T) {
	t.Parallel()
	s := script(step{status: 202, body: `{"success":true,"message":"accepted:1 buffered:1"}`})
	sender, err := newClient(t, s).newIngestSender()
	require.NoError(t, err)
	_, err = sender.Send(t.Context(), sealed)
	require.NoError(t, err)
	in := s.last(t)
	assert.Equal(t, []string{http.MethodPost, "/base/playsmart/ingest/events", "", `{"user_id":"ace","game_id":"com.example.stackblaster","events":[{"type":"AppOpen"}]}`}, []string{in.method, in.path, in.query, string(in.body)})
	assert.Equal(t, "Bearer "+tokenPlayer, in.header.Get("Authorization"))

	for _, token := range []string{"", "a b", "a\r\nX: y"} {
		bad := sealed
		bad.Token.Value = batcher.Secret(token)
		_, err := sender.Send(t.Context(), bad)
		var failure *batcher.SendError
		require.ErrorAs(t, err, &failure)
		assert.Equal(t, batcher.Unauthorized, failure.Failure, "a fresh token may be better")
		require.ErrorIs(t, err, ErrInvalid)
	}
	assert.Equal(t, 1, s.count())

	c, err := New(WithSmooven(keySmooven))
	require.NoError(t, err)
	_, err = c.NewBatcher(batcher.Config{})
	require.ErrorIs(t, err, ErrNotConfigured)
}

// TestBatchSender: a program that makes its batchers itself gets what NewBatcher has, and the same error without PlaySmart.
func TestBatchSender(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		options []Option
		want    error
	}{
		"configured":     {[]Option{WithPlaySmart()}, nil},
		"not configured": {[]Option{WithSmooven(Secret("key"))}, ErrNotConfigured},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, err := New(test.options...)
			require.NoError(t, err)
			sender, err := client.BatchSender()
			require.ErrorIs(t, err, test.want)
			assert.Equal(t, test.want == nil, sender != nil)
		})
	}
}

// TestBatchFailuresSayWhy: in fixed words, with the operation and the status, and whether the answer is the service's own.
func TestBatchFailuresSayWhy(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		step     step
		why      string // how it begins
		stranger bool
	}{
		"a page with 400":     {failed(400), "Ingest.Send: status 400: ", true},
		"the service's 400":   {refusedBy(PlaySmart, 400), "Ingest.Send: status 400", false},
		"a stranger's 401":    {failed(401), "Ingest.Send: status 401: ", true},
		"a wrong base URL":    {failed(404), "Ingest.Send: status 404: ", true},
		"a proxy's 407":       {failed(407), "Ingest.Send: status 407: a proxy asks for credentials", true},
		"a portal's redirect": {failed(302), "Ingest.Send: status 302: it is a redirect", true},
		"an empty success":    {step{status: 202}, "Ingest.Send: status 202: ", true},
		"a 503":               {failed(503), "Ingest.Send: status 503", false},
		"a refused dial":      {step{refuse: true}, "Ingest.Send: ", false},
		"a lost answer":       {step{lose: true}, "Ingest.Send: ", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sender, err := newClient(t, script(test.step)).newIngestSender()
			require.NoError(t, err)
			_, err = sender.Send(t.Context(), sealed)
			var failure *batcher.SendError
			require.ErrorAs(t, err, &failure)
			assert.Equal(t, test.stranger, failure.Stranger)
			assert.True(t, strings.HasPrefix(failure.Why, test.why), failure.Why)
			assert.NotContains(t, failure.Why, tokenPlayer)
		})
	}
}

// TestBatchReceipts: how many of three events an answer accounts for. Free text has no figure.
func TestBatchReceipts(t *testing.T) {
	t.Parallel()
	three := batcher.NewBatch("ace", "com.example.stackblaster", batcher.Token{Value: batcher.Secret(tokenPlayer)}, []byte(`{}`), []byte(`{}`), []byte(`{}`))
	for message, unconfirmed := range map[string]int{
		"accepted:3 buffered:3": 0, "accepted:1 buffered:1": 2, "accepted:0 buffered:7": 3, "accepted:9 buffered:9": 0, "accepted:-1 buffered:0": 3,
		"thank you": 0, "": 0, "accepted: all": 0, "buffered:3": 0,
	} {
		sender, err := newClient(t, script(step{status: 202, body: fmt.Sprintf(`{"success":true,"message":%q}`, message)})).newIngestSender()
		require.NoError(t, err)
		got, err := sender.Send(t.Context(), three)
		require.NoError(t, err, message)
		assert.Equal(t, batcher.Receipt{Unconfirmed: unconfirmed}, got, message)
	}
}
