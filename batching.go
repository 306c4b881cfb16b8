package playline

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"syscall"

	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/internal/retry"
	"github.com/playline/playline-go/internal/transport"
	"github.com/playline/playline-go/internal/wire"
)

// NewBatcher returns a batcher that delivers the gameplay events of many players through this client. The client's retry policy
// does not apply to it: it sends each request once and decides itself what to repeat. WithLimiter for PlaySmart does.
func (c *Client) NewBatcher(cfg batcher.Config) (*batcher.Batcher, error) {
	sender, err := c.BatchSender()
	if err != nil {
		return nil, err
	}
	cfg.EventTypes = slices.Clone(cfg.EventTypes)
	for _, t := range c.eventTypes {
		cfg.EventTypes = append(cfg.EventTypes, batcher.EventType(t))
	}
	return batcher.New(sender, cfg)
}

// BatchSender returns what NewBatcher delivers through, for a program that makes its batchers itself, as package relay does.
func (c *Client) BatchSender() (batcher.Sender, error) {
	sender, err := c.newIngestSender()
	if err != nil {
		return nil, err
	}
	return sender, nil
}

func (c *Client) newIngestSender() (*ingestSender, error) {
	e := c.endpoints[PlaySmart]
	if e == nil {
		return nil, notConfigured(opIngestEvents, "")
	}
	path, err := wire.Path(opIngestEvents.path, e.path)
	if err != nil {
		return nil, err
	}
	// The limiter is shared with the typed calls. Their hold after a 429 is not: it would stop the players of all batchers.
	service := e.Service
	service.Gate = service.Gate.Beside()
	return &ingestSender{client: c, endpoint: e, request: transport.Request{
		Service:   &service,
		Operation: opIngestEvents.name,
		Method:    opIngestEvents.method,
		Route:     opIngestEvents.path,
		URL:       wire.Join(e.Base, path, ""),
		Class:     opIngestEvents.class,
		Quiet:     true,
		Lacks:     func(status int, body []byte) string { return e.lacks(opIngestEvents, status, body) },
		// One attempt, as long as the batcher's own timeout. No Retry-After is obeyed here: it would hold all players.
		Policy: retry.Policy{MaxAttempts: 1, AttemptTimeout: 1 << 62},
	}}, nil
}

// ingestSender sends the batcher's requests.
type ingestSender struct {
	client   *Client
	endpoint *endpoint
	request  transport.Request // without what differs from batch to batch
	buffers  sync.Pool         // of *[]byte: bodies that nobody reads any more
}

// admittedKey is the context key of a request that has waited at the limiter.
type admittedKey struct{}

// Admit implements batcher.Admitter: it waits for the limiter. Where a wrapper does not pass it on, Send does so.
func (s *ingestSender) Admit(ctx context.Context) (context.Context, error) {
	if err := s.endpoint.Gate.Turn(ctx); err != nil {
		return nil, err
	}
	return context.WithValue(ctx, admittedKey{}, true), nil
}

// Send implements batcher.Sender.
func (s *ingestSender) Send(ctx context.Context, b batcher.Batch) (batcher.Receipt, error) {
	if rule := credentialRule(string(b.Token.Value)); rule != "" {
		return batcher.Receipt{}, &batcher.SendError{
			Failure: batcher.Unauthorized, Why: "the token " + rule, Err: &ValidationError{"token", rule},
		}
	}
	req := s.request
	req.Admitted = ctx.Value(admittedKey{}) != nil
	req.Auth = transport.Bearer(string(b.Token.Value))
	req.Header = http.Header{
		"User-Agent": {s.client.userAgent}, "Accept": {"application/json"}, "Content-Type": {"application/json"},
	}
	buffer, _ := s.buffers.Get().(*[]byte)
	if buffer == nil {
		buffer = new([]byte)
	}
	*buffer = b.AppendBody((*buffer)[:0])
	req.Body = *buffer
	in := input{secrets: []string{string(b.Token.Value)}}
	req.Scrub = func(id string) string { return scrubID(id, in.secrets) }
	ctx, w := s.client.watch(ctx, opIngestEvents, in, &req)
	answer, failure := s.client.transport.Do(ctx, &req)
	if answer.BodyFree {
		s.buffers.Put(buffer)
	}
	err := s.result(in, answer, failure)
	w.end(ctx, answer, err)
	return receipt(b.Events, answer, err), err
}

// receipt says how many of a batch's events the answer accounts for. Free text has no figure, and confirms all of them.
func receipt(events int, answer *transport.Response, err error) batcher.Receipt {
	var in struct {
		Message string `json:"message"`
	}
	if err != nil || json.Unmarshal(answer.Body, &in) != nil {
		return batcher.Receipt{}
	}
	return batcher.Receipt{Unconfirmed: unconfirmed(events, in.Message)}
}

// result says what became of a batch.
func (s *ingestSender) result(in input, answer *transport.Response, failure *transport.Failure) error {
	if failure == nil {
		return nil
	}
	err := s.client.failed(opIngestEvents, in, answer, failure)
	return &batcher.SendError{
		Failure:    batchFailure(answer.Status, failure),
		Stranger:   failure.Stranger != "",
		Why:        whyFailed(opIngestEvents.name, answer.Status, failure),
		RetryAfter: failure.RetryAfter,
		Err:        err,
	}
}

// whyFailed says why a request failed, for a log: fixed words, so that nothing private is in them.
func whyFailed(operation string, status int, f *transport.Failure) string {
	if status > 0 {
		why := fmt.Sprintf("%s: status %d", operation, status)
		switch {
		case status == http.StatusProxyAuthRequired:
			return why + ": a proxy asks for credentials"
		case f.Stranger != "" && status == http.StatusNotFound:
			return why + ": " + f.Stranger + ": check the base URL"
		case f.Stranger != "":
			return why + ": " + f.Stranger
		case f.Cause != nil:
			return why + ": the answer broke off"
		}
		return why
	}
	return operation + ": " + whyNoAnswer(f.Cause)
}

func whyNoAnswer(err error) string {
	var (
		unknownAuthority x509.UnknownAuthorityError
		invalid          x509.CertificateInvalidError
		hostname         x509.HostnameError
		name             *net.DNSError
		timeout          interface{ Timeout() bool }
	)
	switch {
	case errors.As(err, &unknownAuthority):
		return "the certificate is from an authority that is not trusted: check the base URL and what stands between"
	case errors.As(err, &invalid):
		return "the certificate is not valid: check the clocks and what stands between"
	case errors.As(err, &hostname):
		return "the certificate is another host's: check the base URL"
	case errors.As(err, &name):
		return "the host's name cannot be looked up: check the base URL and the DNS"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the connection was refused"
	case errors.Is(err, syscall.ECONNRESET):
		return "the connection was reset"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "no whole answer came in time"
	case errors.Is(err, context.Canceled):
		return "it was cancelled"
	}
	return "no answer came"
}

// batchFailure says what an answer means for a batch.
func batchFailure(status int, f *transport.Failure) batcher.Failure {
	if f.Stranger != "" {
		return strangersFailure(status)
	}
	if r := f.Refusal; r != nil && status < 300 { // a success that says no
		if r.Bare {
			return batcher.Throttled // and blames nothing in the batch
		}
		status = r.Status
	}
	switch status {
	case http.StatusUnauthorized:
		return batcher.Unauthorized
	case http.StatusForbidden:
		return batcher.Forbidden
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return batcher.Invalid
	case http.StatusRequestEntityTooLarge:
		return batcher.TooLarge
	case http.StatusTooManyRequests:
		return batcher.Throttled
	case http.StatusServiceUnavailable:
		return batcher.Unavailable
	}
	switch {
	case f.Doubt:
		return batcher.InDoubt
	case status == 0:
		return batcher.NotSent
	}
	return batcher.Unavailable
}

// strangersFailure says what an answer means for a batch that is not the service's own. It says nothing about the events.
func strangersFailure(status int) batcher.Failure {
	switch {
	case status >= 200 && status < 300:
		return batcher.InDoubt
	case status == http.StatusUnauthorized:
		return batcher.Unauthorized // the gateway in front of the service may check tokens: a fresh one may be better
	case status == http.StatusRequestEntityTooLarge:
		return batcher.TooLarge // cutting loses nothing
	}
	return batcher.Unavailable
}
