package transport

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
)

// trace records how far one attempt got, so that "the server cannot have the request" is proven and
// not guessed.
//
// The hooks run on the transport's goroutines. On HTTP/1 net/http ends its write loop before it
// reports a failure. On HTTP/2 an abandoned attempt returns while net/http may still write its
// stream. Therefore the fields are atomic.
type trace struct {
	std       bool        // the transport is net/http's own, which calls all hooks
	body      bool        // the request has a body
	traced    atomic.Bool // the transport calls hooks at all
	connected atomic.Bool // a connection was obtained
	begun     atomic.Bool // the headers were written
	failed    atomic.Bool // writing the request failed
	wrote     atomic.Bool // writing the request ended
}

// newTrace returns the trace of one attempt through next.
func newTrace(next http.RoundTripper, body bool) *trace {
	_, std := next.(*http.Transport)
	return &trace{std: std, body: body}
}

// start returns ctx with the hooks.
func (t *trace) start(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		// net/http takes another connection only if it wrote nothing of the request to the last
		// one, or if the request may be repeated anyway. The records of the last connection
		// therefore do not count.
		GetConn: func(string) {
			t.traced.Store(true)
			t.connected.Store(false)
			t.begun.Store(false)
			t.failed.Store(false)
			t.wrote.Store(false)
		},
		GotConn:      func(httptrace.GotConnInfo) { t.traced.Store(true); t.connected.Store(true) },
		WroteHeaders: func() { t.begun.Store(true) },
		WroteRequest: func(info httptrace.WroteRequestInfo) {
			if info.Err != nil {
				t.failed.Store(true)
			}
			t.wrote.Store(true)
		},
	})
}

// notSent reports whether the server cannot have the whole request, given the error of the attempt.
//
// WroteRequest without an error proves nothing: net/http calls it when the request is in its
// buffer. A missing call proves nothing either: the server can answer, or reset, between the last
// write and the hook. Three things prove that the server does not have the whole request: a missing
// connection, a failed write, and a request with a body whose headers net/http had not written when
// it gave up. After that net/http writes no part of the body. The amount of the body that was read
// is no proof: on HTTP/2 it can be read at this moment.
func (t *trace) notSent(err error) bool {
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "dial" {
		return true
	}
	if !t.traced.Load() {
		return false // this transport calls no hooks, so nothing is known
	}
	return !t.connected.Load() || t.failed.Load() || t.std && t.body && !t.begun.Load()
}

// bodyFree reports whether nobody reads the request's body any more. net/http calls the hook when
// it has read the whole body, or given up reading. If another transport wraps net/http's, it may
// keep the body, so nothing is known.
func (t *trace) bodyFree() bool { return t.std && t.wrote.Load() }
