package transport_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/internal/retry"
	"github.com/playline/playline-go/internal/transport"
)

// closeCounter counts how often somebody drops the warm connections.
type closeCounter struct {
	http.RoundTripper
	closes atomic.Int32
}

func (c *closeCounter) CloseIdleConnections() { c.closes.Add(1) }

// TestNoCallDropsTheConnectionsOfOthers: retryablehttp calls CloseIdleConnections at the end of
// cancelled or exhausted calls, which on a shared transport affects every caller.
func TestNoCallDropsTheConnectionsOfOthers(t *testing.T) {
	t.Parallel()
	ways := []struct {
		name  string
		steps []step
		ctx   func(context.Context) (context.Context, context.CancelFunc)
	}{
		{"exhausted by statuses", []step{status(500)}, context.WithCancel},
		{"exhausted by errors", []step{broken}, context.WithCancel},
		{"refused", []step{status(400)}, context.WithCancel},
		{"cancelled in an attempt", []step{hang}, soon},
		{"cancelled in a pause", []step{status(503, "Retry-After", "30")}, soon},
		{"out of time", []step{status(503, "Retry-After", "30")}, func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 5*time.Second)
		}},
		{"a success", []step{status(200)}, context.WithCancel},
	}
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				counter := &closeCounter{RoundTripper: newScript(way.steps...)}
				base := &http.Client{Transport: counter}
				client := transport.New(base, silent, 1<<20)
				ctx, cancel := way.ctx(t.Context())
				defer cancel()
				client.Do(ctx, newRequest(t, origin, retry.Safe, []byte("{}")))
				assert.Zero(t, counter.closes.Load())
				base.CloseIdleConnections()
				assert.Equal(t, int32(1), counter.closes.Load(), "the caller can")
			})
		})
	}
}

// soon cancels after a second.
func soon(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	time.AfterFunc(time.Second, cancel)
	return ctx, cancel
}

// TestWarmConnectionsSurviveTheFailuresOfOthers is the same on sockets. It counts the dials to a
// healthy service.
func TestWarmConnectionsSurviveTheFailuresOfOthers(t *testing.T) {
	t.Parallel()
	healthy := newPeer(t, serve)
	failing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }))
	t.Cleanup(failing.Close)
	client := newClient(dialer(t, nil))
	for range 20 {
		_, failure := client.Do(t.Context(), newRequest(t, healthy.url, retry.Safe, []byte("{}")))
		require.Nil(t, failure)
		_, failure = client.Do(t.Context(), newRequest(t, failing.URL, retry.Safe, []byte("{}")))
		require.NotNil(t, failure)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, failure = client.Do(ctx, newRequest(t, failing.URL, retry.Safe, []byte("{}")))
		require.NotNil(t, failure)
	}
	assert.Equal(t, int32(1), healthy.dials.Load())
}

// TestSecurityACallersClientIsNotChanged: New changes neither the client nor its transport, and
// uses a copy.
func TestSecurityACallersClientIsNotChanged(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, err := r.Cookie("lane"); err == nil {
			w.Header().Set("X-Lane", c.Value)
		}
		http.SetCookie(w, &http.Cookie{Name: "lane", Value: "7", Path: "/"})
		_, _ = io.WriteString(w, "{}")
	}))
	t.Cleanup(srv.Close)
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	next := &http.Transport{MaxIdleConnsPerHost: 3}
	t.Cleanup(next.CloseIdleConnections)
	followed := errors.New("asked for a redirect")
	base := &http.Client{
		Transport:     next,
		Jar:           jar,
		Timeout:       42 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return followed },
	}
	client := transport.New(base, silent, 1<<20)
	resp, failure := client.Do(t.Context(), newRequest(t, srv.URL, retry.Safe, nil))
	require.Nil(t, failure)
	assert.Empty(t, resp.Header.Get("X-Lane"))
	resp, failure = client.Do(t.Context(), newRequest(t, srv.URL, retry.Safe, nil))
	require.Nil(t, failure)
	assert.Equal(t, "7", resp.Header.Get("X-Lane"), "the jar is used")

	assert.Same(t, next, base.Transport)
	assert.Same(t, jar, base.Jar)
	assert.Equal(t, 42*time.Second, base.Timeout)
	assert.ErrorIs(t, base.CheckRedirect(nil, nil), followed)
	assert.Equal(t, 3, next.MaxIdleConnsPerHost)

	base.Transport = roundTripper(broken)
	_, failure = client.Do(t.Context(), newRequest(t, srv.URL, retry.Safe, nil))
	assert.Nil(t, failure, "what becomes of the caller's client later changes nothing here")
}

// TestSecurityTheDefaultsOfNetHTTPAreNotChanged is not parallel, because the defaults belong to the
// whole process.
func TestSecurityTheDefaultsOfNetHTTPAreNotChanged(t *testing.T) {
	client, std := *http.DefaultClient, http.DefaultTransport.(*http.Transport)
	idle, perHost, headers := std.MaxIdleConns, std.MaxIdleConnsPerHost, std.MaxResponseHeaderBytes
	p := newPeer(t, serve)
	_, failure := transport.New(nil, silent, 1<<20).Do(t.Context(), newRequest(t, p.url, retry.Safe, nil))
	require.Nil(t, failure)
	_, failure = transport.New(&http.Client{}, silent, 1<<20).Do(t.Context(), newRequest(t, p.url, retry.Safe, nil))
	require.Nil(t, failure)
	assert.Equal(t, int32(2), p.dials.Load(), "each has a transport of its own")
	assert.Equal(t, client, *http.DefaultClient)
	assert.Same(t, std, http.DefaultTransport)
	assert.Equal(t, []any{idle, perHost, headers}, []any{std.MaxIdleConns, std.MaxIdleConnsPerHost, std.MaxResponseHeaderBytes})
}

// TestParallelCallersKeepTheirConnections: with the two warm connections per host of the standard
// transport, 20 parallel callers would dial for almost every request.
func TestParallelCallersKeepTheirConnections(t *testing.T) {
	t.Parallel()
	const callers, rounds = 20, 5
	p := newPeer(t, serve)
	client := transport.New(nil, silent, 1<<20)
	for range rounds {
		var all sync.WaitGroup
		for range callers {
			all.Go(func() {
				_, failure := client.Do(t.Context(), newRequest(t, p.url, retry.Safe, []byte("{}")))
				assert.Nil(t, failure)
			})
		}
		all.Wait()
	}
	// A caller can dial and then use a connection that became free meanwhile. The transport keeps
	// the new connection.
	assert.LessOrEqual(t, p.dials.Load(), int32(2*callers))
}

// TestNoGoroutineStaysBehind runs each way in which a call can end, on sockets.
func TestNoGoroutineStaysBehind(t *testing.T) {
	over := make(chan struct{})
	silentPeer := newPeer(t, func(_ *peer, _ *net.TCPConn) { <-over })
	halfPeer := newPeer(t, func(_ *peer, conn *net.TCPConn) {
		_, _ = conn.Read(make([]byte, 4096))
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n{\"half\":")
	})
	failing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadGateway)
		_, _ = w.Write(make([]byte, 1<<20)) // more than is read
	}))
	before := runtime.NumGoroutine()
	next := &http.Transport{DialContext: dialSmall}
	client := newClient(next)
	for range 20 {
		for _, url := range []string{silentPeer.url, halfPeer.url, failing.URL, "http://" + refusedAddr(t)} {
			_, failure := client.Do(t.Context(), newRequest(t, url, retry.Safe, []byte("{}"), func(r *transport.Request) {
				r.Policy.AttemptTimeout, r.Policy.MaxAttempts = 5*time.Millisecond, 2
			}))
			require.NotNil(t, failure)
		}
	}
	close(over)
	failing.Close()
	next.CloseIdleConnections()
	assert.Eventually(t, func() bool { return runtime.NumGoroutine() <= before }, 20*time.Second, time.Millisecond)
}

// TestConcurrentCallsShareAClient has many callers with one service and one body, for the race
// detector.
func TestConcurrentCallsShareAClient(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if calls.Add(1)%3 == 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write(body)
	}))
	t.Cleanup(srv.Close)
	client := newClient(dialer(t, nil))
	service := newRequest(t, srv.URL, retry.Safe, nil).Service
	auth := transport.NewJWT("key-1", "secret", "app")
	body := []byte(strings.Repeat("ace", 10_000))
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			for range 10 {
				resp, failure := client.Do(t.Context(), newRequest(t, srv.URL, retry.Safe, body, func(r *transport.Request) {
					r.Service, r.Auth, r.Policy.MaxAttempts = service, auth, 100
				}))
				assert.Nil(t, failure)
				assert.True(t, bytes.Equal(body, resp.Body))
			}
		})
	}
	all.Wait()
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	assert.Empty(t, transport.RequestID(nil))
	assert.Empty(t, transport.RequestID(http.Header{"X-Id": {"1"}}))
	for _, name := range []string{"X-Request-Id", "X-Correlation-Id", "X-Cloud-Trace-Context", "Cf-Ray"} {
		assert.Equal(t, "r1", transport.RequestID(http.Header{name: {"r1"}}))
	}
	assert.Equal(t, "r1", transport.RequestID(http.Header{"Cf-Ray": {"r2"}, "X-Request-Id": {"r1"}}), "the service's own comes first")
}

// TestSecurityCausesDoNotNameTheURL: net/http and callers' transports put the URL with its query
// into their errors.
func TestSecurityCausesDoNotNameTheURL(t *testing.T) {
	t.Parallel()
	const target = origin + "/things/secret-id?otp=123456"
	rows := map[string]struct {
		err  error
		want string
	}{
		"a url.Error":               {&url.Error{Op: "Post", URL: target, Err: errBroken}, errBroken.Error()},
		"two of them":               {&url.Error{Op: "Post", URL: target, Err: &url.Error{Op: "Post", URL: target, Err: errBroken}}, errBroken.Error()},
		"a wrapped one":             {errors.Join(errors.New("proxy"), &url.Error{Op: "Post", URL: target, Err: errBroken}), errBroken.Error()},
		"a text that holds the URL": {errors.New("cannot reach " + target), "the transport's error names the URL and is left out"},
		"a text with the query":     {errors.New("bad query otp=123456"), "the transport's error names the URL and is left out"},
		"one that holds nothing":    {errBroken, errBroken.Error()},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fails := func(*http.Request) (*http.Response, error) { return nil, row.err }
			_, failure := newClient(newScript(fails)).Do(t.Context(), newRequest(t, origin, retry.Never, nil))
			require.NotNil(t, failure)
			assert.EqualError(t, failure.Cause, row.want)
			for _, secret := range []string{"123456", "secret-id"} {
				assert.NotContains(t, failure.Cause.Error(), secret)
			}
		})
	}
}
