package transport

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/playline/playline-go/internal/retry"
)

// Service is the state that all calls to one vendor share.
type Service struct {
	Name string
	Base *url.URL // credentials go only to its scheme and host
	Gate *Gate
	// Refusal parses an answer and returns nil for a success. It also gets answers with 2xx and
	// bodies that are not JSON.
	Refusal func(status int, body []byte) *Refusal
	// Throttle is how long to wait after a 429 without Retry-After.
	Throttle time.Duration
	// MaxRetryAfter caps Retry-After if the call's policy has no cap.
	MaxRetryAfter time.Duration
}

// Refusal is the service's rejection of a request, as the service reported it.
type Refusal struct {
	Status  int // the HTTP status that matches its meaning: 404 for some of Fyno's 400
	Code    string
	Message string
	Details []byte // raw JSON
	// Bare means a success that reports a failure without a reason. It counts if the answer has the
	// shape of a success. It blames nothing in the request.
	Bare bool
}

// Request is one logical call, ready to be sent.
type Request struct {
	Service      *Service
	Operation    string // Players.Get
	Method       string
	Route        string // the path's template; logs never contain the path
	URL          *url.URL
	Header       http.Header // without credentials
	Body         []byte
	Auth         Auth
	Class        retry.Class
	Policy       retry.Policy
	RetryInDoubt bool // the caller allows repeats that the class forbids
	Admitted     bool // the caller has waited at the gate
	Quiet        bool // the caller reports failures itself: log them only for debugging
	GoneIsDone   bool // a 404 after an attempt with unknown outcome means that that attempt worked
	// Lacks returns what an answer lacks to be the service's own, or "" if it is. The client calls
	// it for successes that report no failure, and for refusals. Its result must not quote the
	// answer. Nil believes every answer.
	Lacks func(status int, body []byte) string
	// Scrub removes secrets from a request id before it is logged, because the service chooses its
	// text. Nil changes nothing.
	Scrub func(string) string
	// Observer sees each attempt; nil means no observer.
	Observer Observer
}

// Observer sees the attempts of one call, on the goroutine of Do.
type Observer interface {
	// Do calls Before right before it sends an attempt, after signing it. Before may add headers.
	// The attempt continues with the returned context, which is derived from ctx.
	Before(ctx context.Context, attempt int, header http.Header) context.Context
	// Do calls After when the attempt has ended, with its answer and its failure. The answer's
	// Duration is that of the attempt. The failure is nil if the attempt worked.
	After(ctx context.Context, answer *Response, failure *Failure)
}

// Response is the last answer of a call, with its whole body. Status 0 means that no answer came.
type Response struct {
	Status   int
	Header   http.Header
	Body     []byte        // without a byte order mark
	Attempts int           // attempts made
	Duration time.Duration // of the whole call, pauses included
	BodyFree bool          // nobody reads the request's body any more; known after a call with one attempt
}

// Failure is why a call has no result.
type Failure struct {
	Refusal    *Refusal      // nil if no answer came, or a stranger's success
	Stranger   string        // what the answer lacks to be the service's own; "" if it is, if no answer came, or for a 5xx
	Cause      error         // nil if a readable answer came; never contains a URL
	Stopped    error         // why a due attempt was not made: the context
	RetryAfter time.Duration // as the service asked, not capped
	Doubt      bool          // the server may have carried out the request
}

// callKey is the context key of the running call.
type callKey struct{}

// call is the state of one logical call, shared by retryablehttp's hooks and the attempts. All of
// them run on the goroutine of Do.
type call struct {
	*Request
	client *Client
	ctx    context.Context //nolint:containedctx // the caller's own
	resp   Response
	last   outcome
	stop   error // why the next attempt was not made
	end    error // see ended
	doubt  bool  // one attempt was in doubt, and the class forbids another one
	pause  time.Duration

	maybeDone bool // the server may have carried out a failed attempt
}

// Do sends a call and returns the last answer, and a Failure if the call failed.
func (c *Client) Do(ctx context.Context, r *Request) (*Response, *Failure) {
	started := time.Now()
	s := &call{Request: r, client: c}
	s.ctx = context.WithValue(ctx, callKey{}, s)
	s.run()
	s.resp.Duration = time.Since(started)
	failure := s.failure()
	if failure != nil {
		level := slog.LevelWarn
		if r.Quiet {
			level = slog.LevelDebug
		}
		c.log.LogAttrs(ctx, level, "playline: call failed", append(s.attrs(), slog.Int("status", s.resp.Status),
			slog.Bool("outcome_unknown", failure.Doubt))...)
	}
	return &s.resp, failure
}

func (s *call) run() {
	// The request is built by hand, because http.NewRequest prints and parses the URL again and
	// could change its escapes.
	plain := &http.Request{
		Method: s.Method, URL: s.URL, Host: s.URL.Host, Header: maps.Clone(s.Header),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	req := &retryablehttp.Request{Request: plain.WithContext(s.ctx)}
	if len(s.Body) > 0 {
		if err := req.SetBody(s.Body); err != nil {
			s.last = outcome{err: err}
			return
		}
	}
	rc := &retryablehttp.Client{
		HTTPClient: &s.client.http,
		RetryMax:   s.Policy.MaxAttempts - 1,
		CheckRetry: s.checkRetry,
		Backoff:    s.backoff,
		// Every attempt has its own headers. The write loop of an abandoned attempt may still read
		// them, and a cookie jar adds to them.
		PrepareRetry: func(req *http.Request) error {
			req.Header = maps.Clone(s.Header)
			return nil
		},
		// The default handler drops the last answer.
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
		// There is no Logger, because its lines would contain the whole URL.
	}
	resp, err := rc.Do(req)
	if resp != nil {
		_ = resp.Body.Close() // empty: an attempt reads the body whole
	}
	// The context can end during a pause. In that case the attempt before the pause is the last
	// one.
	if err != nil && s.stop == nil && s.ctx.Err() != nil {
		s.stop = s.ended()
	}
}

// checkRetry implements retryablehttp's hook after each attempt.
func (s *call) checkRetry(context.Context, *http.Response, error) (bool, error) {
	again := s.repeat()
	s.logAttempt(again)
	return again, nil
}

func (s *call) repeat() bool {
	if s.last.ok || s.stop != nil {
		return false
	}
	verdict := retry.Judge(s.Class, s.last.kind)
	if verdict == retry.Doubt {
		s.doubt = true
		if s.RetryInDoubt && s.Class != retry.Never {
			verdict = retry.Judge(retry.Safe, s.last.kind)
		}
	}
	if verdict != retry.Retry || s.resp.Attempts >= s.Policy.MaxAttempts {
		return false
	}
	if s.ctx.Err() != nil {
		s.stop = s.ended()
		return false
	}
	s.pause = s.Policy.Delay(s.resp.Attempts, s.last.pause)
	// A pause that the deadline would cut does not start, so that the caller gets the cause now and
	// not later.
	if deadline, ok := s.ctx.Deadline(); ok && time.Until(deadline) <= s.pause {
		s.stop = &LimitError{Wait: s.pause, Pause: true}
		return false
	}
	return true
}

func (s *call) backoff(_, _ time.Duration, _ int, _ *http.Response) time.Duration { return s.pause }

func (s *call) failure() *Failure {
	if s.last.ok {
		return nil
	}
	return &Failure{
		Refusal:    s.last.refusal,
		Stranger:   s.last.stranger,
		Cause:      s.last.err,
		Stopped:    s.stop,
		RetryAfter: s.last.retryAfter,
		Doubt:      s.doubt,
	}
}

// attrs returns the only facts about a call that the log may contain.
func (s *call) attrs() []slog.Attr {
	id := RequestID(s.resp.Header)
	if s.Scrub != nil && id != "" {
		id = s.Scrub(id)
	}
	return []slog.Attr{
		slog.String("service", s.Service.Name),
		slog.String("operation", s.Operation),
		slog.String("method", s.Method),
		slog.String("route", s.Route),
		slog.Int("attempt", s.resp.Attempts),
		slog.String("request_id", id),
	}
}

func (s *call) logAttempt(again bool) {
	level := slog.LevelDebug
	if again {
		level = slog.LevelInfo
	}
	if !s.client.log.Enabled(s.ctx, level) {
		return
	}
	attrs := append(s.attrs(), slog.Int("status", s.resp.Status), slog.Duration("took", s.last.took))
	if again {
		attrs = append(attrs, slog.Duration("retry_in", s.pause))
	}
	s.client.log.LogAttrs(s.ctx, level, "playline: attempt", attrs...)
}

// requestID is the shape of an id. Any other text may come from a stranger and does not belong in a
// log.
var requestID = regexp.MustCompile(`^[\w.:/;=+-]{1,128}$`)

// RequestID returns the id that a service or its gateway gave to a request, for questions to its
// support. It has at most 128 letters, digits and signs of _ . : / ; = + -. It is "" if the answer
// has no such id.
func RequestID(h http.Header) string {
	for _, name := range [...]string{"X-Request-Id", "X-Correlation-Id", "X-Cloud-Trace-Context", "Cf-Ray"} {
		if id := h.Get(name); requestID.MatchString(id) {
			return id
		}
	}
	return ""
}
