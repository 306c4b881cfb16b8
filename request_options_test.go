package playline

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Options of one call.

func TestWrongRequestOptionsAreRefusedBeforeAnyNetwork(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		opt  RequestOption
		want string
	}{
		"nil":                        {nil, "opts must not hold nil"},
		"no key":                     {IdempotencyKey(""), "IdempotencyKey must not be empty"},
		"a key of two lines":         {IdempotencyKey("a\r\nX: y"), "IdempotencyKey must hold printable"},
		"a key where none is known":  {IdempotencyKey("k"), "Players.Get does not know it"},
		"no response to capture":     {CaptureResponse(nil), "CaptureResponse: r must not be nil"},
		"no timeout":                 {Timeout(0), "Timeout must be positive"},
		"negative timeout":           {Timeout(-1), "Timeout must be positive"},
		"negative attempts":          {Retry(RetryPolicy{MaxAttempts: -1}), "RetryPolicy.MaxAttempts"},
		"negative delay":             {Retry(RetryPolicy{MaxDelay: -1}), "RetryPolicy.MaxDelay"},
		"negative retry after":       {Retry(RetryPolicy{MaxRetryAfter: -1}), "RetryPolicy.MaxRetryAfter"},
		"a header without name":      {Header("", "x"), "Header: name must be a header name"},
		"a header with a space":      {Header("X A", "x"), "Header: name must be a header name"},
		"a header with a colon":      {Header("X:", "x"), "Header: name must be a header name"},
		"a header of two lines":      {Header("X-A", "a\r\nX-B: c"), "Header: value must hold printable"},
		"a header that is not ASCII": {Header("X-A", "\u00fc"), "Header: value must hold printable"},
		"authorization":              {Header("authorization", "x"), "must not be Authorization"},
		"app id":                     {Header("X-App-ID", "x"), "must not be X-App-Id"},
		"idempotency key":            {Header("idempotency-key", "x"), "must not be Idempotency-Key"},
		"its other name":             {Header("X-Idempotency-Key", "x"), "must not be X-Idempotency-Key"},
		"content type":               {Header("Content-Type", "x"), "must not be Content-Type"},
		"content length":             {Header("Content-Length", "x"), "must not be Content-Length"},
		"host":                       {Header("HOST", "x"), "must not be Host"},
		"transfer encoding":          {Header("Transfer-Encoding", "x"), "must not be Transfer-Encoding"},
		"connection":                 {Header("Connection", "x"), "must not be Connection"},
		"accept encoding":            {Header("Accept-Encoding", "x"), "must not be Accept-Encoding"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := script(step{body: `{}`})
			err := getPlayer(t.Context(), newClient(t, s), test.opt)
			var invalid *ValidationError
			require.ErrorAs(t, err, &invalid)
			require.ErrorContains(t, err, test.want)
			assert.Zero(t, s.count())
		})
	}
}

func TestHeaderGoesWithEveryAttempt(t *testing.T) {
	t.Parallel()
	s := script(failed(500), step{body: `{}`})
	synctest.Test(t, func(t *testing.T) {
		require.NoError(t, getPlayer(t.Context(), newClient(t, s),
			Header("x-trace", "t1"), Header("X-Trace", "t2"), Header("User-Agent", "game/1"), Header("Accept-Language", "")))
	})
	require.Len(t, s.seen, 2)
	for _, in := range s.seen {
		assert.Equal(t, []string{"t1", "t2"}, in.header.Values("X-Trace"))
		assert.Equal(t, []string{"game/1"}, in.header.Values("User-Agent"))
		assert.Equal(t, []string{"Bearer " + keySmooven}, in.header.Values("Authorization"))
	}
}

func TestIdempotencyKeys(t *testing.T) {
	t.Parallel()
	keys := func(s *scripted) (keys []string) {
		for _, in := range s.seen {
			keys = append(keys, in.header.Get("Idempotency-Key"))
		}
		return keys
	}
	synctest.Test(t, func(t *testing.T) {
		s := script(failed(500), failed(500), jsonBody(202, eventReply))
		c := newClient(t, s)
		_, err := fireAce(t.Context(), c, IdempotencyKey("match-7"))
		require.NoError(t, err)
		assert.Equal(t, []string{"match-7", "match-7", "match-7"}, keys(s))

		_, err = fireAce(t.Context(), c)
		require.NoError(t, err)
		_, err = fireAce(t.Context(), c)
		require.NoError(t, err)
		own := keys(s)[3:]
		require.Len(t, own, 2)
		assert.NotEqual(t, own[0], own[1], "each call has a key of its own")
		assert.GreaterOrEqual(t, len(own[0]), 26)

		s = script(jsonBody(202, eventReply))
		test := newClient(t, s, WithFyno("W", FynoTest, keyFyno))
		_, err = fireAce(t.Context(), test, IdempotencyKey("match-7"))
		require.NoError(t, err, "the same code runs on both versions")
		assert.Equal(t, []string{""}, keys(s), "the service ignores keys on test, so none may go out")
	})
}

func TestCaptureResponseKeepsTheLastAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r Response
		s := script(failed(500), step{status: 404, body: `{"error":{"code":"x"}}`, header: http.Header{"X-Request-Id": {"req-7"}, "X-More": {"m"}}})
		err := getPlayer(t.Context(), newClient(t, s), CaptureResponse(&r))
		require.ErrorIs(t, err, ErrNotFound)
		assert.Equal(t, []any{404, "req-7", 2, `{"error":{"code":"x"}}`, "m"},
			[]any{r.StatusCode, r.RequestID, r.Attempts, string(r.Body()), r.Header().Get("X-More")})

		err = getPlayer(t.Context(), newClient(t, script(step{lose: true})), CaptureResponse(&r), Retry(RetryPolicy{MaxAttempts: 1}))
		require.Error(t, err)
		assert.Equal(t, []any{0, "", 1, ""}, []any{r.StatusCode, r.RequestID, r.Attempts, string(r.Body())}, "an old answer is left in place")

		err = getPlayer(t.Context(), newClient(t, script(step{body: "no JSON"})), CaptureResponse(&r))
		require.Error(t, err)
		assert.Equal(t, "no JSON", string(r.Body()))
	})
}

func TestRetryOptionChangesOneCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := script(failed(500))
		c := newClient(t, s, WithRetryPolicy(RetryPolicy{MaxAttempts: 2}))
		require.Error(t, getPlayer(t.Context(), c))
		assert.Equal(t, 2, s.count())
		require.Error(t, getPlayer(t.Context(), c, Retry(RetryPolicy{MaxAttempts: 6}), Retry(RetryPolicy{BaseDelay: time.Second})))
		assert.Equal(t, 8, s.count(), "a second Retry option keeps what the first one set")
		require.Error(t, getPlayer(t.Context(), c))
		assert.Equal(t, 10, s.count())
	})
}

func TestTimeoutBoundsTheWholeCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		started := time.Now()
		err := getPlayer(t.Context(), newClient(t, script(step{hang: true})), Timeout(45*time.Second))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.LessOrEqual(t, time.Since(started), 45*time.Second, "two attempts of 30 s do not fit")
		assert.NotErrorIs(t, err, ErrUnavailable)

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		started = time.Now()
		err = getPlayer(ctx, newClient(t, script(step{hang: true})), Timeout(time.Minute))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, time.Second, time.Since(started), "a shorter deadline of the context wins")
	})
}

func TestAttemptTimeoutIsNotTheCallersDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := script(step{hang: true}, step{body: `{}`})
		started := time.Now()
		require.NoError(t, getPlayer(t.Context(), newClient(t, s), Retry(RetryPolicy{AttemptTimeout: 5 * time.Second, BaseDelay: 1, MaxDelay: 1})))
		assert.Less(t, time.Since(started), 6*time.Second)
		err := getPlayer(t.Context(), newClient(t, script(step{hang: true})), Retry(RetryPolicy{MaxAttempts: 1}))
		assert.NotErrorIs(t, err, context.DeadlineExceeded)
		var timeout interface{ Timeout() bool }
		require.True(t, errors.As(err, &timeout) && timeout.Timeout())
	})
}

// TestDeleteOfWhatIsGoneIsDone: a 404 is a success only after an attempt that may have deleted.
func TestDeleteOfWhatIsGoneIsDone(t *testing.T) {
	t.Parallel()
	gone := map[string]step{
		"Players.Delete":         {status: 404, body: `{"success":false,"error":{"code":"not_found"}}`},
		"Messaging.RemoveClient": {status: 404, body: `{"errors":[{"code":"client_not_found","title":"x"}]}`},
		"Contacts.Delete":        {status: 200, body: `{"error":{"code":404,"message":"x"}}`},
	}
	for _, r := range rows {
		if !r.op.has(goneIsDone) {
			continue
		}
		delete404, ok := gone[r.op.name]
		require.True(t, ok, r.op.name)
		for name, test := range map[string]struct {
			before []step
			done   bool
		}{
			"at once":                 {nil, false},
			"after a refused dial":    {[]step{{refuse: true}}, false},
			"after a 429":             {[]step{failed(429)}, false},
			"after a lost answer":     {[]step{{lose: true}}, true},
			"after a 502":             {[]step{failed(502)}, true},
			"after a 503 that waits":  {[]step{failed(503, "Retry-After", "1")}, false},
			"after a lost and a dial": {[]step{{lose: true}, {refuse: true}}, true},
			"after a lost and a 429":  {[]step{{lose: true}, failed(429)}, true},
		} {
			t.Run(r.name()+" "+name, func(t *testing.T) {
				t.Parallel()
				s := script(append(test.before, delete404)...)
				r.inBubble(t, s, func(t *testing.T, result any, err error) {
					t.Helper()
					if !test.done {
						require.ErrorIs(t, err, ErrNotFound)
						return
					}
					require.NoError(t, err)
					assertResult(t, r.result, result)
				})
				assert.Equal(t, len(test.before)+1, s.count())
			})
		}
	}
}
