package transport_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/internal/retry"
	"github.com/playline/playline-go/internal/transport"
)

// limited returns a client that accepts answers of at most 1000 bytes.
func limited(t *testing.T) *transport.Client {
	t.Helper()
	return transport.New(&http.Client{Transport: dialer(t, nil)}, silent, 1000)
}

// zipped compresses n zeros, to about a thousandth of the size.
func zipped(n int) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.CopyN(z, zeros{}, int64(n))
	_ = z.Close()
	return b.Bytes()
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// TestSecurityAnswersAreCapped: a success over the limit is an error, whatever its headers say. The
// limit counts bytes after decompression.
func TestSecurityAnswersAreCapped(t *testing.T) {
	t.Parallel()
	plain := func(n int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(n))
			_, _ = io.WriteString(w, strings.Repeat("x", n))
		}
	}
	chunked := func(n int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for range n {
				_, _ = io.WriteString(w, "x")
				w.(http.Flusher).Flush()
			}
		}
	}
	bomb := func(n int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(zipped(n))
		}
	}
	rows := []struct {
		name    string
		handler http.HandlerFunc
		length  int // of the body that is kept
		tooLong bool
	}{
		{"empty", plain(0), 0, false},
		{"below the limit", plain(999), 999, false},
		{"at the limit", plain(1000), 1000, false},
		{"over the limit", plain(1001), 1000, true},
		{"far over the limit", plain(4 << 20), 1000, true},
		{"chunked, at the limit", chunked(1000), 1000, false},
		{"chunked, over the limit", chunked(1001), 1000, true},
		{"compressed, at the limit", bomb(1000), 1000, false},
		{"compressed, over the limit", bomb(1001), 1000, true},
		{"a bomb: 8 MiB in 8 KiB", bomb(8 << 20), 1000, true},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(row.handler)
			t.Cleanup(srv.Close)
			resp, failure := limited(t).Do(t.Context(), newRequest(t, srv.URL, retry.Safe, nil))
			assert.Equal(t, 200, resp.Status)
			assert.Len(t, resp.Body, row.length)
			assert.Equal(t, 1, resp.Attempts, "a repeat would be as long")
			if !row.tooLong {
				require.Nil(t, failure)
				return
			}
			require.NotNil(t, failure)
			assert.EqualError(t, failure.Cause, "the answer is too long: over 1000 bytes")
			assert.False(t, failure.Doubt)
			_, failure = limited(t).Do(t.Context(), newRequest(t, srv.URL, retry.Unsent, nil))
			assert.True(t, failure.Doubt, "it was carried out, but nobody can read how")
		})
	}
}

// TestSecurityErrorBodiesAreCutAt64KiB, whatever the limit for successes. The call still fails with
// the refusal.
func TestSecurityErrorBodiesAreCutAt64KiB(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 2000, 64 << 10, 64<<10 + 1, 4 << 20} {
		for _, encoding := range []string{"", "gzip"} {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if encoding != "" {
					w.Header().Set("Content-Encoding", encoding)
				}
				w.WriteHeader(http.StatusBadRequest)
				if encoding != "" {
					_, _ = w.Write(zipped(n))
					return
				}
				_, _ = w.Write(make([]byte, n))
			}))
			resp, failure := limited(t).Do(t.Context(), newRequest(t, srv.URL, retry.Safe, nil))
			require.NotNil(t, failure)
			assert.Equal(t, 400, resp.Status)
			assert.Len(t, resp.Body, min(n, 64<<10))
			assert.NotNil(t, failure.Refusal)
			assert.NoError(t, failure.Cause)
			srv.Close()
		}
	}
}

// TestAnAnswerThatContradictsItsHeaders plays servers that lie about their bodies.
func TestAnAnswerThatContradictsItsHeaders(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name   string
		answer string
		body   string
		ok     bool
		doubt  bool // for class unsent
		cause  string
	}{
		{"shorter than Content-Length", "200 OK\r\nContent-Length: 20\r\n\r\n{}", "{}", false, true, "read the answer: unexpected EOF"},
		{"nothing of its Content-Length", "200 OK\r\nContent-Length: 20\r\n\r\n", "", false, true, "read the answer: unexpected EOF"},
		{"longer than Content-Length", "200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}{}{}", "{}", true, false, ""},
		{"a Content-Length beyond any memory", "200 OK\r\nContent-Length: 9000000000000000000\r\n\r\n{}", "{}", false, true, "read the answer: unexpected EOF"},
		{"a negative Content-Length", "200 OK\r\nContent-Length: -2\r\n\r\n{}", "", false, true, "bad Content-Length"},
		{"two Content-Lengths", "200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}", "", false, true, "Content-Length"},
		{"no length, closed at its end", "200 OK\r\n\r\n{}", "{}", true, false, ""},
		{"chunked", "200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", "{}", true, false, ""},
		{"chunked, without the last chunk", "200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", "{}", false, true, "read the answer: unexpected EOF"},
		{"a chunk of a senseless size", "200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n", "", false, true, "read the answer: "},
		{"said to be gzip, and is not", "200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 12\r\n\r\n{\"a\":\"bcde\"}", "", false, true, "read the answer: gzip: invalid header"},
		{"gzip that ends within", "200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n" + string(zipped(100)[:10]), "", false, true, "read the answer: unexpected EOF"},
		{"a refusal that is shorter than Content-Length", "400 Bad Request\r\nContent-Length: 20\r\n\r\nno", "no", false, false, ""},
		{"a refusal that is no gzip", "400 Bad Request\r\nContent-Encoding: gzip\r\nContent-Length: 12\r\n\r\n{\"a\":\"bcde\"}", "", false, false, ""},
		{"204 with a length", "204 No Content\r\nContent-Length: 2\r\n\r\n", "", true, false, ""},
		{"informational answers before it", "103 Early Hints\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "{}", true, false, ""},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			p := newPeer(t, func(p *peer, conn *net.TCPConn) {
				p.read(bufio.NewReader(conn)) // unread data would reset the connection
				_, _ = io.WriteString(conn, "HTTP/1.1 "+row.answer)
			})
			resp, failure := limited(t).Do(t.Context(), newRequest(t, p.url, retry.Unsent, []byte("{}")))
			assert.Equal(t, 1, resp.Attempts)
			assert.Equal(t, row.body, string(resp.Body))
			if row.ok {
				require.Nil(t, failure)
				return
			}
			require.NotNil(t, failure)
			assert.Equal(t, row.doubt, failure.Doubt)
			if row.cause != "" {
				assert.ErrorContains(t, failure.Cause, row.cause)
			}
		})
	}
}

// TestASwitchOfProtocolsDoesNotHoldTheCall: the body of a 101 is the connection itself, so it never
// ends.
func TestASwitchOfProtocolsDoesNotHoldTheCall(t *testing.T) {
	t.Parallel()
	over := make(chan struct{})
	p := newPeer(t, func(_ *peer, conn *net.TCPConn) {
		_, _ = conn.Read(make([]byte, 4096))
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\nhello")
		<-over
	})
	t.Cleanup(func() { close(over) })
	resp, failure := limited(t).Do(t.Context(), newRequest(t, p.url, retry.Safe, nil))
	require.NotNil(t, failure)
	assert.Equal(t, 101, resp.Status)
	assert.Equal(t, 1, resp.Attempts)
	assert.Empty(t, resp.Body)
	assert.Contains(t, failure.Stranger, "another protocol")
}

// TestSecurityRedirectsAreRefused: the client sends nothing to the target, no body, no header and
// no credentials.
func TestSecurityRedirectsAreRefused(t *testing.T) {
	t.Parallel()
	var elsewhere atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	t.Cleanup(other.Close)
	for _, code := range []int{300, 301, 302, 303, 304, 305, 307, 308, 399} {
		for _, location := range []string{other.URL + "/x", "/moved", "", "http://%zz/"} {
			for _, body := range [][]byte{nil, []byte("{}")} {
				t.Run(fmt.Sprint(code, " to ", location, ", ", len(body), " bytes"), func(t *testing.T) {
					var calls atomic.Int32
					srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
						calls.Add(1)
						if location != "" {
							w.Header().Set("Location", location)
						}
						w.WriteHeader(code)
					}))
					t.Cleanup(srv.Close)
					client := transport.New(&http.Client{
						Transport:     dialer(t, nil),
						CheckRedirect: func(*http.Request, []*http.Request) error { return nil }, // the caller's own would follow
					}, silent, 1000)
					resp, failure := client.Do(t.Context(), newRequest(t, srv.URL, retry.Safe, body, func(r *transport.Request) {
						r.Auth = transport.APIKey("X-App-ID", "app_live_1")
					}))
					require.NotNil(t, failure)
					assert.Equal(t, code, resp.Status)
					assert.Equal(t, 1, resp.Attempts)
					assert.Equal(t, int32(1), calls.Load())
					assert.Nil(t, failure.Refusal, "nobody refused it")
					assert.Contains(t, failure.Stranger, "redirect")
					assert.NoError(t, failure.Cause)
					assert.False(t, failure.Doubt)
				})
			}
		}
	}
	assert.Zero(t, elsewhere.Load())
}
