// Package transport carries one logical call over HTTP: limiter, credentials, attempts, pauses, and
// the certainty of a failure. It knows neither the services nor their types.
//
// The parts, outermost first: Do (call.go) runs retryablehttp's loop. Every turn of the loop is an
// attempt (attempt.go). An attempt waits at the service's Gate (gate.go), signs the request
// (auth.go), records how much of it was written (trace.go), and reads the answer up to a limit.
package transport

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Client sends calls. It is safe for concurrent use and holds no per-call state.
type Client struct {
	http    http.Client
	timeout time.Duration // the caller's own limit for an attempt; 0: no limit
	log     *slog.Logger
	maxBody int64
}

// New returns a client on a copy of base. If base is nil, the client has its own transport. An
// answer longer than maxBody bytes, after decompression, is an error.
func New(base *http.Client, log *slog.Logger, maxBody int64) *Client {
	c := &Client{log: log, maxBody: maxBody}
	if base != nil {
		c.http = *base
	}
	// In http.Client the timeout would begin before the attempt, and the wait for the rate limit
	// would use it up.
	c.timeout, c.http.Timeout = c.http.Timeout, 0
	next := c.http.Transport
	if next == nil {
		next = defaultTransport()
	}
	warnOfNoVerification(next, log)
	c.http.Transport = attempts{next}
	// None of the five APIs redirects. To follow a redirect would send custom headers and the body
	// to another host. The client therefore returns it as the answer, and the attempt turns it into
	// an error.
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c
}

// attempts hides the real transport from retryablehttp. It must have no method but RoundTrip:
// retryablehttp calls CloseIdleConnections at the end of every cancelled or exhausted call. On a
// shared transport that would drop the warm connections of every other call.
type attempts struct{ next http.RoundTripper }

// RoundTrip makes one attempt of the call that the request's context carries.
func (t attempts) RoundTrip(req *http.Request) (*http.Response, error) {
	s, ok := req.Context().Value(callKey{}).(*call)
	if !ok {
		return nil, errors.New("transport: a request without its call")
	}
	return s.attempt(req, t.next)
}

// defaultTransport returns a transport with the settings of http.DefaultTransport, and room for
// more warm connections per host. With the limit of two of http.DefaultTransport, a parallel caller
// dials for almost every request. The transport is not a clone of http.DefaultTransport, because
// any package of a program can change that one. After an InsecureSkipVerify elsewhere, a stranger's
// server would get the credentials.
func defaultTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           256,
		MaxIdleConnsPerHost:    64,
		IdleConnTimeout:        30 * time.Second, // many balancers close idle connections after a minute
		TLSHandshakeTimeout:    10 * time.Second,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: 1 << 20,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
	}
}

// warnOfNoVerification logs once that a caller's own transport accepts any certificate. The caller
// may want that, but it is easily left over from a test. The warning does not apply to a transport
// with its own verification.
func warnOfNoVerification(next http.RoundTripper, log *slog.Logger) {
	t, ok := next.(*http.Transport)
	if !ok || t.TLSClientConfig == nil || t.DialTLSContext != nil {
		return
	}
	if c := t.TLSClientConfig; c.InsecureSkipVerify && c.VerifyConnection == nil && c.VerifyPeerCertificate == nil {
		log.Warn("playline: the client of WithHTTPClient does not verify certificates (InsecureSkipVerify): whoever answers gets the credentials")
	}
}
