package playline

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/playline/playline-go/internal/retry"
	"github.com/playline/playline-go/internal/transport"
	"github.com/playline/playline-go/internal/wire"
)

// input is what one call takes.
type input struct {
	path    []string // the path's arguments, in order
	query   any      // a struct with url tags, nil for none
	body    any      // encoded as JSON, nil for none
	token   *Secret  // replaces the service's credentials
	secrets []string // what no error may repeat
	maxBody int      // bytes, where the operation has a limit of its own
}

// validator is input that can be checked before it is sent.
type validator interface{ Validate() error }

// rawKeeper is a result of which the service documents too little, so that it keeps the whole answer.
type rawKeeper interface{ keepRaw(json.RawMessage) }

// completer is a result that is nothing without a certain part.
type completer interface{ complete() error }

// call carries an operation out and decodes the answer.
func call[T any](ctx context.Context, s *service, o *op, in input, opts []RequestOption) (*T, error) {
	req, co, err := s.client.request(o, &in, opts)
	if err != nil {
		return nil, err
	}
	ctx, w := s.client.watch(ctx, o, in, req)
	var out *T
	answer, err := s.client.do(ctx, o, in, req, co)
	if err == nil {
		out, err = decode[T](s, o, in, answer)
	}
	w.end(ctx, answer, err)
	return out, err
}

// decode reads the answer of a call that worked.
func decode[T any](s *service, o *op, in input, answer *transport.Response) (*T, error) {
	out := new(T)
	var err error
	switch {
	case len(answer.Body) > 0:
		// null would leave the result as it is, and look like an answer.
		if err = json.Unmarshal(answer.Body, out); err == nil && bytes.Equal(bytes.TrimSpace(answer.Body), []byte("null")) {
			err = errors.New("it is null")
		}
	case !o.has(mayBeEmpty):
		err = errors.New("it is empty")
	}
	if err != nil && s.client.endpoints[o.service].takesAny(o) {
		out, err = new(T), nil // half of an answer is none
	}
	if c, ok := any(out).(completer); ok && err == nil {
		err = c.complete()
	}
	if err != nil {
		return nil, s.client.unreadable(o, in, answer, err)
	}
	if k, ok := any(out).(rawKeeper); ok && json.Valid(answer.Body) { // another RawMessage cannot be written
		k.keepRaw(answer.Body)
	}
	return out, nil
}

// do sends, and turns a failure into the error that the caller sees. The answer is never nil.
func (c *Client) do(ctx context.Context, o *op, in input, req *transport.Request, co *callOptions) (*transport.Response, error) {
	if co.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, co.timeout)
		defer cancel()
	}
	answer, failure := c.transport.Do(ctx, req)
	if co.capture != nil {
		*co.capture = Response{
			StatusCode: answer.Status,
			RequestID:  scrubID(transport.RequestID(answer.Header), c.secrets(o, in)),
			Attempts:   answer.Attempts,
			Duration:   answer.Duration,
			header:     func() http.Header { return answer.Header },
			body:       func() []byte { return answer.Body },
		}
	}
	if failure != nil {
		return answer, c.failed(o, in, answer, failure)
	}
	return answer, nil
}

// request builds a call from its operation. Whatever is wrong with the input is found here.
func (c *Client) request(o *op, in *input, opts []RequestOption) (*transport.Request, *callOptions, error) {
	e := c.endpoints[o.service]
	if e == nil {
		return nil, nil, notConfigured(o, "")
	}
	req := &transport.Request{Service: &e.Service, Operation: o.name, Method: o.method, Route: o.path, Auth: e.auth, Class: e.class(o)}
	switch {
	case in.token != nil:
		if rule := credentialRule(string(*in.token)); rule != "" {
			return nil, nil, &ValidationError{"token", rule}
		}
		req.Auth = transport.Bearer(string(*in.token))
	case o.has(public) && e.public != nil:
		req.Auth = e.public
	case e.auth == nil:
		return nil, nil, notConfigured(o, "the public app id is not enough for it: ")
	}
	co, err := newCallOptions(opts)
	if err != nil {
		return nil, nil, err
	}
	in.secrets = slices.Concat(in.secrets, co.secrets())
	for _, v := range []any{in.query, in.body} {
		if v, ok := v.(validator); ok {
			if err := v.Validate(); err != nil {
				return nil, nil, err
			}
		}
	}
	if err := e.address(req, o, *in); err != nil {
		return nil, nil, err
	}
	req.Header = http.Header{"User-Agent": {c.userAgent}, "Accept": {"application/json"}}
	if err := e.encode(req, *in); err != nil {
		return nil, nil, err
	}
	for name, values := range co.header {
		req.Header[name] = slices.Clone(values)
	}
	if err := e.key(req, o, co); err != nil {
		return nil, nil, err
	}
	p := co.retry.over(c.retry)
	if p.MaxRetryAfter == 0 {
		p.MaxRetryAfter = e.MaxRetryAfter
	}
	req.Lacks = func(status int, body []byte) string { return e.lacks(o, status, body) }
	req.Scrub = func(id string) string { return scrubID(id, c.secrets(o, *in)) }
	req.Policy, req.RetryInDoubt, req.GoneIsDone = retry.Policy(p), co.retryInDoubt, o.has(goneIsDone)
	return req, co, nil
}

func (e *endpoint) address(req *transport.Request, o *op, in input) error {
	path, err := wire.Path(o.path, e.path, in.path...)
	if err != nil {
		if bad, ok := errors.AsType[*wire.ArgError](err); ok {
			return &ValidationError{bad.Name, bad.Rule}
		}
		return err
	}
	query, err := wire.Query(in.query)
	if err != nil {
		return &ValidationError{"query", err.Error()}
	}
	req.URL = wire.Join(e.Base, path, query)
	return nil
}

func (e *endpoint) encode(req *transport.Request, in input) error {
	if in.body == nil {
		return nil
	}
	body, err := json.Marshal(in.body)
	if err != nil {
		return &ValidationError{"body", "cannot be encoded as JSON: " + err.Error()}
	}
	limit := e.maxBody
	if in.maxBody > 0 {
		limit = in.maxBody
	}
	if limit > 0 && len(body) > limit {
		return &ValidationError{"body", fmt.Sprintf("has %d bytes as JSON, the service takes %d", len(body), limit)}
	}
	req.Body = body
	req.Header["Content-Type"] = []string{"application/json"}
	return nil
}

// class returns how an operation may be repeated here: one that needs a key is unsent where the service ignores keys.
func (e *endpoint) class(o *op) retry.Class {
	if o.class == retry.Key && !e.keyed {
		return retry.Unsent
	}
	return o.class
}

// key puts the idempotency key of a keyed operation on the request: one a call, the same on every attempt. Where the service
// ignores keys none is sent: net/http itself repeats requests that carry one.
func (e *endpoint) key(req *transport.Request, o *op, co *callOptions) error {
	switch {
	case o.class != retry.Key && co.key != "":
		return &ValidationError{"IdempotencyKey", "is taken by Events.Fire and Events.FireBulk only: " + o.name + " does not know it"}
	case req.Class != retry.Key:
	case co.key != "":
		req.Header["Idempotency-Key"] = []string{co.key}
	default:
		req.Header["Idempotency-Key"] = []string{rand.Text()}
	}
	return nil
}
