package playline

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// head is how an answer of 200 begins.
const head = "HTTP/1.1 200 OK\r\n"

// hostilePlays are servers that break HTTP, or keep to it only to do harm.
var hostilePlays = []struct {
	name string
	play func(*hostileConn)
	want string // in the error, "": the call works
	slow bool   // it ends by the attempt's timeout
}{
	// Too much.
	{"10 GB with a length", floods(head+"Content-Length: 10737418240\r\n\r\n", " "), "the answer is too long", false},
	{"10 GB without a length", floods(head+"\r\n", " "), "the answer is too long", false},
	{"10 GB in chunks", floods(head+"Transfer-Encoding: chunked\r\n\r\n", "8\r\n        \r\n"), "the answer is too long", false},
	{"10 GB in chunks of a byte", floods(head+"Transfer-Encoding: chunked\r\n\r\n", "1\r\n \r\n"), "the answer is too long", false},
	{"10 GB of a refusal", floods("HTTP/1.1 400 Bad\r\nContent-Length: 10737418240\r\n\r\n", "x"), "400 Bad Request", false},
	{"10 GB of an outage", floods("HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n", "8\r\n        \r\n"), "503 Service", false},
	{"a gzip bomb", bombs("200 OK"), "the answer is too long", false},
	{"a gzip bomb in a refusal", bombs("400 Bad"), "400 Bad Request", false},
	{"headers without end", floods(head, "X-A: b\r\n"), "headers exceeded 1048576 bytes", false},
	{"a header without end", floods(head+"X-A: ", "b"), "headers exceeded 1048576 bytes", false},
	{"a status line without end", floods("HTTP/1.1 200 ", "O"), "headers exceeded 1048576 bytes", false},
	{"trailers without end", floods(head+"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n", "X-A: b\r\n"), "suspiciously long trailer", false},
	{"a chunk extension without end", floods(head+"Transfer-Encoding: chunked\r\n\r\n2;a=", "b"), "header line too long", false},
	{"early hints without end", floods("", "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"), "headers exceeded 1048576 bytes", false},
	{"100 Continue without end", floods("", "HTTP/1.1 100 Continue\r\n\r\n"), "headers exceeded 1048576 bytes", false},
	{"102 and long headers without end", floods("", "HTTP/1.1 102 Wait\r\nX-A: "+strings.Repeat("b", 60<<10)+"\r\n\r\n"), "headers exceeded 1048576 bytes", false},

	// Too slow.
	{"silence", silent, "no whole answer within", true},
	{"silence behind the header", after(head+"Content-Length: 5\r\n\r\n", silent), "no whole answer within", true},
	{"a header that trickles", trickles(head + "X-A: b"), "no whole answer within", true},
	{"a body that trickles", trickles(head + "Content-Length: 1000000\r\n\r\n{ "), "no whole answer within", true},
	{"a refusal that trickles", after("HTTP/1.1 400 Bad\r\nContent-Length: 1000000\r\n\r\n", drips("x")), "400 Bad Request", true},
	{"chunks that trickle", trickles(head + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n00000"), "no whole answer within", true},

	// Cut off.
	{"closed at once", func(*hostileConn) {}, "", false}, // the request may leave or not; see TestSecurityHostileServers
	{"closed without an answer", func(c *hostileConn) { c.request() }, "EOF", false},
	{"reset without an answer", func(c *hostileConn) { c.request(); reset(c) }, "connection reset", false},
	{"closed in the status line", says("HTTP/1.1 2"), "malformed HTTP", false},
	{"closed in the header", says(head + "Content-Le"), "malformed MIME header", false},
	{"closed in the body", says(head + "Content-Length: 100\r\n\r\n{"), "unexpected EOF", false},
	{"closed in a chunk", says(head + "Transfer-Encoding: chunked\r\n\r\n9\r\n{}"), "unexpected EOF", false},
	{"closed before the last chunk", says(head + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"), "unexpected EOF", false},
	{"closed in gzip", says(head + "Content-Encoding: gzip\r\nContent-Length: 10\r\n\r\n\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"), "EOF", false},
	{"an answer before the request was read", early(head + "Content-Length: 2\r\n\r\n{}"), "", false},

	// Wrong lengths.
	{"a length too short", says(head + "Connection: close\r\nContent-Length: 2\r\n\r\n{} and more"), "", false},
	{"two lengths", says(head + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"), "Content-Length", false},
	{"a negative length", says(head + "Content-Length: -1\r\n\r\n{}"), "Content-Length", false},
	{"a length beyond 64 bits", says(head + "Content-Length: 99999999999999999999\r\n\r\n{}"), "Content-Length", false},
	{"length and chunks", says(head + "Connection: close\r\nContent-Length: 999\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"), "", false},
	{"a chunk of no number", says(head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n"), "invalid byte in chunk length", false},
	{"a chunk beyond 64 bits", says(head + "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n{}"), "chunk length too large", false},
	{"a negative chunk", says(head + "Transfer-Encoding: chunked\r\n\r\n-2\r\n{}"), "invalid byte in chunk length", false},
	{"chunk extensions", says(head + "Transfer-Encoding: chunked\r\n\r\n2;a=b;c=\"d\"\r\n{}\r\n0;e\r\nX-T: 1\r\n\r\n"), "", false},
	{"an unknown transfer encoding", says(head + "Transfer-Encoding: zip\r\n\r\n{}"), "unsupported transfer encoding", false},

	// Not HTTP, or an odd one.
	{"HTTP/1.0", says("HTTP/1.0 200 OK\r\n\r\n{}"), "", false},
	{"HTTP/9.9", says("HTTP/9.9 200 OK\r\nContent-Length: 2\r\n\r\n{}"), "", false},
	{"an SSH server", early("SSH-2.0-OpenSSH_9.9\r\n"), "malformed HTTP", false},
	{"a TLS alert", says("\x15\x03\x01\x00\x02\x02\x28"), "malformed HTTP", false},
	{"random bytes", says("\x00\xff\xfe\x01\n\n\x80"), "malformed HTTP", false},
	{"an HTTP/2 preface", says("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "malformed HTTP", false},
	{"a status of no number", says("HTTP/1.1 abc OK\r\n\r\n"), "malformed HTTP", false},
	{"a negative status", says("HTTP/1.1 -20 OK\r\n\r\n"), "malformed HTTP", false},
	{"status 000", says("HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n"), "another protocol", false},
	{"status 999", says("HTTP/1.1 999 What\r\nContent-Length: 0\r\n\r\n"), "999", false},
	{"status 1000", says("HTTP/1.1 1000 What\r\n\r\n"), "malformed HTTP", false},
	{"101, another protocol", after("HTTP/1.1 101 Switching Protocols\r\nUpgrade: ws\r\nConnection: Upgrade\r\n\r\n{}", silent), "another protocol", false},
	{"204 with a body", says("HTTP/1.1 204 No Content\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"), "it is empty", false},
	{"304", says("HTTP/1.1 304 Not Modified\r\n\r\n"), "304 Not Modified", false},
	{"no reason phrase", says("HTTP/1.1 200\r\nContent-Length: 2\r\n\r\n{}"), "", false},
	{"lines that end in LF", says("HTTP/1.1 200 OK\nContent-Length: 2\n\n{}"), "", false},

	// Bad headers.
	{"NUL in a header", says(head + "X-A: b\x00c\r\nContent-Length: 2\r\n\r\n{}"), "malformed MIME header", false},
	{"NUL in a header's name", says(head + "X\x00A: b\r\nContent-Length: 2\r\n\r\n{}"), "malformed MIME header", false},
	{"a header without a colon", says(head + "nothing\r\n\r\n{}"), "malformed MIME header", false},
	{"a header without a name", says(head + ": b\r\n\r\n{}"), "malformed MIME header", false},
	{"a header that begins with a space", says(head + " X-A: b\r\n\r\n{}"), "malformed MIME header", false},
	{"gzip that is none", answers("Content-Encoding: gzip\r\n", "{}"), "EOF", false},
	{"gzip in gzip", answers("Content-Encoding: gzip, gzip\r\n", "\x1f\x8b"), "it is not JSON", false},
	{"an encoding that nobody asked for", answers("Content-Encoding: br\r\n", "\x8b\x01"), "it is not JSON", false},
	{"a cookie for another host", answers("Set-Cookie: a=b; Domain=evil.example.net\r\nAlt-Svc: h2=\"evil.example.net:443\"\r\nRefresh: 0; url=http://evil.example.net\r\n", "{}"), "", false},
}

// TestSecurityHostileServers: whatever a server does, a call ends in its time with a result or an *Error, holds little memory, and leaves
// nothing running.
func TestSecurityHostileServers(t *testing.T) { // not parallel: it measures the process
	for _, test := range hostilePlays {
		for _, method := range []string{"GET", "POST"} {
			t.Run(test.name+" to "+method, func(t *testing.T) {
				bounded(t, 48<<20, func() {
					server := newHostileServer(t, test.play)
					limit := time.Minute
					if test.slow {
						limit = 100 * time.Millisecond
						if strings.HasPrefix(test.want, "400") { // the status line must come within it
							limit = 2 * time.Second
						}
					}
					log, logger := everyLog()
					c := smoovenAt(t, server.url, WithMaxResponseBytes(1<<20), WithLogger(logger), WithRetryPolicy(RetryPolicy{
						MaxAttempts: 2, BaseDelay: 1, MaxDelay: 1, MaxRetryAfter: time.Millisecond, AttemptTimeout: limit,
					}))
					started := time.Now()
					var err error
					if method == "GET" {
						err = getPlayer(t.Context(), c)
					} else {
						_, err = c.Players.Import(t.Context(), []Player{{ExternalID: "ace", Channels: PlayerChannels{Email: "ace@example.com"}}})
					}
					assert.Less(t, time.Since(started), 30*time.Second, "the attempts' timeout did not end it")
					want := test.want
					if want == "" && method == "POST" && test.name != "closed at once" {
						want = "it has no success" // {} is an answer to the GET alone
					}
					checkHostileEnd(t, test.name, want, err)
					assertNoCanary(t, log.String())
					assert.LessOrEqual(t, server.conns.Load(), int32(3), "attempts")
					assert.Less(t, server.written.Load(), int64(32<<20), "it read on")
				})
			})
		}
	}
}

// TestSecurityTenGigabytesByDefault: with the limit that a client has by itself.
func TestSecurityTenGigabytesByDefault(t *testing.T) { // not parallel: it measures the process
	for name, play := range map[string]func(*hostileConn){
		"plain": floods(head+"Content-Length: 10737418240\r\n\r\n", " "), "gzip": bombs("200 OK"),
	} {
		bounded(t, 96<<20, func() {
			server := newHostileServer(t, play)
			require.ErrorContains(t, getPlayer(t.Context(), smoovenAt(t, server.url)), "over 16777216 bytes", name)
			assert.Less(t, server.written.Load(), int64(64<<20), "it read on")
		})
	}
}

func checkHostileEnd(t *testing.T, name, want string, err error) {
	t.Helper()
	if name == "closed at once" {
		require.Error(t, err)
	} else if want == "" {
		require.NoError(t, err)
		return
	}
	var e *Error
	require.ErrorAs(t, err, &e)
	require.ErrorContains(t, err, want)
	assert.LessOrEqual(t, len(err.Error()), 1000, "the error is as long as the answer")
	assert.LessOrEqual(t, len(e.Raw), 1<<20)
	if e.StatusCode >= 300 {
		assert.LessOrEqual(t, len(e.Raw), 64<<10)
	}
	assertNoCanary(t, everyForm(t, err))
	assert.False(t, errors.Is(err, ErrNotFound) || errors.Is(err, ErrUnauthorized) || errors.Is(err, ErrForbidden), "it means nothing of the kind")
}
