package batcher

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"time"
)

// Sender sends one batch once, without retries of its own: the batcher decides what to repeat. A nil error means that the service itself
// said that it accepted the batch, and the Receipt how much of it the answer confirms. A failure is a *SendError; any other error is taken
// as InDoubt.
type Sender interface {
	Send(ctx context.Context, b Batch) (Receipt, error)
}

// Admitter is a Sender that bounds how many requests it makes, with a rate limit for example. Admit returns when the next request may be made; the
// batcher calls it before it chooses what to send, and Send follows with a context that is derived from the one that Admit returned. So
// the time until then is no part of Config.SendTimeout, and a refusal of a limiter is no outage. A Sender that wraps another one should pass Admit
// on.
type Admitter interface {
	Admit(ctx context.Context) (context.Context, error)
}

// Receipt is what the answer to a batch that was accepted says about its events. The zero value confirms all of them.
type Receipt struct {
	// Unconfirmed is how many events the answer does not account for: 2 of a batch of 3, if it says that 1 was accepted. Nobody knows which
	// these are, so they are not sent again. They count as delivered, and as Ledger.Unconfirmed.
	Unconfirmed int
}

// Batch is one request: events of one player. A repeated one has the same bytes.
type Batch struct {
	UserID string
	GameID string
	Token  Token
	Events int
	block  *block
}

// NewBatch returns a batch as the batcher hands it to a Sender, for the tests of one. The events are JSON objects.
func NewBatch(userID, gameID string, token Token, events ...json.RawMessage) Batch {
	blk := &block{}
	for _, e := range events {
		blk.add(e, 0, false)
	}
	return Batch{userID, gameID, token, len(events), blk}
}

// AppendBody appends the JSON body of the request to dst. It must not be called once Send has returned.
func (b Batch) AppendBody(dst []byte) []byte {
	dst = slices.Grow(dst, len(b.UserID)+len(b.GameID)+b.block.size()+64)
	return b.block.appendTo(appendPrefix(dst, b.UserID, b.GameID))
}

// StoreIDs walks the ids that the events have in Config.Store, in the order of All. The second value is false
// for an event that the Store does not have.
func (b Batch) StoreIDs() iter.Seq2[uint64, bool] {
	return func(yield func(uint64, bool) bool) {
		for i := range b.block.items() {
			if !yield(i.id, i.stored) {
				return
			}
		}
	}
}

// All walks the events in order, each a JSON object. They must not be used once Send has returned.
func (b Batch) All() iter.Seq[json.RawMessage] {
	return func(yield func(json.RawMessage) bool) {
		for i := range b.block.items() {
			if !yield(i.json) {
				return
			}
		}
	}
}

// appendPrefix appends how the body of a player's requests begins.
func appendPrefix(dst []byte, user, game string) []byte {
	dst, _ = appendText(append(dst, `{"user_id":`...), user)
	dst, _ = appendText(append(dst, `,"game_id":`...), game)
	return append(dst, `,"events":[`...)
}

// Failure is how a request failed, as far as it matters for what is done next.
type Failure uint8

// The failures.
const (
	// InDoubt: the service may have accepted the batch: a timeout, a lost connection, 500, 502, 504.
	InDoubt Failure = iota
	// NotSent: the service cannot have taken it: no connection, request not fully written.
	NotSent
	// Throttled: 429.
	Throttled
	// Unavailable: 503 with or without Retry-After, and every other answer that says nothing about the events.
	Unavailable
	// Unauthorized: 401, the token is missing, wrong or expired.
	Unauthorized
	// Forbidden: 403, the token is another player's.
	Forbidden
	// Invalid: 400, the service found fault with an event.
	Invalid
	// TooLarge: 413.
	TooLarge
)

// String is the failure in words, such as "in doubt" or "too large".
func (f Failure) String() string {
	names := [...]string{"in doubt", "not sent", "throttled", "unavailable", "unauthorized", "forbidden", "invalid", "too large"}
	if int(f) < len(names) {
		return names[f]
	}
	return "unknown failure"
}

// SendError is a failed request.
type SendError struct {
	Failure Failure
	// Stranger: the answer is not the service's own word, but a proxy's, a captive portal's or a maintenance page's. It blames neither events
	// nor tokens: Invalid and Forbidden mean Unavailable then, and the batch may have been accepted. Unauthorized pauses the player and does not park it, and TooLarge rejects a
	// single event only if others pass meanwhile.
	Stranger bool
	// Why says what failed in words fit for a log: the operation, the status, and what the answer lacks. It must hold nothing private.
	Why        string
	RetryAfter time.Duration // as the service asked, 0 if it did not
	Err        error
}

// Error says how it failed. A nil *SendError has words too, because a Sender that returns one in an
// error has returned an error.
func (e *SendError) Error() string {
	if e == nil {
		return "batcher: in doubt: the Sender returned a nil *SendError as its error"
	}
	return fmt.Sprintf("batcher: %s: %v", e.Failure, e.Err)
}

// Unwrap returns the cause.
func (e *SendError) Unwrap() error {
	if e == nil {
		return nil
	}
	return e.Err
}

// means is the failure as far as it is to be believed.
func (e *SendError) means() Failure {
	if e.Stranger && (e.Failure == Invalid || e.Failure == Forbidden) {
		return Unavailable
	}
	return e.Failure
}

// mayHaveArrived reports whether the service may have accepted the batch. A stranger's page says
// nothing about that, whatever its status: the proxy that sent it may have passed the request on. Only
// its 401 and its 413 are taken as said before that, because gateways check tokens and sizes first.
func (e *SendError) mayHaveArrived() bool {
	return e.Failure == InDoubt || e.Stranger && e.means() == Unavailable
}

// failureOf returns what is known of an error of a Sender.
func failureOf(err error) *SendError {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*SendError](err); ok && e != nil {
		return e
	}
	return &SendError{Failure: InDoubt, Err: err}
}

// Result is what became of an event. Every event for which Track returned nil has exactly one.
type Result uint8

// The results.
const (
	// Delivered: the service accepted it.
	Delivered Result = iota
	// Rejected: the service said no to this very event.
	Rejected
	// Expired: it grew older than Config.MaxAge, or Config.MaxParkedBytes had no room for it.
	Expired
	// Unknown: it may have arrived, and Config.AtMostOnce forbids to send it again.
	Unknown
	// Returned: Close handed it back.
	Returned
	// Spooled: Close left it to the Store, and the next process delivers it. It is in the Ledger alone.
	Spooled
	// Erased: Erase dropped it. Do not keep its events.
	Erased
	results
)

// String is the result in lower case, such as "delivered".
func (r Result) String() string {
	if r < results {
		return [results]string{"delivered", "rejected", "expired", "unknown", "returned", "spooled", "erased"}[r]
	}
	return "no result"
}

// Outcome is what became of events of one player.
type Outcome struct {
	Result   Result
	UserID   string
	Records  []Record
	Attempts int // requests that held them
	InDoubt  int // of these, the ones that may have arrived and of which no answer says so
	// Unconfirmed is how many of Records the answer does not account for, see Receipt. It is 0 but for Delivered.
	Unconfirmed int
	Err         error // why, nil where they were delivered
	// PossibleDuplicates: they were sent again after an attempt that may have arrived.
	PossibleDuplicates bool
}

// LogValue logs what became of how many events, without the events. The player's id is not in it either; log UserID beside it where that
// is wanted.
func (o Outcome) LogValue() slog.Value {
	attrs := []slog.Attr{
		slog.String("result", o.Result.String()),
		slog.Int("events", len(o.Records)),
		slog.Int("attempts", o.Attempts),
		slog.Bool("possible_duplicates", o.PossibleDuplicates),
	}
	if o.Unconfirmed > 0 {
		attrs = append(attrs, slog.String("confirmed", fmt.Sprintf("%d of %d", len(o.Records)-o.Unconfirmed, len(o.Records))))
	}
	return slog.GroupValue(attrs...)
}

// Why Track did not take an event, for errors.Is; also an *InvalidEventError.
var (
	// ErrFull: there is no room, for all players or for this one. Only TryTrack returns it.
	ErrFull = errors.New("batcher: full")
	// ErrClosed: Close was called.
	ErrClosed = errors.New("batcher: closed")
)
