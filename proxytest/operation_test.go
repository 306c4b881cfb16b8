package proxytest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/emulator"
)

// operation is a call of one retry class, and how to see in the emulator what it did.
type operation struct {
	name  string
	class class
	// prepare creates everything that a call needs, without the line, and returns it. id is a name
	// that no other call has.
	prepare func(l *line, id string) (*call, error)
}

// class is a retry class, see the package comment of playline.
type class string

// The classes.
const (
	safe   class = "safe"
	key    class = "key"
	unsent class = "unsent"
	never  class = "never"
)

// call is one call and its result.
type call struct {
	operation operation
	id        string
	send      func(ctx context.Context, client *playline.Client) error
	stored    func() int // how many times the emulator carried it out
	arrived   func() int // requests that reached the emulator, cut ones too; nil: not counted
	err       error      // what the client said
	times     int        // stored, once the line is hung up, see settle
}

var operations = []operation{
	{"Players.Register", safe, func(l *line, id string) (*call, error) {
		player := playline.Player{ExternalID: id}
		return &call{
			send: func(ctx context.Context, client *playline.Client) error {
				_, err := client.Players.Register(ctx, player)
				return err
			},
			stored: func() int { // or stored again, with the same effect
				if slices.ContainsFunc(l.server.Requests(), func(r emulator.Request) bool {
					return r.Operation == "registerPlayer" && r.Status == http.StatusOK && strings.Contains(string(r.Body), `"`+id+`"`)
				}) {
					return 1
				}
				return 0
			},
		}, nil
	}},
	{"Players.Delete", safe, func(l *line, id string) (*call, error) {
		registered, err := l.direct().Players.Register(l.t.Context(), playline.Player{ExternalID: id})
		if err != nil {
			return nil, err
		}
		return &call{
			send: func(ctx context.Context, client *playline.Client) error {
				_, err := client.Players.Delete(ctx, registered.PlayerID)
				assert.NotErrorIs(l.t, err, playline.ErrNotFound, "it was there, so it was this call that deleted it")
				return err
			},
			stored: func() int {
				_, err := l.direct().Players.Get(context.WithoutCancel(l.t.Context()), registered.PlayerID)
				if errors.Is(err, playline.ErrNotFound) {
					return 1
				}
				assert.NoError(l.t, err)
				return 0
			},
		}, nil
	}},
	{"Events.Fire", key, func(l *line, id string) (*call, error) {
		return &call{
			send: func(ctx context.Context, client *playline.Client) error {
				_, err := client.Events.Fire(ctx, "welcome", playline.Recipient{To: playline.Destinations{Push: id}})
				return err
			},
			stored: func() int { return len(messagesTo(l, id)) },
		}, nil
	}},
	{"Ingest.Send", unsent, ingest(1, 0)},
	{"Ingest.Send of 60 kB", unsent, ingest(30, 2000)}, // more than the client's socket holds, see line.dial
	{"Contacts.Fire", unsent, func(l *line, _ string) (*call, error) {
		contact := l.server.AddContact(emulator.Contact{FirstName: "ace"})
		return &call{
			send: func(ctx context.Context, client *playline.Client) error {
				_, err := client.Contacts.Fire(ctx, contact, "welcome")
				return err
			},
			stored: func() int { return len(l.server.Fired(contact)) },
		}, nil
	}},
	{"Verify.Validate", never, func(l *line, id string) (*call, error) {
		fired, err := l.direct().Events.Fire(l.t.Context(), "login_otp", playline.Recipient{To: playline.Destinations{Push: id}})
		if err != nil {
			return nil, err
		}
		sent := messagesTo(l, id)
		if len(sent) != 1 {
			return nil, fmt.Errorf("%d messages with a code to %s, not 1", len(sent), id)
		}
		check := playline.OTPCheck{RequestID: fired.RequestID, OTP: playline.Secret(sent[0].OTP)}
		count := func(counts func(emulator.Request) bool) (n int) {
			for _, request := range l.server.Requests() {
				if request.Operation == "validateOTP" && request.Query.Get("request_id") == fired.RequestID && counts(request) {
					n++
				}
			}
			return n
		}
		return &call{
			send: func(ctx context.Context, client *playline.Client) error {
				_, err := client.Verify.Validate(ctx, check)
				return err
			},
			stored:  func() int { return count(func(r emulator.Request) bool { return r.Status == http.StatusOK }) },
			arrived: func() int { return count(func(emulator.Request) bool { return true }) },
		}, nil
	}},
}

// ingest prepares a request with one player's events, each with some bytes of padding. The emulator
// stores all of them or none.
func ingest(events, padding int) func(l *line, id string) (*call, error) {
	return func(l *line, id string) (*call, error) {
		token := playline.Secret(l.server.Token(id, time.Hour))
		event := playline.GameplayEvent{
			Type: playline.LevelCompleted, Timestamp: time.Now(), CustomData: map[string]any{"level": 5, "pad": strings.Repeat("x", padding)},
		}
		batch := playline.IngestBatch{UserID: id, GameID: "com.example.stackblaster", Events: slices.Repeat([]playline.GameplayEvent{event}, events)}
		return &call{
			send: func(ctx context.Context, client *playline.Client) error {
				_, err := client.Ingest.Send(ctx, token, batch)
				return err
			},
			stored: func() int {
				stored := len(l.server.Events(id))
				assert.Zero(l.t, stored%events, "a part of a request was stored")
				return stored / events
			},
		}, nil
	}
}

func messagesTo(l *line, destination string) (to []emulator.Message) {
	for _, m := range l.server.Messages() {
		if m.Destination == destination {
			to = append(to, m)
		}
	}
	return to
}

// prepareOn returns a call that can be sent on the line.
func (o operation) prepareOn(t *testing.T, l *line, id string) *call {
	t.Helper()
	c, err := o.prepare(l, id)
	require.NoError(t, err)
	c.operation, c.id = o, id
	return c
}

// run sends the call and keeps the result.
func (c *call) run(t *testing.T, ctx context.Context, client *playline.Client) { //nolint:revive // t comes first
	t.Helper()
	begin := time.Now()
	c.err = c.send(ctx, client)
	assert.Less(t, time.Since(begin), hung, "%s outlived its context", c.operation.name)
}

// says returns the result that the client reported, in one word.
func (c *call) says() string {
	switch {
	case c.err == nil:
		return "done"
	case errors.Is(c.err, playline.ErrOutcomeUnknown):
		return "outcome unknown"
	}
	return "failed"
}

// settle looks into the emulator, once the line is hung up.
func settle(calls []*call) {
	for _, c := range calls {
		c.times = c.stored()
	}
}

// agrees compares the result of the client with the state of the emulator.
func (c *call) agrees(t *testing.T) {
	t.Helper()
	unknown := errors.Is(c.err, playline.ErrOutcomeUnknown)
	about := fmt.Sprintf("%s (%s) of %s: stored %d times, and the client says %v", c.operation.name, c.operation.class, c.id, c.times, c.err)
	repeats := c.operation.class == safe || c.operation.class == key
	assert.LessOrEqual(t, c.times, 1, "carried out twice: %s", about)
	switch {
	case c.err == nil:
		assert.Equal(t, 1, c.times, "a success that is none: %s", about)
	case repeats:
		assert.False(t, unknown, "what may be repeated is in no doubt: %s", about)
	case !unknown:
		assert.Zero(t, c.times, "not sent, says the client: %s", about)
	}
	if c.arrived != nil {
		assert.LessOrEqual(t, c.arrived(), 1, "sent twice: %s", about)
	}
}
