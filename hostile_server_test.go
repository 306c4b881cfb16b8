package playline

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// hostileServer is a server on a real socket that follows no rules: every connection is played by the test.
type hostileServer struct {
	url     string
	conns   atomic.Int32 // connections that were made
	written atomic.Int64 // bytes that went out
}

// hostileConn is one connection of it.
type hostileConn struct {
	net.Conn
	server *hostileServer
	r      *bufio.Reader
	read   func(body []byte) // is told of every request that was read; nil: nobody is
}

func newHostileServer(t *testing.T, play func(*hostileConn)) *hostileServer {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &hostileServer{url: "http://" + l.Addr().String()}
	var mu sync.Mutex // guards open
	open := map[net.Conn]bool{}
	var plays sync.WaitGroup
	plays.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.conns.Add(1)
			mu.Lock()
			open[conn] = true
			mu.Unlock()
			plays.Go(func() {
				defer conn.Close()
				play(&hostileConn{Conn: conn, server: s, r: bufio.NewReader(conn)})
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for conn := range open {
			_ = conn.Close()
		}
		mu.Unlock()
		plays.Wait()
	})
	return s
}

// Write counts.
func (c *hostileConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.server.written.Add(int64(n))
	return n, err
}

// request reads one request whole; false means that none came.
func (c *hostileConn) request() bool {
	req, err := http.ReadRequest(c.r)
	if err != nil {
		return false
	}
	body, err := io.ReadAll(req.Body)
	if err == nil && c.read != nil {
		c.read(body)
	}
	return err == nil
}

// says reads a request and answers with text.
func says(text string) func(*hostileConn) {
	return func(c *hostileConn) {
		if c.request() {
			_, _ = io.WriteString(c, text)
		}
	}
}

// answers is says for an answer of 200 with a length.
func answers(header, body string) func(*hostileConn) {
	return says(fmt.Sprintf("HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n%s", header, len(body), body))
}

// floods begins as text and repeats more, up to 10 GB or until the other side has enough.
func floods(text, more string) func(*hostileConn) {
	chunk := []byte(strings.Repeat(more, 1+64<<10/len(more)))
	return func(c *hostileConn) {
		if !c.request() {
			return
		}
		_, err := io.WriteString(c, text)
		for err == nil && c.server.written.Load() < 10<<30 {
			_, err = c.Write(chunk)
		}
	}
}

// bombs answers with 10 GB of spaces, which gzip makes a thousandth of.
func bombs(status string) func(*hostileConn) {
	return func(c *hostileConn) {
		if !c.request() {
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 "+status+"\r\nContent-Encoding: gzip\r\n\r\n")
		zip, spaces := gzip.NewWriter(c), bytes.Repeat([]byte(" "), 64<<10)
		for range int64(10<<30) / int64(len(spaces)) {
			if _, err := zip.Write(spaces); err != nil {
				return
			}
		}
		_ = zip.Close()
	}
}

// drips sends text a byte at a time, the last byte for ever: there is always some progress, and never an end.
func drips(text string) func(*hostileConn) {
	return func(c *hostileConn) {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for i := 0; ; i++ {
			<-tick.C
			if _, err := io.WriteString(c, text[min(i, len(text)-1):][:1]); err != nil {
				return
			}
		}
	}
}

// trickles drips all of an answer.
func trickles(text string) func(*hostileConn) { return after("", drips(text)) }

// silent reads whatever comes and says nothing.
func silent(c *hostileConn) { _, _ = io.Copy(io.Discard, c.r) }

// after plays the rest behind a text that goes out at once.
func after(text string, rest func(*hostileConn)) func(*hostileConn) {
	return func(c *hostileConn) {
		if c.request() {
			_, _ = io.WriteString(c, text)
			rest(c)
		}
	}
}

// early answers when the first byte of the request has come. One that answers before that makes net/http write to the standard logger.
func early(text string) func(*hostileConn) {
	return func(c *hostileConn) {
		_, _ = c.r.Peek(1)
		_, _ = io.WriteString(c, text)
		c.request()
	}
}

// reset ends a connection with RST.
func reset(c *hostileConn) { _ = c.Conn.(*net.TCPConn).SetLinger(0) }

// bounded runs f, and holds it to the memory that it may allocate in all. When the test has ended and its servers are closed no goroutine
// may be left. No other test runs meanwhile: the tests that call it are not parallel.
func bounded(t *testing.T, bytes uint64, f func()) {
	t.Helper()
	goroutines := runtime.NumGoroutine()
	t.Cleanup(func() { // runs after those of the servers that f makes
		for deadline := time.After(20 * time.Second); runtime.NumGoroutine() > goroutines; {
			select {
			case <-deadline:
				stacks := make([]byte, 1<<20)
				t.Fatalf("goroutines are left behind:\n%s", stacks[:runtime.Stack(stacks, true)])
			case <-time.After(time.Millisecond): // the ends of closed connections go by themselves, soon
			}
		}
	})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	assert.LessOrEqual(t, after.TotalAlloc-before.TotalAlloc, bytes, "bytes allocated")
}
