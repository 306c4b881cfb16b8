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

// Service is what the calls to one vendor share.
type Service struct {
	Name string
	Base *url.URL // credentials go to its scheme and host, and nowhere else
	Gate *Gate
	// Refusal reads an answer and returns nil if it is a success. It also sees answers of 2xx and bodies that are not JSON.
	Refusal func(status int, body []byte) *Refusal
	// Throttle is how long to stay away after a 429 that does not say.
	Throttle time.Duration
	// MaxRetryAfter is the longest Retry-After that is obeyed, where the call's policy has none.
	MaxRetryAfter time.Duration
}

// Refusal is a no of the service, in its own words.
type Refusal struct {
	Status  int // the HTTP status that says what it means, where the real one does not: 404 behind Fyno's 400
	Code    string
	Message string
	Details []byte // raw JSON
	// Bare: a success that says no, and not why. It counts if the answer has the shape of a success; it blames nothing in the request.
	Bare bool
}

// Request is one logical call, ready to be sent.
type Request struct {
	Service      *Service
	Operation    string // Players.Get
	Method       string
	Route        string // the path's template: logs never hold the path
	URL          *url.URL
	Header       http.Header // without credentials
	Body         []byte
	Auth         Auth
	Class        retry.Class
	Policy       retry.Policy
	RetryInDoubt bool // the caller allows to repeat what the class does not
	Admitted     bool // the caller has waited at the gate
	Quiet        bool // the caller tells of failures itself: they are logged for debugging alone
	GoneIsDone   bool // a 404 after an attempt of unknown outcome means that it had worked
	// Lacks says what an answer lacks to be the service's own word, "" if it is. It is asked about successes that do not say no,
	// and about refusals. It must name nothing that the answer says. Nil believes every answer.
	Lacks func(status int, body []byte) string
	// Scrub makes words of the service fit for a log: a request id is what the service says it is. Nil leaves them as they are.
	Scrub func(string) string
	// Observer is told of each attempt; nil: nobody.
	Observer Observer
}

// Observer is told of the attempts of one call, on the goroutine of Do.
type Observer interface {
	// Before comes right before an attempt is sent, signed as it is. It may add headers. The attempt goes on with the context that it
	// returns, which is derived from ctx.
	Before(ctx context.Context, attempt int, header http.Header) context.Context
	// After comes when the attempt has ended: with its answer, whose Duration is the attempt's, and nil where it worked.
	After(ctx context.Context, answer *Response, failure *Failure)
}

// Response is the last answer of a call, its body read whole. Status 0 means that none came.
type Response struct {
	Status   int
	Header   http.Header
	Body     []byte        // without a byte order mark
	Attempts int           // attempts made
	Duration time.Duration // of the whole call, pauses included
	BodyFree bool          // the request's body is not read any more; known after a call of one attempt
}

// Failure is why a call has no result.
type Failure struct {
	Refusal    *Refusal      // nil if no answer came, or a stranger's success
	Stranger   string        // what the answer lacks to be the service's word; "" if it is, if none came, or for a 5xx
	Cause      error         // nil if an answer came that could be read; never holds a URL
	Stopped    error         // why no further attempt was made, where another was due: the context
	RetryAfter time.Duration // as the service asked, not capped
	Doubt      bool          // the server may have carried the request out
}

// callKey is the context key of the call under way.
type callKey struct{}

// call is the state of one logical call: what retryablehttp's hooks and the attempts share. All of it runs on the
// goroutine of Do.
type call struct {
	*Request
	client *Client
	ctx    context.Context //nolint:containedctx // the caller's own
	resp   Response
	last   outcome
	stop   error // why the next attempt was not made
	end    error // see ended
	doubt  bool  // one attempt was in doubt, and the class forbids to find out
	pause  time.Duration

	maybeDone bool // an attempt that failed may have been carried out
}

// Do sends a call and returns the last answer, and why it failed, if so.
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
	// Built by hand: http.NewRequest would print and parse the URL again, and could change its escapes.
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
		// Every attempt has headers of its own: the write loop of one that was given up may still read them, and a cookie jar
		// adds to what it finds.
		PrepareRetry: func(req *http.Request) error {
			req.Header = maps.Clone(s.Header)
			return nil
		},
		// The default handler drops the last answer.
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
		// Without a Logger it writes nothing; its own lines hold the whole URL.
	}
	resp, err := rc.Do(req)
	if resp != nil {
		_ = resp.Body.Close() // empty: an attempt reads the body whole
	}
	// The context can end during a pause; then the attempt before it is still the last one.
	if err != nil && s.stop == nil && s.ctx.Err() != nil {
		s.stop = s.ended()
	}
}

// checkRetry is retryablehttp's question after each attempt.
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
	// A pause that the deadline would cut is not begun: the caller learns the cause now instead of then.
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

// attrs are the only facts about a call that may be logged.
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

// requestID is the shape of an id. Anything else is words of a stranger, which have no place in a log.
var requestID = regexp.MustCompile(`^[\w.:/;=+-]{1,128}$`)

// RequestID returns the id that a service or its gateway gave to a request, for questions to its
// support: letters, digits and the signs _ . : / ; = + -, at most 128 of them; "" if there is none.
func RequestID(h http.Header) string {
	for _, name := range [...]string{"X-Request-Id", "X-Correlation-Id", "X-Cloud-Trace-Context", "Cf-Ray"} {
		if id := h.Get(name); requestID.MatchString(id) {
			return id
		}
	}
	return ""
}
