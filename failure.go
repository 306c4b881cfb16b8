package playline

import (
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/playline/playline-go/internal/retry"
	"github.com/playline/playline-go/internal/transport"
)

// How what went wrong in a call becomes the error that the caller sees, without any secret of the call.

// secrets are the credentials, and the headers of the caller's own, that no words of an operation's
// service may repeat.
func (s *service) secrets(o *op, opts []RequestOption) []string {
	secrets := s.client.endpoints[o.service].secrets()
	if co, err := newCallOptions(opts); err == nil {
		secrets = slices.Concat(secrets, co.secrets())
	}
	return secrets
}

// secrets are what no words of a service may repeat that answer this call.
func (c *Client) secrets(o *op, in input) []string {
	secrets := slices.Concat(in.secrets, c.endpoints[o.service].secrets())
	if in.token != nil {
		secrets = append(secrets, string(*in.token))
	}
	return secrets
}

// failed makes the caller's error from a failure.
func (c *Client) failed(o *op, in input, answer *transport.Response, f *transport.Failure) error {
	e := &Error{
		Service:    o.service,
		Operation:  o.name,
		Method:     o.method,
		Route:      o.path,
		StatusCode: answer.Status,
		RequestID:  transport.RequestID(answer.Header),
		RetryAfter: f.RetryAfter,
		Attempts:   answer.Attempts,
		Raw:        answer.Body,
		Header:     answer.Header,
		Err:        f.Cause,
		Stranger:   f.Stranger,
		means:      answer.Status,
		unknown:    f.Doubt,
	}
	secrets := c.secrets(o, in)
	e.RequestID = scrubID(e.RequestID, secrets)
	if r := f.Refusal; r != nil {
		e.Code, e.Message, e.Details = scrub(r.Code, secrets), scrub(r.Message, secrets), r.Details
		if r.Status != 0 {
			e.means = r.Status
		}
	}
	if o == opValidateOTP && f.Stranger == "" && answer.Status == http.StatusBadRequest {
		e.otp = refusedOTP(e.Message)
	}
	if f.Stopped != nil && f.Stopped != f.Cause { //nolint:errorlint // the very same value is meant
		e.Err = f.Stopped
		if f.Cause != nil {
			e.Err = fmt.Errorf("%w; %w", f.Cause, f.Stopped)
		}
	}
	e.Err = scrubError(e.Err, secrets)
	if limit, ok := errors.AsType[*transport.LimitError](e.Err); ok && !limit.Pause && answer.Status == 0 {
		e.means, e.RetryAfter = http.StatusTooManyRequests, limit.Wait
	}
	return e
}

// unreadable is a success that cannot be decoded.
func (c *Client) unreadable(o *op, in input, answer *transport.Response, err error) error {
	return c.failed(o, in, answer, &transport.Failure{
		Cause: fmt.Errorf("the answer is not the JSON it should be: %w", err),
		Doubt: retry.Judge(c.endpoints[o.service].class(o), retry.Unreadable) == retry.Doubt,
	})
}

func notConfigured(o *op, why string) error {
	return fmt.Errorf("playline: %s: %w: %s%s", o.name, ErrNotConfigured, why, dialects[o.service].hint)
}
