package playline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/internal/retry"
)

// everyLog is a logger that writes everything, as text and as JSON.
func everyLog() (*syncBuffer, *slog.Logger) {
	log, all := &syncBuffer{}, &slog.HandlerOptions{Level: slog.LevelDebug, AddSource: true}
	return log, slog.New(slog.NewMultiHandler(slog.NewTextHandler(log, all), slog.NewJSONHandler(log, all)))
}

// gossips are transports and gateways that tell what they were asked in places other than the body of an answer.
var gossips = map[string]func(req *http.Request, text string) (*http.Response, error){
	"a transport's error": func(_ *http.Request, text string) (*http.Response, error) { return nil, errors.New(text) },
	"a wrapped error": func(_ *http.Request, text string) (*http.Response, error) {
		return nil, fmt.Errorf("sending %s: %w", text, &net.OpError{Op: "read", Net: "tcp", Err: errors.New(text)})
	},
	"joined errors": func(req *http.Request, text string) (*http.Response, error) {
		return nil, errors.Join(errors.New(text), &url.Error{Op: "Post", URL: req.URL.String(), Err: errors.New(text)})
	},
	"a url.Error in a url.Error": func(req *http.Request, text string) (*http.Response, error) {
		return nil, &url.Error{Op: "Post", URL: req.URL.String(), Err: &url.Error{Op: "proxy", URL: req.URL.String(), Err: errors.New(text)}}
	},
	"headers of a refusal": func(req *http.Request, text string) (*http.Response, error) {
		return loudHeaders(text, 400).response(req), nil
	},
	"headers of an outage": func(req *http.Request, text string) (*http.Response, error) {
		return loudHeaders(text, 503).response(req), nil
	},
	"headers of a redirect": func(req *http.Request, text string) (*http.Response, error) {
		return loudHeaders(text, 302).response(req), nil
	},
	"headers of a success": func(req *http.Request, text string) (*http.Response, error) {
		return loudHeaders(text, 200).response(req), nil
	},
	"nothing until the caller gives up": func(req *http.Request, _ string) (*http.Response, error) {
		<-req.Context().Done()
		return nil, fmt.Errorf("%s %s with %v: %w", req.Method, req.URL, req.Header, req.Context().Err())
	},
}

func loudHeaders(text string, status int) step {
	return step{status: status, body: "{", header: http.Header{
		"X-Request-Id": {text}, "Cf-Ray": {text}, "Retry-After": {text}, "Location": {text}, "Content-Type": {text}, "Www-Authenticate": {text},
	}}
}

// TestSecurityLogsAndErrorsHoldNothingOfTheNetwork: over all operations, what a transport or a gateway says beside the body.
func TestSecurityLogsAndErrorsHoldNothingOfTheNetwork(t *testing.T) {
	t.Parallel()
	eachRow(t, func(t *testing.T, r row) {
		t.Helper()
		for name, gossip := range gossips {
			for n, texts := 0, 1; n < texts; n++ {
				log, logger := everyLog()
				loud := roundTripper(func(req *http.Request) (*http.Response, error) {
					all := echoes(req)
					texts = len(all)
					return gossip(req, all[min(n, texts-1)])
				})
				synctest.Test(t, func(t *testing.T) {
					ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
					defer cancel()
					_, err := r.call(ctx, newClient(t, loud, WithLogger(logger), WithRetryPolicy(RetryPolicy{MaxAttempts: 2})))
					require.Error(t, err, name)
					assertNoCanary(t, everyForm(t, err))
				})
				assert.NotEmpty(t, log.String(), name)
				assertNoCanary(t, log.String())
			}
		}
	})
}

// TestSecurityASuccessLogsNothingPrivate, nor does its captured request id, which is often logged.
func TestSecurityASuccessLogsNothingPrivate(t *testing.T) {
	t.Parallel()
	eachRow(t, func(t *testing.T, r row) {
		t.Helper()
		log, logger := everyLog()
		synctest.Test(t, func(t *testing.T) {
			c := newClient(t, script(failed(503), jsonBody(r.status, r.reply)), WithLogger(logger))
			if _, err := r.call(t.Context(), c, RetryInDoubt()); err != nil {
				require.ErrorIs(t, err, ErrUnavailable) // of class never
			}
		})
		assert.Contains(t, log.String(), r.op.path, "nothing was logged")
		assertNoCanary(t, log.String())
	})
}

// TestSecurityACancelledCallTellsNothingPrivate: before it begins, while it waits for an answer, and while it pauses.
func TestSecurityACancelledCallTellsNothingPrivate(t *testing.T) {
	t.Parallel()
	eachRow(t, func(t *testing.T, r row) {
		t.Helper()
		for name, step := range map[string]step{"at once": {}, "under way": {hang: true}, "in a pause": failed(429, "Retry-After", "30")} {
			log, logger := everyLog()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				wait := time.Second
				if name == "at once" {
					wait = 0
					cancel()
				}
				defer time.AfterFunc(wait, cancel).Stop()
				_, err := r.call(ctx, newClient(t, script(step), WithLogger(logger)))
				require.Error(t, err, name)
				if name != "in a pause" || r.retryClass(t) != retry.Never {
					require.ErrorIs(t, err, context.Canceled, name)
				}
				assertNoCanary(t, everyForm(t, err))
			})
			assertNoCanary(t, log.String())
		}
	})
}
