package proxytest

import (
	"context"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/emulator"
)

// hung is how long anything here may take. Only what hangs takes that long.
const hung = 30 * time.Second

// line is an emulator and the network before it: a proxy on loopback that the line's clients dial
// instead.
type line struct {
	t         *testing.T
	server    *emulator.Server
	transport *http.Transport
	nowhere   net.Conn // nothing listens on its local port, and while it is open nobody else gets that port

	mu     sync.Mutex // guards the following
	proxy  *toxiproxy.Proxy
	toxics []toxic // that are on the proxy
	addr   string  // that clients dial
	aside  int     // proxies that got stuck, see change
}

// newLine returns a line on which nothing is wrong. It is hung up when the test ends.
func newLine(t *testing.T) *line {
	t.Helper()
	l := &line{t: t, server: emulator.Start(t)}
	var err error
	l.nowhere, err = (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(l.server.URL, "http://"))
	require.NoError(t, err)
	l.transport = &http.Transport{DialContext: l.dial, MaxIdleConnsPerHost: 64}
	l.restart()
	t.Cleanup(l.hangUp)
	return l
}

// client returns a client on the line. Its limiter for SmartSender is off: it would be the slowest
// thing on the line.
func (l *line) client(policy playline.RetryPolicy) *playline.Client {
	l.t.Helper()
	client, err := playline.New(append(l.server.Options(), playline.WithHTTPClient(&http.Client{Transport: l.transport}),
		playline.WithRetryPolicy(policy), playline.WithLimiter(playline.SmartSender, nil))...)
	require.NoError(l.t, err)
	return client
}

// direct returns a client that reaches the emulator without the line, to prepare and to look.
func (l *line) direct() *playline.Client {
	l.t.Helper()
	client, err := playline.New(append(l.server.Emulator.Options(), playline.WithLimiter(playline.SmartSender, nil))...)
	require.NoError(l.t, err)
	return client
}

// dial connects to the proxy, with a small buffer to write to: a large request is then not in the
// kernel's hands at once, and can break or run out of time while it is being written.
func (l *line) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	l.mu.Lock()
	addr := l.addr
	l.mu.Unlock()
	conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	if tcp, ok := conn.(*net.TCPConn); ok {
		err = tcp.SetWriteBuffer(4 << 10)
	}
	return conn, err
}

// restart puts a new proxy without toxics on the line.
func (l *line) restart() {
	silent := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	proxy := toxiproxy.NewProxy(silent, "line", "127.0.0.1:0", strings.TrimPrefix(l.server.URL, "http://"))
	if !assert.NoError(l.t, proxy.Start()) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.proxy, l.addr, l.toxics = proxy, proxy.Listen, nil
}

// cut breaks all connections and lets new ones be refused, until heal.
func (l *line) cut() {
	l.mu.Lock()
	proxy := l.proxy
	l.addr, l.toxics = l.nowhere.LocalAddr().String(), nil
	l.mu.Unlock()
	l.change(proxy.Stop)
}

// change changes a proxy and reports whether it came back from that.
//
// Toxiproxy takes the lock of all connections, stops each one's pipeline and waits for that. If the
// receiving side of a connection goes away at that moment, the pipeline's last stage ends and waits
// for the lock, the stage before it is stuck with the bytes that nobody takes, and the wait never
// ends. Such a proxy is put aside: what is still open in it fails by the clients' timeouts, as on a
// network that has gone silent.
func (l *line) change(does func()) bool {
	done := make(chan struct{})
	go func() {
		defer close(done)
		does()
	}()
	select {
	case <-done:
		return true
	case <-time.After(10 * time.Second): // toxiproxy waits 5 s for bytes that nobody takes
		l.mu.Lock()
		l.aside++
		l.mu.Unlock()
		l.transport.CloseIdleConnections()
		return false
	}
}

// add makes something go wrong, on the connections that are open too. On a line that is cut nothing
// more can go wrong.
//
// There is one toxic in each direction, and a new one takes the place of the old. Toxiproxy 2.12
// takes more, but where one of two is removed from a connection that is just closing, that
// connection's places no longer fit the proxy's, and the next change panics.
func (l *line) add(toxics ...toxic) {
	for _, x := range toxics {
		if i := slices.IndexFunc(l.wrongs(), func(o toxic) bool { return o.stream == x.stream }); i >= 0 {
			l.remove(i)
		}
		l.mu.Lock()
		proxy, cut := l.proxy, l.isCut()
		if !cut {
			l.toxics = append(l.toxics, x)
		}
		l.mu.Unlock()
		if cut {
			return
		}
		added := l.change(func() {
			_, err := proxy.Toxics.AddToxicJson(x.json())
			assert.NoError(l.t, err, x.String())
		})
		if !added {
			l.restart()
		}
	}
}

// remove lets the toxic at place i end, on the connections that are open too.
func (l *line) remove(i int) {
	l.mu.Lock()
	proxy, x := l.proxy, l.toxics[i]
	l.toxics = slices.Delete(l.toxics, i, i+1)
	l.mu.Unlock()
	if !l.change(func() { assert.NoError(l.t, proxy.Toxics.RemoveToxic(context.WithoutCancel(l.t.Context()), x.name())) }) {
		l.restart()
	}
}

// wrongs returns the toxics on the line.
func (l *line) wrongs() []toxic {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.toxics)
}

// isCut reports whether connections are refused. mu is held.
func (l *line) isCut() bool { return l.addr == l.nowhere.LocalAddr().String() }

// heal lets everything end that is wrong.
func (l *line) heal() {
	for len(l.wrongs()) > 0 {
		l.remove(0)
	}
	l.mu.Lock()
	cut := l.isCut()
	l.mu.Unlock()
	if cut {
		l.restart()
	}
}

// hangUp breaks the line and waits until the emulator has ended its last request: from then on its
// record does not change. The bytes that the line still holds are lost.
func (l *line) hangUp() {
	l.cut()
	l.transport.CloseIdleConnections()
	_ = l.nowhere.Close()
	l.server.Close()
}
