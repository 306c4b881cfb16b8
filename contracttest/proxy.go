package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/getkin/kin-openapi/openapi3filter"
)

// proxy is between the SDK and the emulator, and checks every request and every answer against the
// contracts. It changes nothing and keeps its findings.
type proxy struct {
	url       string
	target    string
	contracts contracts
	transport *http.Transport
	server    *http.Server
	served    chan struct{}

	// Only the tests that prove the proxy set these; they change a message before it is looked at.
	spoilRequest func(*http.Request, []byte) []byte
	spoilAnswer  func(*answer)

	mu       sync.Mutex
	coverage coverage
	findings []finding
	kept     []message
	samples  map[string]answer // the longest success of each operation
	total    int
}

// message is a request as it went over the wire.
type message struct {
	operation string
	method    string
	uri       string // escaped path and query
	header    http.Header
	body      []byte
}

// answer is an answer of the emulator.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// newProxy starts a proxy on a free loopback port. target is the emulator's URL.
func newProxy(ctx context.Context, cs contracts, target string) (*proxy, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{
		url: "http://" + listener.Addr().String(), target: target, contracts: cs, coverage: newCoverage(cs), samples: map[string]answer{},
		transport: &http.Transport{MaxIdleConnsPerHost: 8}, served: make(chan struct{}),
	}
	p.server = &http.Server{Handler: p, ReadHeaderTimeout: time.Minute}
	go func() {
		defer close(p.served)
		_ = p.server.Serve(listener) // it always ends with an error, ErrServerClosed as a rule
	}()
	return p, nil
}

// close ends the proxy and its connections.
func (p *proxy) close() {
	_ = p.server.Close()
	<-p.served
	p.transport.CloseIdleConnections()
}

// ServeHTTP passes one request on, and its answer back.
func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // the client left
	}
	if p.spoilRequest != nil {
		body = p.spoilRequest(r, body)
	}
	in, err := p.contracts.request(r, body)
	id := ""
	if in != nil {
		id = in.Route.Operation.OperationID
	}
	p.mu.Lock()
	p.total++
	if err != nil {
		p.findings = append(p.findings, newFinding(id, "request", err))
	}
	p.mu.Unlock()
	got, failed := p.forward(r.Context(), r, body)
	if failed != nil {
		http.Error(w, fmt.Sprintf("contract proxy: %v", failed), http.StatusBadGateway)
		return
	}
	if err == nil && got.status < 300 {
		p.cover(in, message{id, r.Method, r.URL.RequestURI(), r.Header.Clone(), body})
		p.sample(id, *got)
	}
	if p.spoilAnswer != nil {
		p.spoilAnswer(got)
	}
	if in != nil {
		if err := p.contracts.answer(r.Context(), in, got.status, got.header, got.body); err != nil {
			p.mu.Lock()
			p.findings = append(p.findings, newFinding(id, "response", err))
			p.mu.Unlock()
		}
	}
	for name, values := range got.header {
		w.Header()[name] = values
	}
	w.Header().Del("Content-Length") // a spoiled answer has another length
	w.WriteHeader(got.status)
	_, _ = w.Write(got.body) // the client may have left
}

// cover counts the items of a valid and accepted request, and keeps the request if it has a new
// one.
func (p *proxy) cover(in *openapi3filter.RequestValidationInput, m message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.coverage.sent(in, m.body) {
		p.kept = append(p.kept, m)
	}
}

// sample keeps the longest success of an operation: it has the most members.
func (p *proxy) sample(id string, a answer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if kept, known := p.samples[id]; !known || len(a.body) > len(kept.body) {
		p.samples[id] = a
	}
}

// forward asks the emulator.
func (p *proxy) forward(ctx context.Context, r *http.Request, body []byte) (*answer, error) {
	out, err := http.NewRequestWithContext(ctx, r.Method, p.target+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	out.Header = r.Header.Clone()
	resp, err := p.transport.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	return &answer{resp.StatusCode, resp.Header, got}, err
}

// found returns the findings so far.
func (p *proxy) found() []finding {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.findings)
}
