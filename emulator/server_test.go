package emulator

import (
	"context"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// to points a request at a server.
func (s *Server) to(r *http.Request) *http.Request {
	r.URL.Host = strings.TrimPrefix(s.URL, "http://")
	return r
}

// dial opens a connection to a server.
func (s *Server) dial(t *testing.T) (net.Conn, error) {
	t.Helper()
	return new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.URL, "http://"))
}

func TestServerCloseEndsWhatHangs(t *testing.T) {
	s, err := Listen("127.0.0.1:0")
	require.NoError(t, err)
	s.Inject(Fault{Mode: Hang, Times: 1})
	s.Inject(Fault{Mode: HangAfter, Times: 1})
	s.Inject(Fault{Delay: time.Hour})
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	var clients sync.WaitGroup
	for range 3 {
		r := s.to(register(t, "ace"))
		clients.Go(func() {
			assert.Error(t, fails(t, transport, r))
		})
	}
	for s.TotalCalls() < 3 || slices.ContainsFunc(s.Requests(), func(r Request) bool { return r.Fault == "" }) {
		runtime.Gosched()
	}
	var closers sync.WaitGroup
	for range 3 {
		closers.Go(s.Close)
	}
	closers.Wait()
	clients.Wait()
	s.Close()
	for _, r := range s.Requests() {
		assert.Zero(t, r.Status)
		assert.NotZero(t, r.Latency, "its goroutine ended before Close returned")
	}
	_, err = s.dial(t)
	require.Error(t, err)
	require.ErrorIs(t, fails(t, s.Emulator, register(t, "blitz")), errStopped, "the delay ends at once, now too")
}

func TestServerCloseWithIdleConnections(t *testing.T) {
	s := Start(t)
	fresh, err := s.dial(t) // never sends anything
	require.NoError(t, err)
	defer fresh.Close()
	transport := &http.Transport{}
	assert.Equal(t, 200, send(t, transport, s.to(register(t, "ace"))).status)
	s.Close()
	_, err = fresh.Read(make([]byte, 1))
	require.Error(t, err)
	assert.Len(t, s.Players(), 1, "the data stays readable")
}

func TestServerKeepsConnections(t *testing.T) {
	s := Start(t)
	var dials int
	transport := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		dials++
		return new(net.Dialer).DialContext(ctx, network, addr)
	}}
	defer transport.CloseIdleConnections()
	for range 5 {
		assert.Equal(t, 200, send(t, transport, s.to(register(t, "ace"))).status)
	}
	assert.Equal(t, 1, dials)
}

func TestServerClientThatLeavesEndsAHang(t *testing.T) {
	s := Start(t)
	s.Inject(Fault{Mode: Hang})
	conn, err := s.dial(t)
	require.NoError(t, err)
	_, err = io.WriteString(conn, "GET /smooven/v1/players/ply_1 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
	require.NoError(t, err)
	for s.TotalCalls() == 0 {
		runtime.Gosched()
	}
	require.NoError(t, conn.Close())
	for s.Requests()[0].Latency == 0 {
		runtime.Gosched()
	}
}

func TestServerEnv(t *testing.T) {
	s := Start(t)
	env := s.Env()
	assert.Len(t, env, 14)
	assert.Contains(t, env, "PLAYLINE_SMOOVEN_KEY=sk_live_emulator")
	assert.Contains(t, env, "PLAYLINE_SUNSHINE_URL="+s.URL+"/sunshine")
	for _, line := range env {
		name, value, ok := strings.Cut(line, "=")
		assert.True(t, ok && strings.HasPrefix(name, "PLAYLINE_") && value != "", line)
		assert.NotContains(t, value, "'", "a shell takes it between single quotes")
	}
	assert.GreaterOrEqual(t, len(SunshineSecret), 32, "HS256 wants a key of 32 bytes")
}

func TestListenRefuses(t *testing.T) {
	busy := Start(t)
	for name, addr := range map[string]string{
		"no port":        "127.0.0.1",
		"a port in use":  strings.TrimPrefix(busy.URL, "http://"),
		"no such port":   "127.0.0.1:99999",
		"another's host": "192.0.2.1:0",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Listen(addr)
			require.ErrorContains(t, err, "emulator: ")
		})
	}
	s, err := Listen(":0")
	require.NoError(t, err)
	defer s.Close()
	assert.True(t, strings.HasPrefix(s.URL, "http://127.0.0.1:"), s.URL)
}

// brokenTB notes what Start reports.
type brokenTB struct {
	TB
	failed   string
	cleanups []func()
}

func (b *brokenTB) Fatalf(format string, _ ...any) { b.failed = format }
func (b *brokenTB) Cleanup(f func())               { b.cleanups = append(b.cleanups, f) }
func (b *brokenTB) Helper()                        {}

func TestStartClosesWithTheTest(t *testing.T) {
	tb := &brokenTB{}
	s := Start(tb)
	require.Len(t, tb.cleanups, 1)
	tb.cleanups[0]()
	_, err := s.dial(t)
	require.Error(t, err)
	assert.Empty(t, tb.failed)
}
