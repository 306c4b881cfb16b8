package transport

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/playline/playline-go/internal/retry"
)

// byteOrderMark may precede the text of a body. JSON forbids it, but some servers write one.
const byteOrderMark = "\ufeff"

// maxErrorBody is the limit for the body of a failure; the rest is dropped.
const maxErrorBody = 64 << 10

// outcome is how one attempt ended.
type outcome struct {
	ok         bool
	kind       retry.Kind // if not ok
	refusal    *Refusal
	stranger   string // what the answer lacks to be the service's own
	err        error
	retryAfter time.Duration // as the service asked
	pause      time.Duration // the shortest pause before the next attempt
	took       time.Duration
}

// attempt sends the request once and reads the whole answer. The body, and not only the status,
// decides whether it is a failure and whether the call may repeat it.
func (s *call) attempt(req *http.Request, next http.RoundTripper) (*http.Response, error) {
	if err := s.waitAtGate(); err != nil {
		s.stop = err
		if s.resp.Attempts == 0 {
			s.last = outcome{kind: retry.NotSent, err: err}
		}
		return nil, err
	}
	limit := s.Policy.AttemptTimeout
	if t := s.client.timeout; t > 0 {
		limit = min(limit, t)
	}
	ctx, cancel := context.WithTimeoutCause(req.Context(), limit, &timeoutError{limit})
	defer cancel()
	seen := newTrace(next, len(s.Body) > 0)
	sent := seen.start(ctx)
	out := req.WithContext(sent)
	// Each attempt has its own URL, because a transport may rewrite it in place.
	out.URL = new(*s.URL)
	if err := s.sign(out); err != nil {
		s.last = outcome{kind: retry.Refused, err: err}
		return nil, err
	}
	if len(s.Body) > 0 {
		// The readers are plain: for one of another type net/http writes headers and body
		// separately, which costs a system call and a packet.
		out.Body = io.NopCloser(bytes.NewReader(s.Body))
		out.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(s.Body)), nil }
	}

	if s.Observer != nil {
		sent = s.Observer.Before(sent, s.resp.Attempts+1, out.Header)
		out = out.WithContext(sent)
	}
	s.resp.Attempts++
	s.resp.Status, s.resp.Header, s.resp.Body = 0, nil, nil
	started := time.Now()
	resp, err := roundTrip(next, out)
	if err != nil {
		s.last = outcome{kind: retry.Lost, err: s.cause(ctx, err)}
		switch {
		case untrusted(err):
			s.last.kind = retry.Refused // by the client: nothing was sent, and a repeat would fail again
		case seen.notSent(err):
			s.last.kind = retry.NotSent
		}
	} else {
		s.read(ctx, resp)
		resp.Body = http.NoBody
	}
	s.last.took = time.Since(started)
	s.resp.BodyFree = seen.bodyFree()
	answer := s.resp // as received, whatever the call makes of it

	if s.GoneIsDone && s.maybeDone && s.last.gone(s.resp.Status) {
		s.last = outcome{ok: true, took: s.last.took}
		s.resp.Status, s.resp.Body = http.StatusNoContent, nil
	}
	s.maybeDone = s.maybeDone || s.last.inDoubt()
	if s.Observer != nil {
		s.observe(sent, answer)
	}
	if err != nil {
		return nil, s.last.err
	}
	return resp, nil
}

// roundTrip tolerates the omissions of a caller's own transport, as net/http does.
func roundTrip(next http.RoundTripper, req *http.Request) (*http.Response, error) {
	resp, err := next.RoundTrip(req)
	switch {
	case err != nil:
		return nil, err
	case resp == nil:
		return nil, errors.New("the transport returned neither an answer nor an error")
	case resp.Body == nil:
		resp.Body = http.NoBody
	}
	return resp, nil
}

// untrusted reports whether the client rejected the server's certificate.
func untrusted(err error) bool {
	_, verification := errors.AsType[*tls.CertificateVerificationError](err)
	_, authority := errors.AsType[x509.UnknownAuthorityError](err)
	_, host := errors.AsType[x509.HostnameError](err)
	_, invalid := errors.AsType[x509.CertificateInvalidError](err)
	return verification || authority || host || invalid
}

// waitAtGate waits until the attempt may start.
func (s *call) waitAtGate() error {
	if s.Admitted {
		return nil
	}
	return s.Service.Gate.Wait(s.ctx)
}

// observe reports the end of an attempt to the observer.
func (s *call) observe(ctx context.Context, answer Response) {
	answer.Duration = s.last.took
	failure := s.failure()
	if failure != nil {
		failure.Doubt = retry.Judge(s.Class, s.last.kind) == retry.Doubt // for this attempt, whether or not the call repeats it
	}
	s.Observer.After(ctx, &answer, failure)
}

// sign adds the credentials to one attempt.
func (s *call) sign(out *http.Request) error {
	if base := s.Service.Base; out.URL.Scheme != base.Scheme || out.URL.Host != base.Host {
		return errors.New("refused to send credentials to another host than the configured one")
	}
	return s.Auth.Sign(out.Context(), out.Header)
}

// read reads the answer and classifies it.
func (s *call) read(ctx context.Context, resp *http.Response) {
	defer resp.Body.Close()
	s.resp.Status, s.resp.Header = resp.StatusCode, resp.Header
	success := resp.StatusCode >= 200 && resp.StatusCode < 300
	limit := int64(maxErrorBody)
	if success {
		limit = s.client.maxBody
	}
	var body []byte
	var err error
	if resp.StatusCode >= 200 { // the body of a 101 is the connection itself, which never ends
		body, err = readUpTo(resp, limit)
	}
	body = bytes.TrimPrefix(body, []byte(byteOrderMark))
	s.resp.Body = body
	switch {
	case resp.StatusCode < 200:
		s.strange(retry.Unreadable, "it asks for another protocol than HTTP: check the base URL", nil)
	case !success && resp.StatusCode < 400:
		s.strange(retry.Unreadable, "it is a redirect, which is not followed: check the base URL", nil)
	case !success:
		s.refused(resp, resp.StatusCode, s.Service.Refusal(resp.StatusCode, body))
		// Failures that leave the outcome open, and failures about load, keep their kind whoever
		// answered.
		if s.last.kind == retry.Refused {
			if lacks := s.lacks(body); lacks != "" {
				s.strange(retry.Stranger, lacks, s.last.refusal)
			}
		}
	case errors.Is(err, errTooLong):
		s.last = outcome{kind: retry.Unreadable, err: fmt.Errorf("%w: over %d bytes", err, limit)}
	case err != nil:
		s.last = outcome{kind: retry.Lost, err: fmt.Errorf("read the answer: %w", s.cause(ctx, err))}
	default:
		s.last = outcome{ok: true}
		refusal := s.Service.Refusal(resp.StatusCode, body)
		lacks := ""
		if refusal == nil || refusal.Bare {
			lacks = s.lacks(body)
		}
		switch {
		case lacks != "":
			s.strange(retry.Stranger, lacks, refusal)
		case refusal != nil:
			s.refused(resp, refusal.Status, refusal)
		}
	}
}

// strange records that the answer is not the service's own. The text of a refusal stays, to help a
// person find the proxy. The status that the text seems to mean does not.
func (s *call) strange(kind retry.Kind, lacks string, refusal *Refusal) {
	if refusal != nil {
		refusal.Status = s.resp.Status
	}
	s.last = outcome{kind: kind, stranger: lacks, refusal: refusal, retryAfter: s.last.retryAfter, pause: s.last.pause}
}

// lacks returns what the answer lacks to be the service's own, or "".
func (s *call) lacks(body []byte) string {
	if s.Lacks == nil {
		return ""
	}
	return s.Lacks(s.resp.Status, body)
}

// refused records that the service rejected the request, and how long to wait before the next
// attempt.
func (s *call) refused(resp *http.Response, status int, refusal *Refusal) {
	asked, ok := retry.After(resp.Header, time.Now())
	s.last = outcome{kind: retry.KindOf(status, ok), refusal: refusal, retryAfter: asked, pause: asked}
	if refusal != nil && refusal.Bare {
		s.last.kind = retry.Unavailable // the service itself says that it accepted nothing
	}
	if s.last.kind != retry.Throttled {
		return
	}
	if !ok {
		s.last.pause = s.Service.Throttle
	}
	s.Service.Gate.Hold(min(s.last.pause, s.Policy.MaxRetryAfter))
}

// inDoubt reports whether the server may have carried out the failed attempt.
func (o outcome) inDoubt() bool {
	switch o.kind {
	case retry.Lost, retry.Timeout408, retry.ServerError, retry.OtherServerError, retry.Unreadable, retry.Stranger:
		return !o.ok
	}
	return false
}

// gone reports whether the service itself answered 404, in the status or in the body.
func (o outcome) gone(status int) bool {
	return o.stranger == "" && (status == http.StatusNotFound || o.refusal != nil && o.refusal.Status == http.StatusNotFound)
}

var errTooLong = errors.New("the answer is too long")

// readUpTo reads a body of at most limit bytes. It cuts a longer one and returns errTooLong.
func readUpTo(resp *http.Response, limit int64) ([]byte, error) {
	// The length is only a hint. net/http itself reports a body that ends too early. If a transport
	// made the response by hand, or changed its body, the length may be wrong.
	var body []byte
	if n := resp.ContentLength; n > 0 && n <= limit {
		body = make([]byte, 0, n+1) // with room for the read that finds the end
	}
	for len(body) < cap(body) {
		n, err := resp.Body.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case errors.Is(err, io.EOF):
			return body, nil
		case err != nil:
			return body, err
		}
	}
	rest, err := io.ReadAll(io.LimitReader(resp.Body, limit+1-int64(len(body))))
	if len(body) == 0 {
		body = rest // without a copy
	} else {
		body = append(body, rest...)
	}
	if int64(len(body)) > limit {
		return body[:limit], errTooLong
	}
	return body, err
}

// cause returns why an attempt failed, without secrets: a *url.Error holds the whole URL.
func (s *call) cause(attempt context.Context, err error) error {
	switch {
	case s.ctx.Err() != nil:
		return s.ended()
	case attempt.Err() != nil:
		return context.Cause(attempt)
	}
	var in *url.Error
	for errors.As(err, &in) {
		err = in.Err
	}
	if text := err.Error(); s.URL.RawQuery != "" && strings.Contains(text, s.URL.RawQuery) {
		return errors.New("the transport's error names the URL and is left out")
	}
	return err
}

// ended returns why the caller's context ended. It always returns the same value, so that nobody
// joins it with itself.
func (s *call) ended() error {
	if s.end == nil {
		s.end = contextError(s.ctx)
	}
	return s.end
}

// contextError returns why ctx ended, with the caller's own cause if there is one.
func contextError(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if cause == nil || errors.Is(err, cause) {
		return err
	}
	return fmt.Errorf("%w: %w", err, cause)
}

// timeoutError means that one attempt took too long.
type timeoutError struct{ after time.Duration }

func (e *timeoutError) Error() string {
	return fmt.Sprintf("no whole answer within %s, the time one attempt may take", e.after)
}

func (e *timeoutError) Timeout() bool { return true }

// Unwrap separates it from context.DeadlineExceeded, which means the caller's own deadline.
func (e *timeoutError) Unwrap() error { return os.ErrDeadlineExceeded }
