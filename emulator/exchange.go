package emulator

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// exchange is one request on its way through the emulator, the same for the handler and for the
// transport.
type exchange struct {
	emulator *Emulator
	request  *http.Request // a copy whose fields may be set
	read     func(error)   // called once, when the body was read or will not be
	entry    *recorded

	mount  mount // its service is nil where the path belongs to none
	op     *operation
	params map[string]string
	status int // why there is no op
	allow  []string

	checked bool // the request was held against the contract, and nothing found
}

// exchange carries r out and returns how it ends. It calls read once the body was read, or the
// connection is reset.
func (e *Emulator) exchange(r *http.Request, read func(error)) outcome {
	// r is a caller's: routing puts path values into a copy, and a fault's Match may replace its
	// body
	request := &http.Request{
		Method: r.Method, URL: r.URL, Proto: r.Proto, ProtoMajor: r.ProtoMajor, ProtoMinor: r.ProtoMinor, Header: r.Header,
		Body: r.Body, ContentLength: r.ContentLength, Host: r.Host, RemoteAddr: r.RemoteAddr, RequestURI: r.RequestURI,
	}
	if request.Body == nil {
		request.Body = http.NoBody
	}
	if request.Header == nil {
		request.Header = http.Header{}
	}
	ctx := r.Context()
	x := &exchange{emulator: e, request: request.WithContext(ctx), read: read}
	x.route()
	e.record.arrive(x.entry)
	out := x.run(ctx)
	if out.header != nil {
		out.header.Set("X-Request-Id", "emu-"+strconv.Itoa(x.entry.Number))
	}
	var done Request
	e.record.end(x.entry, func(entry *recorded) {
		entry.Status = out.status
		entry.Latency = time.Since(entry.Time)
		entry.checked = x.checked
		entry.ResponseHeader, entry.ResponseBody = out.header.Clone(), out.sent()
		done = entry.Request
	})
	e.activity.ended(time.Now(), done.Service, done.Status)
	if e.opts.observer != nil {
		e.opts.observer(done)
	}
	return out
}

// route finds the operation and opens the record's entry.
func (x *exchange) route() {
	r := x.request
	path := r.URL.EscapedPath()
	x.entry = &recorded{Request: Request{
		Time: time.Now(), Method: r.Method, Path: path, Query: r.URL.Query(), Header: r.Header.Clone(),
	}}
	m, rest, ok := x.emulator.mounted(path)
	if !ok {
		return
	}
	x.mount, x.entry.Service = m, m.name
	x.op, x.params, x.status, x.allow = m.contract.match(r.Method, rest)
	if x.op == nil {
		return
	}
	x.entry.Operation = x.op.id
	for name, value := range x.params {
		r.SetPathValue(name, value)
	}
}

// run is what happens between a request's arrival and its end, faults included.
func (x *exchange) run(ctx context.Context) outcome {
	e := x.emulator
	fault, hit := e.faults.pick(x.entry.Service, x.entry.Operation, x.request)
	if hit {
		e.record.change(x.entry, func(entry *recorded) { entry.Fault = fault.String() })
	}
	if fault.Mode == ResetBefore {
		err := e.wait(ctx, fault.Delay)
		if err == nil {
			err = reset("write")
		}
		x.read(err)
		return outcome{err: err}
	}
	// net/http notices that a client left only once the body was read, so that comes before any
	// waiting
	limit := bodyLimit(x.entry.Service, x.entry.Operation)
	if x.op == nil {
		limit = 0
	}
	body, large, err := readBody(x.request.Body, limit)
	x.read(err)
	if err != nil {
		return outcome{err: err}
	}
	if len(body) > 0 && x.op != nil { // anybody can send anything to a path that is not there
		e.record.change(x.entry, func(entry *recorded) { entry.Body = body })
	}
	if err := e.wait(ctx, fault.Delay); err != nil {
		return outcome{err: err}
	}
	if fault.Mode == Hang {
		return outcome{err: e.hang(ctx)}
	}
	if fault.answers() {
		return fault.decorate(x.refuse(cmp.Or(fault.Status, http.StatusOK), ""))
	}
	out := x.serve(body, large, limit)
	switch {
	case fault.Mode == HangAfter:
		return outcome{err: e.hang(ctx)}
	case fault.Mode == ResetAfter, fault.Mode == HalfBody && len(out.body) == 0:
		return outcome{err: reset("read")}
	case fault.Mode == HalfBody:
		out.half = true
	}
	return out
}

// serve lets the service answer, behind its auth and its contract.
func (x *exchange) serve(body []byte, large bool, limit int) outcome {
	if x.mount.service == nil {
		return x.refuse(http.StatusNotFound, "no service under this path: use "+strings.Join(x.emulator.paths(), ", "))
	}
	if x.op == nil {
		out := x.refuse(x.status, "no such path or method in the contract: "+x.request.Method+" "+x.entry.Path)
		if x.status == http.StatusMethodNotAllowed {
			out.header.Set("Allow", strings.Join(x.allow, ", "))
		}
		return out
	}
	x.request.Body = http.NoBody
	principal, refusal := x.mount.service.authorize(x.request, x.op.id)
	if refusal != nil {
		return refusal.outcome()
	}
	if large {
		v := tooLarge(limit)
		x.violated(v)
		return x.refuse(http.StatusRequestEntityTooLarge, v.String())
	}
	rawQuery, v := x.request.URL.RawQuery, (*violation)(nil)
	if x.mount.contract.queryInBody && x.request.Method == http.MethodGet && len(body) > 0 {
		rawQuery, v = x.op.withBodyQuery(rawQuery, x.request.Header, body)
		body = nil
	}
	var query url.Values
	if v == nil {
		query, v = x.op.check(x.params, rawQuery, x.request.Header, body)
	}
	if v != nil {
		x.violated(*v)
		return x.mount.service.invalid(x.op.id, *v).outcome()
	}
	x.checked = true
	c := &call{
		operation: x.op.id, path: x.params, query: query, header: x.request.Header, principal: principal,
	}
	if len(body) > 0 {
		c.body = json.RawMessage(body)
	}
	return x.mount.service.handle(c).outcome()
}

// violated writes a broken rule into the record.
func (x *exchange) violated(v violation) {
	x.emulator.record.change(x.entry, func(entry *recorded) { entry.Violation = v.String() })
}

// refuse answers for the service in its own error body, or for the emulator itself where the path
// belongs to no service. An empty message is the status in words.
func (x *exchange) refuse(status int, message string) outcome {
	if message == "" {
		message = http.StatusText(status)
	}
	if x.mount.service == nil {
		return reply{status: status, body: map[string]string{"error": message}}.outcome()
	}
	return x.mount.service.refusal(status, message).outcome()
}

// paths lists the paths of the services.
func (e *Emulator) paths() []string {
	var paths []string
	for _, m := range e.mounts {
		paths = append(paths, m.path)
	}
	return paths
}

// readBody reads limit bytes at most. Of a larger body the rest is thrown away, so that the client
// can finish sending.
func readBody(r io.Reader, limit int) (body []byte, large bool, err error) {
	body, err = io.ReadAll(io.LimitReader(r, int64(limit)+1))
	if err != nil || len(body) <= limit {
		return body, false, err
	}
	const most = 64 << 20 // beyond this the connection may as well break
	if _, err := io.CopyN(io.Discard, r, most); err != nil && !errors.Is(err, io.EOF) {
		return nil, true, err
	}
	return body[:limit], true, nil
}

// wait returns after d, or earlier with the reason why.
func (e *Emulator) wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-e.stopped:
		return errStopped
	}
}

// hang returns once the client left or the server closes.
func (e *Emulator) hang(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-e.stopped:
		return errStopped
	}
}
