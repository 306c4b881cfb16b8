package emulator

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strconv"
)

// RoundTrip answers a request inside the process, so an Emulator can be an http.Client's Transport.
// It looks at the URL's path only, not at its host; nothing is dialed and no goroutine started. It
// calls the hooks GetConn, GotConn, WroteHeaders, WroteRequest and GotFirstResponseByte of
// httptrace. The request's context ends delays and hangs.
//
// ResetBefore reports a WroteRequest that failed, so the client knows that its request never
// arrived as a whole. Over a socket a small request is in the kernel's buffers by then, and the
// client cannot tell.
func (e *Emulator) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	if r.Body != nil {
		defer r.Body.Close()
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	trace := httptrace.ContextClientTrace(ctx)
	if trace == nil {
		trace = &httptrace.ClientTrace{}
	}
	if trace.GetConn != nil {
		trace.GetConn(r.URL.Host)
	}
	if trace.GotConn != nil {
		conn, _ := net.Pipe() // somebody may ask it for its addresses
		trace.GotConn(httptrace.GotConnInfo{Conn: conn})
	}
	if trace.WroteHeaders != nil {
		trace.WroteHeaders()
	}
	out := e.exchange(r, func(err error) {
		if trace.WroteRequest != nil {
			trace.WroteRequest(httptrace.WroteRequestInfo{Err: err})
		}
	})
	if out.err != nil {
		return nil, out.err
	}
	if trace.GotFirstResponseByte != nil {
		trace.GotFirstResponseByte()
	}
	return out.response(r), nil
}

// response is the outcome as a client's transport returns it.
func (o outcome) response(r *http.Request) *http.Response {
	o.header.Set("Content-Length", strconv.Itoa(len(o.body)))
	resp := &http.Response{
		Status: strconv.Itoa(o.status) + " " + http.StatusText(o.status), StatusCode: o.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: o.header, ContentLength: int64(len(o.body)), Request: r, Body: http.NoBody,
	}
	switch {
	case r.Method == http.MethodHead:
	case o.half:
		resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(o.sent()), brokenOff{}))
	case len(o.body) > 0:
		resp.Body = io.NopCloser(bytes.NewReader(o.body))
	}
	return resp
}

// brokenOff reads as a connection that ended inside a body.
type brokenOff struct{}

func (brokenOff) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// ServeHTTP answers a request over a connection. For a reset it takes the connection over; where it
// cannot (HTTP/2, a recorder), it panics with http.ErrAbortHandler, which is how a handler ends a
// connection without a reply. A request over a network is answered only if its Host header is an
// address, localhost or a name of [WithHosts], and if it does not come from another site's page in
// a browser. Others get 403 and leave no trace.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	out := outcome{}
	// without a server there is no network: a test calls the handler with a request of its own
	// making
	if why := e.guard.refuses(r); why != "" && r.Context().Value(http.ServerContextKey) != nil {
		out = e.refused(r, why)
	} else {
		out = e.exchange(r, func(error) {})
	}
	if out.err != nil {
		resetConn(w)
		return
	}
	for name, values := range out.header {
		w.Header()[name] = values
	}
	if out.status != http.StatusNoContent && out.status != http.StatusNotModified {
		w.Header().Set("Content-Length", strconv.Itoa(len(out.body)))
	}
	w.WriteHeader(out.status)
	// net/http closes a connection whose reply is shorter than it was announced, and the client may
	// have left; there is nobody to tell
	_, _ = w.Write(out.sent())
}

// resetConn ends the connection so that the client sees a reset, not a clean end: with a linger of
// 0, closing sends RST.
func resetConn(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if t, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = t.NetConn() // closing TLS itself would say goodbye first
	}
	if t, ok := conn.(*net.TCPConn); ok {
		_ = t.SetLinger(0) // only fails on a connection that is gone
	}
	_ = conn.Close()
}
