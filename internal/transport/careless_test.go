package transport_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"

	"github.com/playline/playline-go/internal/retry"
	"github.com/playline/playline-go/internal/transport"
)

// A caller's own transports that do less, or more, than net/http's.

// careless is a transport made of a function.
type careless func(*http.Request) (*http.Response, error)

func (f careless) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func TestATransportMayLeaveThingsOut(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		next careless
		body string
		lost bool
	}{
		"no body": {func(*http.Request) (*http.Response, error) { return &http.Response{StatusCode: http.StatusOK}, nil }, "", false},
		"neither an answer nor an error": {
			func(*http.Request) (*http.Response, error) { return nil, nil }, "", true, //nolint:nilnil // that is the case
		},
		"a body without its length": {func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader("hello"))}, nil
		}, "hello", false},
		"a body longer than its length": {func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, ContentLength: 2, Body: io.NopCloser(strings.NewReader("hello"))}, nil
		}, "hello", false},
		"a body shorter than its length": {func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, ContentLength: 20, Body: io.NopCloser(strings.NewReader("hello"))}, nil
		}, "hello", false},
		"a byte order mark": {func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader("\ufeffhello"))}, nil
		}, "hello", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resp, failure := newClient(test.next).Do(t.Context(), newRequest(t, origin, retry.Unsent, []byte("{}")))
			if test.lost {
				require.NotNil(t, failure)
				assert.True(t, failure.Doubt, "it may have been sent")
				assert.ErrorContains(t, failure.Cause, "neither an answer nor an error")
				return
			}
			require.Nil(t, failure)
			assert.Equal(t, test.body, string(resp.Body))
		})
	}
}

// TestATransportThatRewritesTheURL: each attempt starts with the URL of the call.
func TestATransportThatRewritesTheURL(t *testing.T) {
	t.Parallel()
	var hosts []string
	next := careless(func(req *http.Request) (*http.Response, error) {
		hosts = append(hosts, req.URL.Host+req.URL.Path)
		req.URL.Host, req.URL.Path = "127.0.0.1:9", "/elsewhere"
		return &http.Response{StatusCode: http.StatusServiceUnavailable}, nil
	})
	resp, failure := newClient(next).Do(t.Context(), newRequest(t, origin, retry.Safe, nil))
	require.NotNil(t, failure)
	assert.Equal(t, 3, resp.Attempts)
	assert.Equal(t, []string{"api.example.com/v1/things/secret-id", "api.example.com/v1/things/secret-id", "api.example.com/v1/things/secret-id"}, hosts)
}

// TestAGateBesideAnother shares its limit, but not its hold.
func TestAGateBesideAnother(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gate := transport.NewGate(rate.NewLimiter(rate.Every(time.Second), 1))
		beside := gate.Beside()
		gate.Hold(time.Hour)
		started := time.Now()
		require.NoError(t, beside.Wait(t.Context()))
		assert.Zero(t, time.Since(started), "the hold is the other's")
		require.NoError(t, beside.Wait(t.Context()))
		assert.Equal(t, time.Second, time.Since(started), "the limit is both's")
	})
}
