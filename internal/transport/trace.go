package transport

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http/httptrace"
	"sync/atomic"
)

// trace watches how far one attempt got, so that "the server cannot have taken it" is known and not guessed.
//
// The hooks run on the transport's goroutines. net/http waits for its write loop before it reports a failure, so they are
// settled by then; a caller's own transport may be less careful, hence the atomics.
type trace struct {
	traced    atomic.Bool                  // the transport calls hooks at all
	connected atomic.Bool                  // a connection was obtained
	failed    atomic.Bool                  // writing the request failed
	reader    atomic.Pointer[bytes.Reader] // the body, where there is one
}

// start returns ctx with the hooks.
func (t *trace) start(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		// net/http asks for a connection again only where nothing of the request was written to the last one (or where
		// the request may be repeated anyway), so what was seen on that one does not count.
		GetConn: func(string) {
			t.traced.Store(true)
			t.connected.Store(false)
			t.failed.Store(false)
		},
		GotConn: func(httptrace.GotConnInfo) { t.traced.Store(true); t.connected.Store(true) },
		WroteRequest: func(info httptrace.WroteRequestInfo) {
			if info.Err != nil {
				t.failed.Store(true)
			}
		},
	})
}

// notSent reports whether the server cannot have the whole request, given the error of the attempt.
//
// WroteRequest without an error proves nothing: net/http calls it when the request is in its buffer. And that it was not
// called proves nothing either: the server can answer, or reset, between the last write and the hook. What proves that the
// request is not whole on the wire is a missing connection, a failed write, or a body that was not read to its end.
func (t *trace) notSent(err error) bool {
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "dial" {
		return true
	}
	if !t.traced.Load() {
		return false // a transport that calls no hooks: nothing is known
	}
	return !t.connected.Load() || t.failed.Load() || t.bodyLeft()
}

// body returns a reader over b and remembers it. It is a plain reader: for one of another type net/http writes header and body
// apart, which costs a system call and a packet.
func (t *trace) body(b []byte) io.ReadCloser {
	r := bytes.NewReader(b)
	t.reader.Store(r)
	return io.NopCloser(r)
}

// bodyLeft reports whether the transport has left a part of the body unread. It is asked after the transport has returned an
// error; net/http has ended its write loop by then.
func (t *trace) bodyLeft() bool {
	r := t.reader.Load()
	return r != nil && r.Len() > 0
}
