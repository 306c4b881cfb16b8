package playline

import (
	"context"
	"errors"
	"net/http"
	"net/textproto"
	"slices"
	"time"

	"github.com/playline/playline-go/internal/transport"
)

// Hooks are functions that a client calls as calls and their attempts begin and end, for tracing and metrics. Any of them may be nil.
//
// A call is one method of a service, one page of an iterator, one part of FireBulk or ImportAll, or one request of a batcher; what is
// refused before any request (a *ValidationError, ErrNotConfigured) is none. An attempt is one HTTP request of it; the waits for the rate
// limit and the pauses between attempts belong to the call, not to an attempt.
//
// Hooks are called from many goroutines, each on the goroutine of its call, which waits for them. Nothing is recovered: a hook that
// panics ends the call with that panic, no further hook is called for it, and where it was a request of a batcher, which has a goroutine
// of its own, the panic ends the program.
type Hooks struct {
	// CallStart comes before the first attempt. The call goes on with the context that it returns, which must be the one it got or one
	// derived from it; nil stands for the one it got.
	CallStart func(ctx context.Context, call CallInfo) context.Context
	// CallEnd comes once for each CallStart, with the context that the call went on with: where there are several hooks, that of the last.
	CallEnd func(ctx context.Context, call CallInfo, result CallResult)
	// AttemptStart comes right before a request is sent; attempt is its number, from 1. The request goes on with the context that it
	// returns, under the same rule, so that the http.RoundTripper of WithHTTPClient sees it.
	AttemptStart func(ctx context.Context, call CallInfo, attempt int) context.Context
	// AttemptEnd comes once for each AttemptStart, with the context that the request went on with, when the answer was read whole or none
	// came.
	AttemptEnd func(ctx context.Context, call CallInfo, result CallResult)
	// Propagate adds headers to a request, such as those of a distributed trace. It comes after AttemptStart. Mind that the request goes
	// to another company. Headers that the client sets itself are not replaced, and what Header would refuse is left out.
	Propagate func(ctx context.Context, header http.Header)
}

// CallInfo says which call it is. It holds nothing of the call's input, and a client has few different ones, so it is fit for the
// attributes of a metric.
type CallInfo struct {
	Service   Service
	Operation string // the method, such as Players.Get; Ingest.Send for the requests of a batcher
	Method    string // the HTTP method
	Route     string // the path below BaseURL, with placeholders, such as /players/{player_id}
	BaseURL   string // such as https://api.smooven.io/v1; it has no user, no query, and no slash at the end
}

// CallResult is how an attempt or a call ended.
type CallResult struct {
	Attempts   int           // requests made so far; of an attempt: its own number
	StatusCode int           // of the answer, of a call's last one; 0: none came
	RequestID  string        // the service's id of the request, scrubbed as in Error
	Duration   time.Duration // of the attempt; of the whole call with its pauses
	// Err is what the caller gets of the call, and of an attempt what the caller would get if it were the last one: most often an
	// *Error. Nil: it worked. A *PartialError comes with a result and is none.
	Err error
}

// WithHooks calls hooks at the beginning and the end of each call and each attempt. Given several times, all are called: those that
// start in the order given, those that end in the opposite one.
func WithHooks(h Hooks) Option {
	return func(c *config) error {
		if h.CallStart != nil || h.CallEnd != nil || h.AttemptStart != nil || h.AttemptEnd != nil || h.Propagate != nil {
			c.hooks = append(c.hooks, h)
		}
		return nil
	}
}

// watched is one call that hooks are told of. It is the transport's Observer.
type watched struct {
	client  *Client
	op      *op
	in      input
	info    CallInfo
	started time.Time
}

// watch tells the hooks that a call begins, and has its attempts told. It returns nil where there are no hooks.
func (c *Client) watch(ctx context.Context, o *op, in input, req *transport.Request) (context.Context, *watched) {
	if len(c.hooks) == 0 {
		return ctx, nil
	}
	w := &watched{c, o, in, CallInfo{o.service, o.name, o.method, o.path, c.endpoints[o.service].baseURL}, time.Now()}
	req.Observer = w
	for _, h := range c.hooks {
		if h.CallStart != nil {
			ctx = orSame(h.CallStart(ctx, w.info), ctx)
		}
	}
	return ctx, w
}

// end tells the hooks how the call ended.
func (w *watched) end(ctx context.Context, answer *transport.Response, err error) {
	if w == nil {
		return
	}
	result := CallResult{answer.Attempts, answer.Status, w.requestID(answer), time.Since(w.started), err}
	for _, h := range slices.Backward(w.client.hooks) {
		if h.CallEnd != nil {
			h.CallEnd(ctx, w.info, result)
		}
	}
}

// Before implements transport.Observer.
func (w *watched) Before(ctx context.Context, attempt int, header http.Header) context.Context {
	for _, h := range w.client.hooks {
		if h.AttemptStart != nil {
			ctx = orSame(h.AttemptStart(ctx, w.info, attempt), ctx)
		}
	}
	for _, h := range w.client.hooks {
		if h.Propagate != nil {
			more := http.Header{}
			h.Propagate(ctx, more)
			addHeaders(header, more)
		}
	}
	return ctx
}

// After implements transport.Observer.
func (w *watched) After(ctx context.Context, answer *transport.Response, failure *transport.Failure) {
	result := CallResult{Attempts: answer.Attempts, StatusCode: answer.Status, RequestID: w.requestID(answer), Duration: answer.Duration}
	if failure != nil {
		result.Err = w.client.failed(w.op, w.in, answer, failure)
	}
	for _, h := range slices.Backward(w.client.hooks) {
		if h.AttemptEnd != nil {
			h.AttemptEnd(ctx, w.info, result)
		}
	}
}

// requestID is the service's word, so it is scrubbed.
func (w *watched) requestID(answer *transport.Response) string {
	id := transport.RequestID(answer.Header)
	if id == "" {
		return ""
	}
	return scrubID(id, w.client.secrets(w.op, w.in))
}

// orSame returns the context of a hook, or the one that it got where it returned nil.
func orSame(ctx, same context.Context) context.Context {
	if ctx == nil {
		return same
	}
	return ctx
}

// addHeaders adds what a hook wants, where it is not the client's own and fit to be sent. A header too many must not cost the call, so it
// is left out and is no error.
func addHeaders(header, more http.Header) {
	for name, values := range more {
		name = textproto.CanonicalMIMEHeaderKey(name)
		if _, taken := header[name]; taken {
			continue
		}
		co := &callOptions{}
		var err error
		for _, value := range values {
			err = errors.Join(err, Header(name, value)(co))
		}
		if err == nil {
			header[name] = co.header[name]
		}
	}
}
