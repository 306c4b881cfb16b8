package transport_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/internal/retry"
	"github.com/playline/playline-go/internal/transport"
)

// large is a body that no socket buffer of these tests can hold.
var large = []byte(strings.Repeat("0123456789abcdef", 8<<20/16))

// peer is a server on raw sockets. It plays conns[i] on connection i, and the last one on all later
// connections.
type peer struct {
	url   string
	addr  string
	dials atomic.Int32

	mu     sync.Mutex
	bodies []string // of the whole requests
	conns  []net.Conn
	over   bool
}

func newPeer(t *testing.T, conns ...func(*peer, *net.TCPConn)) *peer {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &peer{url: "http://" + l.Addr().String(), addr: l.Addr().String()}
	var open sync.WaitGroup
	open.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			i := int(p.dials.Add(1)) - 1
			p.mu.Lock()
			p.conns = append(p.conns, conn)
			if p.over {
				_ = conn.Close()
			}
			p.mu.Unlock()
			open.Go(func() {
				defer conn.Close()
				conns[min(i, len(conns)-1)](p, conn.(*net.TCPConn))
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		p.mu.Lock()
		p.over = true
		for _, conn := range p.conns { // the client's end can be busy for a moment after its call
			_ = conn.Close()
		}
		p.mu.Unlock()
		open.Wait()
	})
	return p
}

// read reads one whole request.
func (p *peer) read(r *bufio.Reader) bool {
	req, err := http.ReadRequest(r)
	if err != nil {
		return false
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bodies = append(p.bodies, string(body))
	return true
}

func (p *peer) taken() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.bodies)
}

// reset ends a connection with RST, so that data on the way is lost.
func reset(conn *net.TCPConn) {
	_ = conn.SetLinger(0)
	_ = conn.Close()
}

const okAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

// serve answers every request.
func serve(p *peer, conn *net.TCPConn) {
	for r := bufio.NewReader(conn); p.read(r); {
		_, _ = io.WriteString(conn, okAnswer)
	}
}

// dialer returns a transport for one test. Its socket buffers are small, so that they cannot hold a
// large body.
func dialer(t *testing.T, dial func(context.Context, string, string) (net.Conn, error)) *http.Transport {
	t.Helper()
	if dial == nil {
		dial = dialSmall
	}
	tr := &http.Transport{DialContext: dial}
	t.Cleanup(tr.CloseIdleConnections)
	return tr
}

func dialSmall(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return conn, conn.(*net.TCPConn).SetWriteBuffer(64 << 10)
}

// refusedAddr returns an address where nobody can listen while the test runs, because it is the
// client's end of a connection.
func refusedAddr(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", l.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn.LocalAddr().String()
}

// TestNeverSentIsKnown plays each way in which a connection can fail. The class of its calls allows
// a repeat only if the service cannot have the request. Each call therefore either repeats and
// succeeds, or ends in doubt after one attempt.
func TestNeverSentIsKnown(t *testing.T) {
	t.Parallel()
	small := []byte("{}")
	fails := func(err error) func(t *testing.T, p *peer) *http.Transport { // the first dial fails
		return func(t *testing.T, _ *peer) *http.Transport {
			var dials atomic.Int32
			return dialer(t, func(ctx context.Context, network, addr string) (net.Conn, error) {
				if dials.Add(1) == 1 {
					return nil, err
				}
				return dialSmall(ctx, network, addr)
			})
		}
	}
	plain := func(t *testing.T, _ *peer) *http.Transport { return dialer(t, nil) }
	rows := []struct {
		name     string
		body     []byte
		conns    []func(*peer, *net.TCPConn)
		next     func(*testing.T, *peer) *http.Transport
		attempts int
		doubt    bool
		taken    int // whole requests that the server received
	}{
		{
			name: "nobody listens", body: small, conns: []func(*peer, *net.TCPConn){serve}, attempts: 2, taken: 1,
			next: func(t *testing.T, _ *peer) *http.Transport {
				var dials atomic.Int32
				closed := refusedAddr(t)
				return dialer(t, func(ctx context.Context, network, addr string) (net.Conn, error) {
					if dials.Add(1) == 1 {
						addr = closed
					}
					return dialSmall(ctx, network, addr)
				})
			},
		},
		{
			name: "the name has no address", body: small, conns: []func(*peer, *net.TCPConn){serve}, attempts: 2, taken: 1,
			next: fails(&net.DNSError{Err: "no such host", Name: "api.example.com", IsNotFound: true}),
		},
		{
			name: "the resolver does not answer", body: small, conns: []func(*peer, *net.TCPConn){serve}, attempts: 2, taken: 1,
			next: fails(&net.DNSError{Err: "i/o timeout", Name: "api.example.com", IsTimeout: true, IsTemporary: true}),
		},
		{
			name: "a dialer with an error of its own", body: small, conns: []func(*peer, *net.TCPConn){serve}, attempts: 2, taken: 1,
			next: fails(errors.New("the tunnel is down")),
		},
		{
			name: "the name has no address, without a body", body: nil, conns: []func(*peer, *net.TCPConn){serve}, attempts: 2, taken: 1,
			next: fails(&net.DNSError{Err: "no such host", Name: "api.example.com", IsNotFound: true}),
		},
		{
			name: "reset when all was read, without a body", body: nil, attempts: 1, doubt: true, taken: 1, next: plain,
			conns: []func(*peer, *net.TCPConn){func(p *peer, conn *net.TCPConn) { p.read(bufio.NewReader(conn)); reset(conn) }, serve},
		},
		{
			name: "a write that fails halfway, when net/http has read all of the body", body: large[:10_000], attempts: 2, taken: 1,
			conns: []func(*peer, *net.TCPConn){serve},
			next: func(t *testing.T, _ *peer) *http.Transport {
				var dials atomic.Int32
				return dialer(t, func(ctx context.Context, network, addr string) (net.Conn, error) {
					conn, err := dialSmall(ctx, network, addr)
					if dials.Add(1) == 1 && err == nil {
						conn = halfway{conn}
					}
					return conn, err
				})
			},
		},
		{
			name: "closed before anything was read, a large body", body: large, attempts: 2, taken: 1, next: plain,
			conns: []func(*peer, *net.TCPConn){func(_ *peer, conn *net.TCPConn) { reset(conn) }, serve},
		},
		{
			name: "reset when half of a large body was read", body: large, attempts: 2, taken: 1, next: plain,
			conns: []func(*peer, *net.TCPConn){func(_ *peer, conn *net.TCPConn) {
				_ = conn.SetReadBuffer(64 << 10)
				_, _ = io.CopyN(io.Discard, conn, int64(len(large)/2))
				reset(conn)
			}, serve},
		},
		{
			name: "reset when all was read", body: small, attempts: 1, doubt: true, taken: 1, next: plain,
			conns: []func(*peer, *net.TCPConn){func(p *peer, conn *net.TCPConn) { p.read(bufio.NewReader(conn)); reset(conn) }, serve},
		},
		{
			name: "reset when all of a large body was read", body: large, attempts: 1, doubt: true, taken: 1, next: plain,
			conns: []func(*peer, *net.TCPConn){func(p *peer, conn *net.TCPConn) { p.read(bufio.NewReader(conn)); reset(conn) }, serve},
		},
		{
			name: "closed when all was read", body: small, attempts: 1, doubt: true, taken: 1, next: plain,
			conns: []func(*peer, *net.TCPConn){func(p *peer, conn *net.TCPConn) { p.read(bufio.NewReader(conn)) }, serve},
		},
		{
			name: "reset within the headers of the answer", body: small, attempts: 1, doubt: true, taken: 1, next: plain,
			conns: []func(*peer, *net.TCPConn){func(p *peer, conn *net.TCPConn) {
				p.read(bufio.NewReader(conn))
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Le")
				reset(conn)
			}, serve},
		},
		{
			name: "closed within the body of the answer", body: small, attempts: 1, doubt: true, taken: 1, next: plain,
			conns: []func(*peer, *net.TCPConn){func(p *peer, conn *net.TCPConn) {
				p.read(bufio.NewReader(conn))
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n{\"half\":")
			}, serve},
		},
		{
			name: "closed within a chunked answer", body: small, attempts: 1, doubt: true, taken: 1, next: plain,
			conns: []func(*peer, *net.TCPConn){func(p *peer, conn *net.TCPConn) {
				p.read(bufio.NewReader(conn))
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{\"half\":\r\n")
			}, serve},
		},
		{
			name: "an answer that is not HTTP", body: small, attempts: 1, doubt: true, taken: 1, next: plain,
			conns: []func(*peer, *net.TCPConn){func(p *peer, conn *net.TCPConn) {
				p.read(bufio.NewReader(conn))
				_, _ = io.WriteString(conn, "220 mail.example.com ready\r\n")
			}, serve},
		},
		{
			name: "the request in the server's buffer, and nobody reads it", body: small, attempts: 1, doubt: true, taken: 0,
			conns: []func(*peer, *net.TCPConn){func(_ *peer, conn *net.TCPConn) {
				_, _ = conn.Read(make([]byte, 1)) // the request has arrived
				reset(conn)
			}, serve},
			next: plain,
		},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			p := newPeer(t, row.conns...)
			client := newClient(row.next(t, p))
			resp, failure := client.Do(t.Context(), newRequest(t, p.url, retry.Unsent, row.body))
			assert.Equal(t, row.attempts, resp.Attempts)
			assert.Equal(t, row.taken, p.taken(), "requests that the server took")
			if row.doubt {
				require.NotNil(t, failure)
				assert.True(t, failure.Doubt)
				assert.Error(t, failure.Cause)
				return
			}
			require.Nil(t, failure)
			assert.True(t, string(row.body) == p.bodies[0], "whole, byte for byte") //nolint:testifylint // a message with 8 MB helps nobody

			// With class Never, these failures end a call without a doubt, and those above end it
			// in doubt.
			p = newPeer(t, row.conns...)
			_, failure = newClient(row.next(t, p)).Do(t.Context(), newRequest(t, p.url, retry.Never, row.body))
			require.NotNil(t, failure)
			assert.False(t, failure.Doubt)
			assert.Zero(t, p.taken())
		})
	}
}

// TestALostAnswerIsRepeatedIfThatIsSafe is the counterpart of the rows in doubt above.
func TestALostAnswerIsRepeatedIfThatIsSafe(t *testing.T) {
	t.Parallel()
	for name, last := range map[string]string{"nothing": "", "half an answer": "HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n{\"half\":"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPeer(t, func(p *peer, conn *net.TCPConn) {
				p.read(bufio.NewReader(conn))
				_, _ = io.WriteString(conn, last)
			}, serve)
			resp, failure := newClient(dialer(t, nil)).Do(t.Context(), newRequest(t, p.url, retry.Safe, []byte("{}")))
			require.Nil(t, failure)
			assert.Equal(t, 2, resp.Attempts)
			assert.Equal(t, "{}", string(resp.Body), "nothing of the half answer is left")
			assert.Equal(t, []string{"{}", "{}"}, p.bodies)
		})
	}
}

// TestAConnectionThatDiesAtOnceIsNeverAPlainFailure: whether a small request leaves before the
// reset arrives is a race in net/http, and both results are right. But a call must not end without
// a second attempt and without a doubt.
func TestAConnectionThatDiesAtOnceIsNeverAPlainFailure(t *testing.T) {
	t.Parallel()
	for range 50 {
		p := newPeer(t, func(_ *peer, conn *net.TCPConn) { reset(conn) }, serve)
		resp, failure := newClient(dialer(t, nil)).Do(t.Context(), newRequest(t, p.url, retry.Unsent, []byte("{}")))
		if failure == nil {
			assert.Equal(t, 2, resp.Attempts)
			continue
		}
		assert.True(t, failure.Doubt)
		assert.Equal(t, 1, resp.Attempts)
	}
}

func TestATLSHandshakeThatFailsSentNothing(t *testing.T) {
	t.Parallel()
	var served atomic.Int32
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { served.Add(1) }))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	t.Cleanup(srv.Close)
	closer := newPeer(t, func(_ *peer, conn *net.TCPConn) { _, _ = conn.Read(make([]byte, 1)) })
	for name, url := range map[string]string{
		"a certificate that nobody knows": srv.URL,
		"closed within the handshake":     strings.Replace(closer.url, "http:", "https:", 1),
		"no TLS at all":                   strings.Replace(newPeer(t, func(_ *peer, conn *net.TCPConn) { _, _ = io.WriteString(conn, okAnswer) }).url, "http:", "https:", 1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resp, failure := newClient(dialer(t, nil)).Do(t.Context(), newRequest(t, url, retry.Unsent, []byte("{}")))
			require.NotNil(t, failure)
			want := quick.MaxAttempts
			if name == "a certificate that nobody knows" {
				want = 1 // it would be the same certificate again
			}
			assert.Equal(t, want, resp.Attempts)
			assert.False(t, failure.Doubt)
			resp, failure = newClient(dialer(t, nil)).Do(t.Context(), newRequest(t, url, retry.Never, []byte("{}")))
			require.NotNil(t, failure)
			assert.Equal(t, 1, resp.Attempts)
			assert.False(t, failure.Doubt)
		})
	}
	t.Cleanup(func() { assert.Zero(t, served.Load()) })
}

// TestAServerThatDoesNotReadIsNoDoubt: when the attempt times out, a part of the body has not been
// sent.
func TestAServerThatDoesNotReadIsNoDoubt(t *testing.T) {
	t.Parallel()
	over := make(chan struct{})
	p := newPeer(t, func(_ *peer, conn *net.TCPConn) { _ = conn.SetReadBuffer(64 << 10); <-over })
	t.Cleanup(func() { close(over) })
	resp, failure := newClient(dialer(t, nil)).Do(t.Context(), newRequest(t, p.url, retry.Unsent, large, func(r *transport.Request) {
		r.Policy.AttemptTimeout = 20 * time.Millisecond
	}))
	require.NotNil(t, failure)
	assert.Equal(t, quick.MaxAttempts, resp.Attempts)
	assert.False(t, failure.Doubt)
	assert.ErrorContains(t, failure.Cause, "no whole answer within 20ms")
}

// stuck is a connection whose next write can be made to fail with nothing written. A real
// connection does that if the server closed it while it was idle and the client has not noticed.
// Reads never return.
type stuck struct {
	net.Conn
	dead *atomic.Bool
}

func (c stuck) Write(p []byte) (int, error) {
	if c.dead.Load() {
		return 0, &net.OpError{Op: "write", Net: "tcp", Err: syscall.EPIPE}
	}
	return c.Conn.Write(p)
}

// halfway is a connection that breaks within the first write of more than 5000 bytes.
type halfway struct{ net.Conn }

func (c halfway) Write(p []byte) (int, error) {
	if len(p) <= 5000 {
		return c.Conn.Write(p)
	}
	n, _ := c.Conn.Write(p[:5000])
	_ = c.Conn.Close()
	return n, &net.OpError{Op: "write", Net: "tcp", Err: syscall.EPIPE}
}

// TestAnIdleConnectionThatDied: net/http notices that the connection is dead when it writes, and
// itself takes another connection if nothing was written. Our client counts that as one attempt. If
// the other connection fails too, still nothing was sent. A body that does not fit into its buffer
// is different: net/http takes the failed write for a failed read of the body, and our client makes
// the second attempt.
func TestAnIdleConnectionThatDied(t *testing.T) {
	t.Parallel()
	for _, body := range [][]byte{nil, []byte("{}"), large} {
		for _, secondDial := range []bool{true, false} {
			p := newPeer(t, serve)
			var dials atomic.Int32
			var dead atomic.Bool
			client := newClient(dialer(t, func(ctx context.Context, network, addr string) (net.Conn, error) {
				n := dials.Add(1)
				if n == 2 && !secondDial {
					return nil, errors.New("the tunnel is down")
				}
				conn, err := dialSmall(ctx, network, addr)
				if n == 1 && err == nil {
					conn = stuck{conn, &dead}
				}
				return conn, err
			}))
			_, failure := client.Do(t.Context(), newRequest(t, p.url, retry.Unsent, []byte("warm")))
			require.Nil(t, failure)
			dead.Store(true)
			resp, failure := client.Do(t.Context(), newRequest(t, p.url, retry.Unsent, body))
			require.Nil(t, failure)
			dialed := 2
			if !secondDial {
				dialed = 3
			}
			attempts := dialed - 1 // net/http's own second try is part of the first attempt
			if len(body) == len(large) {
				attempts = dialed
			}
			assert.Equal(t, attempts, resp.Attempts)
			assert.Equal(t, int32(dialed), dials.Load())
			require.Equal(t, 2, p.taken())
			assert.Len(t, p.bodies[1], len(body))
		}
	}
}

// TestAnIdleConnectionThatDiedProvesNothingOfTheNext: the second try, on another connection,
// reached the server.
func TestAnIdleConnectionThatDiedProvesNothingOfTheNext(t *testing.T) {
	t.Parallel()
	for _, body := range [][]byte{nil, []byte("{}"), large} {
		p := newPeer(t, serve, func(p *peer, conn *net.TCPConn) { p.read(bufio.NewReader(conn)); reset(conn) }, serve)
		var dials atomic.Int32
		var dead atomic.Bool
		client := newClient(dialer(t, func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := dialSmall(ctx, network, addr)
			if dials.Add(1) == 1 && err == nil {
				conn = stuck{conn, &dead}
			}
			return conn, err
		}))
		_, failure := client.Do(t.Context(), newRequest(t, p.url, retry.Unsent, []byte("warm")))
		require.Nil(t, failure)
		dead.Store(true)
		resp, failure := client.Do(t.Context(), newRequest(t, p.url, retry.Unsent, body))
		require.NotNil(t, failure)
		assert.True(t, failure.Doubt)
		attempts := 1
		if len(body) == len(large) { // the second try was ours
			attempts = 2
		}
		assert.Equal(t, attempts, resp.Attempts)
		assert.Equal(t, 2, p.taken(), "once each")
	}
}

// TestAWarmConnectionThatIsLostInDoubt: the server read the request and closed. Neither net/http
// nor the class repeats a request that may have an effect.
func TestAWarmConnectionThatIsLostInDoubt(t *testing.T) {
	t.Parallel()
	p := newPeer(t, func(p *peer, conn *net.TCPConn) {
		r := bufio.NewReader(conn)
		p.read(r)
		_, _ = io.WriteString(conn, okAnswer)
		p.read(r)
	}, serve)
	client := newClient(dialer(t, nil))
	_, failure := client.Do(t.Context(), newRequest(t, p.url, retry.Unsent, []byte("warm")))
	require.Nil(t, failure)
	resp, failure := client.Do(t.Context(), newRequest(t, p.url, retry.Unsent, []byte("{}")))
	require.NotNil(t, failure)
	assert.True(t, failure.Doubt)
	assert.Equal(t, 1, resp.Attempts)
	assert.Equal(t, 2, p.taken(), "once each")
	assert.Equal(t, int32(1), p.dials.Load())
}

// TestASilentTransportLeavesADoubt: a caller's own transport may skip the hooks of
// httptrace, and need not read the body.
func TestASilentTransportLeavesADoubt(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name  string
		step  step
		doubt bool
	}{
		{"no word on how far it got", func(*http.Request) (*http.Response, error) { return nil, errBroken }, true},
		{"a reset", func(*http.Request) (*http.Response, error) {
			return nil, &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
		}, true},
		{"a failed write", func(*http.Request) (*http.Response, error) {
			return nil, &net.OpError{Op: "write", Net: "tcp", Err: syscall.EPIPE}
		}, true},
		{"a failed dial is clear all the same", refuse, false},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			for _, body := range [][]byte{nil, []byte("{}")} {
				resp, failure := newClient(roundTripper(row.step)).Do(t.Context(), newRequest(t, origin, retry.Unsent, body))
				require.NotNil(t, failure)
				assert.Equal(t, row.doubt, failure.Doubt)
				if row.doubt {
					assert.Equal(t, 1, resp.Attempts)
				} else {
					assert.Equal(t, quick.MaxAttempts, resp.Attempts)
				}
			}
		})
	}
}

// TestATransportWithHooksLeavesNoDoubt uses a transport other than net/http's, which calls some
// hooks.
func TestATransportWithHooksLeavesNoDoubt(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name  string
		play  func(trace *httptrace.ClientTrace, body io.Reader)
		doubt bool
	}{
		{"no connection", func(trace *httptrace.ClientTrace, _ io.Reader) {
			trace.GetConn("api.example.com:443")
		}, false},
		{"a connection, and no word on the rest", func(trace *httptrace.ClientTrace, _ io.Reader) {
			trace.GotConn(httptrace.GotConnInfo{})
		}, true}, // only net/http is known to report every step
		{"a connection, and all of the body", func(trace *httptrace.ClientTrace, body io.Reader) {
			trace.GotConn(httptrace.GotConnInfo{})
			_, _ = io.Copy(io.Discard, body)
		}, true},
		{"a request that could not be written", func(trace *httptrace.ClientTrace, body io.Reader) {
			trace.GotConn(httptrace.GotConnInfo{})
			_, _ = io.Copy(io.Discard, body)
			trace.WroteRequest(httptrace.WroteRequestInfo{Err: errBroken})
		}, false},
		{"a request that was written", func(trace *httptrace.ClientTrace, body io.Reader) {
			trace.GotConn(httptrace.GotConnInfo{})
			_, _ = io.Copy(io.Discard, body)
			trace.WroteRequest(httptrace.WroteRequestInfo{})
		}, true},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			next := roundTripper(func(req *http.Request) (*http.Response, error) {
				row.play(httptrace.ContextClientTrace(req.Context()), req.Body)
				return nil, errBroken
			})
			resp, failure := newClient(next).Do(t.Context(), newRequest(t, origin, retry.Unsent, []byte("{}")))
			require.NotNil(t, failure)
			assert.Equal(t, row.doubt, failure.Doubt)
			assert.Equal(t, row.doubt, resp.Attempts == 1)
		})
	}
}

// roundTripper is a transport that reads no body and calls no hooks.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }
