package emulator

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// traced adds a trace to a request and returns where its hooks are noted.
func traced(r *http.Request) (*http.Request, *[]string) {
	hooks := &[]string{}
	note := func(hook string) { *hooks = append(*hooks, hook) }
	return r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
		GetConn:      func(string) { note("GetConn") },
		GotConn:      func(info httptrace.GotConnInfo) { note("GotConn " + info.Conn.RemoteAddr().Network()) },
		WroteHeaders: func() { note("WroteHeaders") },
		WroteRequest: func(info httptrace.WroteRequestInfo) {
			if info.Err != nil {
				note("WroteRequest " + info.Err.Error())
				return
			}
			note("WroteRequest")
		},
		GotFirstResponseByte: func() { note("GotFirstResponseByte") },
	})), hooks
}

func TestRoundTripTraces(t *testing.T) {
	written := []string{"GetConn", "GotConn pipe", "WroteHeaders", "WroteRequest"}
	tests := []struct {
		name  string
		fault Fault
		body  io.Reader
		hooks []string
	}{
		{"an answer", Fault{}, nil, append(written[:4:4], "GotFirstResponseByte")},
		{"a lost answer", Fault{Mode: ResetAfter}, nil, written},
		{"never read", Fault{Mode: ResetBefore}, nil, append(written[:3:3], "WroteRequest write tcp: write: connection reset by peer")},
		{"a body that breaks", Fault{}, iotest.ErrReader(errors.New("disk on fire")), append(written[:3:3], "WroteRequest disk on fire")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := New()
			e.Inject(tt.fault)
			r, hooks := traced(register(t, "ace"))
			if tt.body != nil {
				r.Body = io.NopCloser(tt.body)
			}
			resp, err := e.RoundTrip(r)
			if err == nil {
				resp.Body.Close()
			}
			assert.Equal(t, tt.hooks, *hooks)
		})
	}
}

func TestRoundTripOfADeadRequest(t *testing.T) {
	e := New()
	ctx, cancel := context.WithCancelCause(t.Context())
	left := errors.New("left")
	cancel(left)
	r, hooks := traced(register(t, "ace").WithContext(ctx))
	require.ErrorIs(t, fails(t, e, r), left)
	assert.Empty(t, *hooks)
	assert.Zero(t, e.TotalCalls())
}

// closeCounter counts how often a body is closed.
type closeCounter struct {
	io.Reader
	closed int
}

func (c *closeCounter) Close() error { c.closed++; return nil }

func TestRoundTripLeavesTheRequestAlone(t *testing.T) {
	for _, fault := range []Fault{{}, {Mode: ResetBefore}, {Status: 500, Match: func(*http.Request) bool { return true }}} {
		e := New()
		e.Inject(fault)
		r := register(t, "ace")
		body := &closeCounter{Reader: r.Body}
		r.Body = body
		header := r.Header.Clone()
		resp, err := e.RoundTrip(r)
		if err == nil {
			resp.Body.Close()
			assert.Same(t, r, resp.Request)
		}
		assert.Same(t, body, r.Body)
		assert.Equal(t, 1, body.closed, "a transport closes the body")
		assert.Equal(t, header, r.Header)
		assert.Empty(t, r.PathValue("player_id"))
	}
}

func TestRoundTripOfAnHTTPClientWithTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := New()
		e.Inject(Fault{Mode: Hang})
		client := &http.Client{Transport: e, Timeout: time.Minute}
		resp, err := client.Do(register(t, "ace"))
		if err == nil {
			resp.Body.Close()
		}
		var timeout interface{ Timeout() bool }
		require.ErrorAs(t, err, &timeout)
		assert.True(t, timeout.Timeout())
	})
}

func TestHandlerInAnotherServer(t *testing.T) {
	// embedded: behind another handler's prefix, over TLS, where a reset must still be a reset
	e := New()
	server := httptest.NewUnstartedServer(http.StripPrefix("/fake", e))
	server.Config.ErrorLog = nil
	server.StartTLS()
	defer server.Close()
	overTLS := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}}
	defer overTLS.CloseIdleConnections()
	do := func() *http.Request {
		r := register(t, "a/ce")
		r.URL.Scheme, r.URL.Host, r.URL.Path = "https", strings.TrimPrefix(server.URL, "https://"), "/fake"+r.URL.Path
		return r
	}
	assert.Equal(t, 200, send(t, overTLS, do()).status)
	e.Inject(Fault{Mode: ResetAfter})
	require.ErrorIs(t, fails(t, overTLS, do()), syscall.ECONNRESET)
}

func TestHandlerThatCannotReset(t *testing.T) {
	e := New()
	e.Inject(Fault{Mode: ResetBefore})
	assert.PanicsWithValue(t, http.ErrAbortHandler, func() { e.ServeHTTP(httptest.NewRecorder(), register(t, "ace")) })
}

func TestHandlerWithoutBodyOrHeader(t *testing.T) {
	e := New()
	w := httptest.NewRecorder()
	r := register(t, "ace")
	r.Body, r.Header = nil, nil
	e.ServeHTTP(w, r)
	assert.Equal(t, 401, w.Code)
	assert.True(t, bytes.HasPrefix(w.Body.Bytes(), []byte(`{"error"`)), w.Body.String())
}
