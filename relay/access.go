package relay

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// What a connection may not do. The server says so at once, but on the connection and not in an
// answer: who waits for an answer alone learns after its timeout that nothing is known.

// denialPoll is how often a request looks at what the server has said on the connection.
const denialPoll = 50 * time.Millisecond

// watchDenials returns a context that ends when the server denies publishing under prefix, or
// subscribing to answers, after this call. Call stop when the request is over: it returns the
// denial, or nil.
//
// A denied subscription counts if it is older, too: a connection subscribes to its answers once.
//
// A connection keeps its last error alone. If something else goes wrong between the denial and the
// next look, the denial is missed, and the request ends at its own deadline.
func watchDenials(parent context.Context, nc *nats.Conn, prefix string) (ctx context.Context, stop func() error) {
	ctx, cancel := context.WithCancel(parent)
	before := nc.LastError()
	var mu sync.Mutex // guards the following
	var found error
	var timer *time.Timer
	look := func() {
		err := nc.LastError()
		if found == nil && (!errors.Is(err, before) || before != nil && strings.Contains(err.Error(), "for Subscription")) {
			found = denial(err, prefix)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	timer = time.AfterFunc(denialPoll, func() {
		mu.Lock()
		defer mu.Unlock()
		if look(); found != nil {
			cancel()
			return
		}
		if ctx.Err() == nil {
			timer.Reset(denialPoll)
		}
	})
	return ctx, func() error {
		cancel() // before the mutex, so that the timer does not go on
		mu.Lock()
		defer mu.Unlock()
		timer.Stop()
		look()
		return found
	}
}

// denial returns an error that says which right is missing, or nil if the server's error is about
// something else.
func denial(err error, prefix string) error {
	if !errors.Is(err, nats.ErrPermissionViolation) {
		return nil
	}
	_, rest, _ := strings.Cut(err.Error(), "Permissions Violation for ")
	kind, rest, _ := strings.Cut(rest, " to \"")
	subject, _, _ := strings.Cut(rest, "\"")
	switch {
	case kind == "Publish" && strings.HasPrefix(subject, prefix):
		return fmt.Errorf("the connection may not publish to %s*: relay.Permissions lists what it needs", prefix)
	case kind == "Subscription" && strings.Contains(subject, "INBOX"):
		return fmt.Errorf("the connection may not subscribe to its answers at %s: "+
			"connect with nats.CustomInboxPrefix(Permission.Inbox) of relay.Permissions", subject)
	}
	return nil
}

// expectedStreamHeader names the one stream that may store a message.
const expectedStreamHeader = "Nats-Expected-Stream"

// probeFor is how long a probe waits for a stream that has no leader.
const probeFor = 2 * time.Second

// probe learns whether the connection may publish to the stream, with a message that the stream
// refuses, because the message expects a stream that cannot be. The refusal names the stream.
//
// A wrong Nats-Expected-Last-Msg-Id would do the same with one replica. With several, server 2.15.2
// notices it only when the message is replicated, and the stream then stops answering anybody.
func (s *streamSender) probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	m := nats.NewMsg(s.prefix + s.game + ".probe")
	m.Header[expectedStreamHeader] = []string{"-"}
	for until := time.Now().Add(probeFor); ; {
		_, err := s.request(ctx, m)
		refused, ok := errors.AsType[*refusal](err)
		switch {
		case ok && refused.code == codeWrongStream && refused.stream == s.stream:
			return nil
		case ok && refused.code == codeWrongStream:
			return fmt.Errorf("relay: %s belongs to stream %s and not to %s: is StreamConfig.Prefix what CreateStream was given?",
				m.Subject, refused.stream, s.stream)
		case err == nil:
			return fmt.Errorf("relay: stream %s stored a message that it must refuse", s.stream)
		case ok && refused.noResponders && time.Now().Before(until):
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
			continue
		case ok && refused.noResponders:
			return fmt.Errorf("relay: no stream takes %s: CreateStream makes it; if it is there, it has no leader at the moment: %w",
				m.Subject, err)
		}
		return fmt.Errorf("relay: publishing to stream %s does not work: %w", s.stream, err)
	}
}
