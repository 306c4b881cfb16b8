// Package transport carries one logical call over HTTP: limiter, credentials, attempts, pauses, and what is known when it
// fails. It knows neither the services nor their types.
//
// The pieces, outermost first: Do (call.go) runs retryablehttp's loop; every turn of it is an attempt (attempt.go) that waits
// at the service's Gate (gate.go), signs (auth.go), watches what was written (trace.go) and reads the answer up to a limit.
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
	timeout time.Duration // the caller's own bound on an attempt; 0: none
	log     *slog.Logger
	maxBody int64
}

// New returns a client on a copy of base, which is not changed; nil means a transport of its own. Answers longer than
// maxBody bytes, after decompression, are errors.
func New(base *http.Client, log *slog.Logger, maxBody int64) *Client {
	c := &Client{log: log, maxBody: maxBody}
	if base != nil {
		c.http = *base
	}
	// Left to http.Client it would begin before the attempt, and the wait for the rate limit would use it up.
	c.timeout, c.http.Timeout = c.http.Timeout, 0
	next := c.http.Transport
	if next == nil {
		next = defaultTransport()
	}
	warnOfNoVerification(next, log)
	c.http.Transport = attempts{next}
	// None of the five APIs redirects. Following one would forward custom headers and replay the body to another host, so a
	// redirect is handed back as the answer and becomes an error there.
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c
}

// attempts is the only thing retryablehttp sees of the real transport. That it has nothing but RoundTrip matters:
// retryablehttp calls CloseIdleConnections at the end of every call that was cancelled or exhausted, and on a shared transport
// that drops the warm connections of every other call.
type attempts struct{ next http.RoundTripper }

// RoundTrip makes one attempt of the call that the request's context carries.
func (t attempts) RoundTrip(req *http.Request) (*http.Response, error) {
	s, ok := req.Context().Value(callKey{}).(*call)
	if !ok {
		return nil, errors.New("transport: a request without its call")
	}
	return s.attempt(req, t.next)
}

// defaultTransport is one with the settings of http.DefaultTransport, and room for warm connections to
// one host: a limit of two, as there, makes a parallel caller dial again for almost every request. It
// is built, and not cloned from http.DefaultTransport: any package of a program can change that one,
// and after an InsecureSkipVerify somewhere else a stranger's server would get the credentials.
func defaultTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           256,
		MaxIdleConnsPerHost:    64,
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    10 * time.Second,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: 1 << 20,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
	}
}

// warnOfNoVerification says once that a caller's own transport takes any certificate. That is the
// caller's to decide, and easily left over from a test. One that verifies in a way of its own is not
// meant.
func warnOfNoVerification(next http.RoundTripper, log *slog.Logger) {
	t, ok := next.(*http.Transport)
	if !ok || t.TLSClientConfig == nil || t.DialTLSContext != nil {
		return
	}
	if c := t.TLSClientConfig; c.InsecureSkipVerify && c.VerifyConnection == nil && c.VerifyPeerCertificate == nil {
		log.Warn("playline: the client of WithHTTPClient does not verify certificates (InsecureSkipVerify): whoever answers gets the credentials")
	}
}
