package playline

import (
	"fmt"
	"net/http"
	"net/textproto"
	"slices"
	"time"
)

// RequestOption changes one call. A wrong value is an error of the call, before any network.
type RequestOption func(*callOptions) error

// callOptions is what the options of one call fill.
type callOptions struct {
	key          string
	header       http.Header
	retry        RetryPolicy
	retryInDoubt bool
	timeout      time.Duration
	capture      *Response
}

// secrets are the values of the headers: what a program adds is often a credential.
func (co *callOptions) secrets() []string {
	var all []string
	for _, values := range co.header {
		all = append(all, values...)
	}
	return all
}

func newCallOptions(opts []RequestOption) (*callOptions, error) {
	co := &callOptions{}
	for _, opt := range opts {
		if opt == nil {
			return nil, &ValidationError{"opts", "must not hold nil"}
		}
		if err := opt(co); err != nil {
			return nil, err
		}
	}
	return co, nil
}

// Response is what CaptureResponse keeps of a call. The answer itself can hold tokens and addresses,
// so it is behind the methods Header and Body, and no printer and no encoder shows it.
type Response struct {
	StatusCode int           // of the last answer; 0: no answer came
	RequestID  string        // the service's id of the last request, for its support
	Attempts   int           // requests made
	Duration   time.Duration // of the whole call, pauses included

	header func() http.Header // functions, because a printer walks through anything else
	body   func() []byte
}

// Header returns the header of the last answer, nil if no answer came.
func (r Response) Header() http.Header {
	if r.header == nil {
		return nil
	}
	return r.header()
}

// Body returns the body of the last answer: whole for a success, at most 64 KiB for a failure.
func (r Response) Body() []byte {
	if r.body == nil {
		return nil
	}
	return r.body()
}

// String says what came of the call, without the answer itself.
func (r Response) String() string {
	return fmt.Sprintf("status %d, request id %q, %d attempts, %s", r.StatusCode, r.RequestID, r.Attempts, r.Duration)
}

// CaptureResponse keeps the last answer of a call in r, also where the call fails. An iterator overwrites it with each page.
func CaptureResponse(r *Response) RequestOption {
	return func(co *callOptions) error {
		if r == nil {
			return &ValidationError{"CaptureResponse: r", "must not be nil"}
		}
		co.capture = r
		return nil
	}
}

// IdempotencyKey sets the key of Events.Fire and Events.FireBulk, so that a call can be repeated by another process too: for
// 24 hours the same key gets the first answer again. Without this option every call makes a key of its own. Fyno honours keys
// on version live only; on test none is sent. Other operations refuse the option.
//
// See https://docs.fyno.io/docs/idempotent-requests.
func IdempotencyKey(key string) RequestOption {
	return func(co *callOptions) error {
		if rule := credentialRule(key); rule != "" {
			return &ValidationError{"IdempotencyKey", rule}
		}
		co.key = key
		return nil
	}
}

// reservedHeaders are set by the client itself. X-Idempotency-Key is not, but net/http takes it for a promise that a request may be
// sent twice, and does so by itself.
var reservedHeaders = []string{
	"Authorization", "X-App-Id", "Idempotency-Key", "X-Idempotency-Key", "Content-Type", "Content-Length", "Host", "Transfer-Encoding", "Connection", "Accept-Encoding",
}

// Header adds a header to every attempt of the call. Headers that the client sets itself are refused.
func Header(name, value string) RequestOption {
	return func(co *callOptions) error {
		canonical := textproto.CanonicalMIMEHeaderKey(name)
		switch {
		case !isToken(name):
			return &ValidationError{"Header: name", "must be a header name: letters, digits and hyphens"}
		case slices.Contains(reservedHeaders, canonical):
			return &ValidationError{"Header: name", "must not be " + canonical + ", which is the client's own"}
		case !isPrintable(value):
			return &ValidationError{"Header: value", "must hold printable ASCII characters only"}
		}
		if co.header == nil {
			co.header = http.Header{}
		}
		co.header[canonical] = append(co.header[canonical], value)
		return nil
	}
}

// Retry changes the retry policy for one call; fields at zero keep the client's.
func Retry(p RetryPolicy) RequestOption {
	return func(co *callOptions) error {
		co.retry = p.over(co.retry)
		return p.validate()
	}
}

// RetryInDoubt lets an operation of class unsent be repeated where the service may have carried it out already, as if it
// were safe. Operations of class never are not repeated even so.
func RetryInDoubt() RequestOption {
	return func(co *callOptions) error {
		co.retryInDoubt = true
		return nil
	}
}

// Timeout bounds the whole call: all attempts, the pauses between them, and the wait for the rate limiter. A shorter deadline
// of the context wins.
func Timeout(d time.Duration) RequestOption {
	return func(co *callOptions) error {
		if d <= 0 {
			return &ValidationError{"Timeout", "must be positive"}
		}
		co.timeout = d
		return nil
	}
}
