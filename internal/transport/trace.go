package transport

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
)

// trace watches how far one attempt got, so that "the server cannot have taken it" is known and not guessed.
//
// The hooks run on the transport's goroutines. On HTTP/1 net/http ends its write loop before it reports a failure; on HTTP/2 an
// attempt that is given up returns while its stream may still be written, hence the atomics.
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
		// net/http asks for a connection again only where nothing of the request was written to the last one (or where
		// the request may be repeated anyway), so what was seen on that one does not count.
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
// WroteRequest without an error proves nothing: net/http calls it when the request is in its buffer. And that it was not
// called proves nothing either: the server can answer, or reset, between the last write and the hook. What proves that the
// request is not whole on the wire is a missing connection, a failed write, or a body that follows headers which net/http had
// not written when it gave up: it writes no part of a body after that. How much of the body was read is not looked at: on
// HTTP/2 it can be read at this very moment.
func (t *trace) notSent(err error) bool {
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "dial" {
		return true
	}
	if !t.traced.Load() {
		return false // a transport that calls no hooks: nothing is known
	}
	return !t.connected.Load() || t.failed.Load() || t.std && t.body && !t.begun.Load()
}

// bodyFree reports whether the request's body is not read any more. The hook comes when the body was read whole, or reading it was given
// up. Where another transport stands before net/http's, it may keep the body, so nothing is known.
func (t *trace) bodyFree() bool { return t.std && t.wrote.Load() }
