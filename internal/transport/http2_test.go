package transport_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/internal/retry"
	"github.com/playline/playline-go/internal/transport"
)

// The tests need only a few frames of HTTP/2, see https://www.rfc-editor.org/rfc/rfc9113#name-frame-definitions.
const (
	frameData     = 0
	frameHeaders  = 1
	frameReset    = 3
	frameSettings = 4
	frameGoAway   = 7

	endStream  = 1 // flag of data and headers; ack of settings
	endHeaders = 4

	errInternal = 2
	errRefused  = 7
)

func frame(kind, flags byte, stream uint32, payload ...byte) []byte {
	n := len(payload)
	b := []byte{byte(n >> 16), byte(n >> 8), byte(n), kind, flags}
	return append(binary.BigEndian.AppendUint32(b, stream), payload...)
}

func uint32s(values ...uint32) (b []byte) {
	for _, v := range values {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	return b
}

var (
	noContent = []byte{0x89} // :status 204, from the static table of RFC 7541
	whole     = frame(frameHeaders, endHeaders|endStream, 0, noContent...)
)

// play handles whole request n (from 0) on a test server for HTTP/2. False closes the connection.
type play func(n int, stream uint32, w io.Writer) bool

func respond(_ int, stream uint32, w io.Writer) bool {
	b := bytes.Clone(whole)
	binary.BigEndian.PutUint32(b[5:], stream)
	_, _ = w.Write(b)
	return true
}

// newPeer2 serves HTTP/2 without TLS; requests counts whole requests.
func newPeer2(t *testing.T, do play) (url string, dials *atomic.Int32, requests *atomic.Int32) {
	t.Helper()
	requests = new(atomic.Int32)
	p := newPeer(t, func(_ *peer, conn *net.TCPConn) {
		if _, err := io.CopyN(io.Discard, conn, int64(len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))); err != nil {
			return
		}
		_, _ = conn.Write(frame(frameSettings, 0, 0))
		for {
			var head [9]byte
			if _, err := io.ReadFull(conn, head[:]); err != nil {
				return
			}
			n := int64(head[0])<<16 | int64(head[1])<<8 | int64(head[2])
			if _, err := io.CopyN(io.Discard, conn, n); err != nil {
				return
			}
			kind, flags, stream := head[3], head[4], binary.BigEndian.Uint32(head[5:])
			switch {
			case kind == frameSettings && flags&endStream == 0:
				_, _ = conn.Write(frame(frameSettings, endStream, 0))
			case (kind == frameData || kind == frameHeaders) && flags&endStream != 0:
				if !do(int(requests.Add(1))-1, stream, conn) {
					return
				}
			}
		}
	})
	return p.url, &p.dials, requests
}

func http2Only(t *testing.T) *http.Transport {
	t.Helper()
	tr := &http.Transport{Protocols: new(http.Protocols)}
	tr.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(tr.CloseIdleConnections)
	return tr
}

// TestHTTP2 plays the ways in which a stream ends without an answer. If the server says that it has
// not processed a request, net/http itself sends it again, within one attempt. Every other end
// leaves a doubt.
func TestHTTP2(t *testing.T) {
	t.Parallel()
	first := func(do play) play {
		return func(n int, stream uint32, w io.Writer) bool {
			if n == 0 {
				return do(n, stream, w)
			}
			return respond(n, stream, w)
		}
	}
	rows := []struct {
		name     string
		do       play
		doubt    bool
		requests int32
		dials    int32
	}{
		{"an answer", respond, false, 1, 1},
		{"the stream is refused", first(func(_ int, stream uint32, w io.Writer) bool {
			_, _ = w.Write(frame(frameReset, 0, stream, uint32s(errRefused)...))
			return true
		}), false, 2, 1},
		{"the server goes away and has not processed the stream", first(func(_ int, _ uint32, w io.Writer) bool {
			_, _ = w.Write(frame(frameGoAway, 0, 0, uint32s(0, 0)...))
			return false
		}), false, 2, 2},
		{"the server goes away and may have processed the stream", first(func(_ int, stream uint32, w io.Writer) bool {
			_, _ = w.Write(frame(frameGoAway, 0, 0, uint32s(stream, 0)...))
			return false
		}), true, 1, 1},
		{"the server goes away with an error", first(func(_ int, stream uint32, w io.Writer) bool {
			_, _ = w.Write(frame(frameGoAway, 0, 0, uint32s(stream, errInternal)...))
			return false
		}), true, 1, 1},
		{"the stream is reset", first(func(_ int, stream uint32, w io.Writer) bool {
			_, _ = w.Write(frame(frameReset, 0, stream, uint32s(errInternal)...))
			return true
		}), true, 1, 1},
		{"the connection closes", first(func(int, uint32, io.Writer) bool { return false }), true, 1, 1},
		{"the stream is reset within the answer", first(func(_ int, stream uint32, w io.Writer) bool {
			_, _ = w.Write(frame(frameHeaders, endHeaders, stream, 0x88)) // :status 200
			_, _ = w.Write(frame(frameData, 0, stream, []byte("{\"half\":")...))
			_, _ = w.Write(frame(frameReset, 0, stream, uint32s(errInternal)...))
			return true
		}), true, 1, 1},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			for _, body := range [][]byte{nil, []byte("{}")} {
				url, dials, requests := newPeer2(t, row.do)
				resp, failure := newClient(http2Only(t)).Do(t.Context(), newRequest(t, url, retry.Unsent, body))
				assert.Equal(t, 1, resp.Attempts)
				assert.Equal(t, row.requests, requests.Load(), "requests that came whole")
				assert.Equal(t, row.dials, dials.Load())
				if row.doubt {
					require.NotNil(t, failure)
					assert.True(t, failure.Doubt)
					continue
				}
				require.Nil(t, failure)
				assert.Equal(t, http.StatusNoContent, resp.Status)
			}
		})
	}
}

// TestHTTP2HandlerThatGivesUp runs against the server of net/http. How much the server had read
// before it reset the stream decides.
func TestHTTP2HandlerThatGivesUp(t *testing.T) {
	t.Parallel()
	for name, readsAll := range map[string]bool{"before it reads": false, "after it read all": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int32
			srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if calls.Add(1) > 1 || readsAll {
					_, _ = io.Copy(io.Discard, r.Body)
				}
				if calls.Load() == 1 {
					panic(http.ErrAbortHandler)
				}
				_, _ = io.WriteString(w, "{}")
			}))
			srv.EnableHTTP2 = true
			srv.StartTLS()
			t.Cleanup(srv.Close)
			// The body is larger than the window of a stream, so most of it cannot leave without a
			// reader.
			resp, failure := newClient(srv.Client().Transport).Do(t.Context(), newRequest(t, srv.URL, retry.Unsent, large))
			if readsAll {
				require.NotNil(t, failure)
				assert.True(t, failure.Doubt)
				assert.Equal(t, 1, resp.Attempts)
				assert.Equal(t, int32(1), calls.Load())
				return
			}
			require.Nil(t, failure)
			assert.Equal(t, 2, resp.Attempts)
			assert.Equal(t, int32(2), calls.Load())
		})
	}
}

// TestAnAttemptGivenUpWhileItsBodyIsWritten ends attempts at random moments of a large body, on
// both versions of HTTP. The client must never claim that the server cannot have a request that it
// has received whole. On HTTP/2 such an attempt returns while net/http may still write its stream,
// which matters to the race detector.
func TestAnAttemptGivenUpWhileItsBodyIsWritten(t *testing.T) {
	t.Parallel()
	for name, enable := range map[string]bool{"HTTP/1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const calls = 60
			var whole [calls]atomic.Bool
			var sure [calls]bool // the client claims that the server cannot have it
			srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if n, err := io.Copy(io.Discard, r.Body); err == nil && n == int64(len(large)) {
					i, _ := strconv.Atoi(r.Header.Get("X-Call"))
					whole[i].Store(true)
				}
				_, _ = io.WriteString(w, "{}")
			}))
			srv.EnableHTTP2 = enable
			srv.StartTLS()
			client := newClient(srv.Client().Transport)
			for i := range calls {
				_, failure := client.Do(t.Context(), newRequest(t, srv.URL, retry.Never, large, func(r *transport.Request) {
					r.Header.Set("X-Call", strconv.Itoa(i))
					r.Policy.AttemptTimeout = time.Duration(i%20+1) * time.Millisecond
				}))
				sure[i] = failure != nil && !failure.Doubt
			}
			srv.Close() // it waits for its handlers
			for i := range calls {
				assert.False(t, sure[i] && whole[i].Load(), "call %d: the server has it whole", i)
			}
		})
	}
}
