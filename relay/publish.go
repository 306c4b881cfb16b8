package relay

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/playline/playline-go/batcher"
)

// The headers of a message. Its id is in nats.MsgIdHdr.
const (
	formatHeader = "Playline-Format"
	format       = "1"

	batchIDHeader     = "Nats-Batch-Id"
	batchSeqHeader    = "Nats-Batch-Sequence"
	batchCommitHeader = "Nats-Batch-Commit"
)

// maxOpenBatches is how many batches a publisher has open at once. A server allows 50 a stream,
// over all publishers; who finds none free publishes one event after the other.
const maxOpenBatches = 8

// ErrStreamFull is what a publisher's Stats tell as LastError when the stream has no room: nothing
// more is accepted once memory is full.
var ErrStreamFull = errors.New("relay: the stream is full")

// streamSender is the batcher.Sender of a publisher: one message an event, in order, all
// acknowledged before it returns.
//
// Several events of a player go as one atomic batch: all are stored or none, so that a failure in
// the middle cannot put a later event before an earlier one. Where that does not work they go one
// after the other, each when the one before is acknowledged. So they do with one replica: there the
// server keeps each open batch in files of its own, and syncs them while all else of the stream
// waits.
type streamSender struct {
	store   string // the name of the publisher's Store, "": it has none
	nc      *nats.Conn
	stream  string
	prefix  string // of subjects, with the dot
	game    string
	ids     *eventIDs
	batches bool
	open    chan struct{} // a place for each batch that may be open
}

func newStreamSender(nc *nats.Conn, cfg StreamConfig, game string) *streamSender {
	return &streamSender{
		nc: nc, stream: cfg.Name, prefix: cfg.Prefix + ".", game: game, ids: newEventIDs(), batches: cfg.Replicas > 1, open: make(chan struct{}, maxOpenBatches),
	}
}

// CheckPlayer implements batcher.PlayerChecker: a player whose id has no subject has no events.
func (s *streamSender) CheckPlayer(userID string) error {
	if n := tokenLen(userID); n > maxToken {
		return fmt.Errorf("has %d bytes in a subject of NATS, where all but ASCII letters, digits, - and _ take three; at most %d are possible",
			n, maxToken)
	}
	return nil
}

// Send implements batcher.Sender.
func (s *streamSender) Send(ctx context.Context, b batcher.Batch) (batcher.Receipt, error) {
	if !s.nc.IsConnected() {
		// The connection would keep what is published now and send it when it is back, after what
		// is sent again by then.
		return batcher.Receipt{}, &batcher.SendError{Failure: batcher.NotSent, Err: fmt.Errorf("relay: the connection to NATS is %s", s.nc.Status())}
	}
	player, err := token(b.UserID)
	if err != nil {
		return batcher.Receipt{}, s.reject(b, err)
	}
	events := make([][]byte, 0, b.Events)
	for event := range b.All() {
		events = append(events, event)
	}
	ids, names := s.ids.begin(b.UserID, events), s.storedIDs(b, events)
	messages := make([]*nats.Msg, 0, len(events))
	for i, event := range events {
		if ids[i].stored {
			continue
		}
		m := nats.NewMsg(s.prefix + s.game + "." + player)
		m.Data = event
		m.Header[nats.MsgIdHdr] = []string{cmp.Or(names[i], s.ids.text(ids[i].id))}
		m.Header[formatHeader] = []string{format}
		messages = append(messages, m)
	}
	if left, err := s.publish(ctx, messages); err != nil {
		s.ids.stored(b.UserID, len(events)-left)
		partly := left < len(messages)
		if refused, ok := errors.AsType[*refusal](err); ok && refused.code == codeMessageTooLarge && !partly {
			return batcher.Receipt{}, s.reject(b, err)
		}
		return batcher.Receipt{}, sendError(err, partly)
	}
	s.ids.done(b.UserID, len(events))
	return batcher.Receipt{}, nil
}

// storedIDs returns the message ids of the events that the publisher's Store has, "" for the
// others.
func (s *streamSender) storedIDs(b batcher.Batch, events [][]byte) []string {
	ids := make([]string, 0, len(events))
	for id, stored := range b.StoreIDs() {
		text := ""
		if stored && s.store != "" {
			text = storedID(s.store, id, b.UserID, events[len(ids)])
		}
		ids = append(ids, text)
	}
	return ids
}

// reject tells the batcher that these very events can never be stored. It cuts a batch until one is
// left.
func (s *streamSender) reject(b batcher.Batch, err error) error {
	if b.Events == 1 {
		s.ids.done(b.UserID, 1)
	}
	return &batcher.SendError{Failure: batcher.Invalid, Err: err}
}

// publish returns how many messages, the last ones, the stream has not acknowledged.
func (s *streamSender) publish(ctx context.Context, messages []*nats.Msg) (left int, err error) {
	if len(messages) > 1 && s.batches {
		select {
		case s.open <- struct{}{}:
			err := s.publishBatch(ctx, messages)
			<-s.open
			var refused *refusal
			if !errors.As(err, &refused) || !refused.aboutBatch() {
				return len(messages), err
			}
		default:
		}
	}
	for i, m := range messages {
		if _, err := s.request(ctx, m); err != nil {
			return len(messages) - i, err
		}
	}
	return 0, nil
}

// publishBatch stores all or nothing. The messages' headers are as before when it returns.
func (s *streamSender) publishBatch(ctx context.Context, messages []*nats.Msg) error {
	id := rand.Text()
	defer func() {
		for _, m := range messages {
			delete(m.Header, batchIDHeader)
			delete(m.Header, batchSeqHeader)
			delete(m.Header, batchCommitHeader)
		}
	}()
	for i, m := range messages {
		m.Header[batchIDHeader] = []string{id}
		m.Header[batchSeqHeader] = []string{strconv.Itoa(i + 1)}
		if i < len(messages)-1 {
			if err := s.nc.PublishMsg(m); errors.Is(err, nats.ErrMaxPayload) {
				return &refusal{code: codeMessageTooLarge, words: err.Error()}
			} else if err != nil {
				return &refusal{notSent: true, words: err.Error()} // without its end a batch is dropped
			}
		}
	}
	last := messages[len(messages)-1]
	last.Header[batchCommitHeader] = []string{"1"}
	stored, err := s.request(ctx, last)
	if err == nil && stored != len(messages) {
		return fmt.Errorf("relay: the stream stored %d of %d events", stored, len(messages))
	}
	return err
}

// request publishes one message and waits for the stream's answer, which says how many messages of
// a batch are stored.
func (s *streamSender) request(ctx context.Context, m *nats.Msg) (stored int, err error) {
	ctx, watch := watchDenials(ctx, s.nc, s.prefix+s.game+".")
	answer, err := s.nc.RequestMsgWithContext(ctx, m)
	denied := watch()
	switch {
	case err != nil && denied != nil:
		return 0, &refusal{notSent: true, words: denied.Error()}
	case errors.Is(err, nats.ErrNoResponders):
		return 0, &refusal{notSent: true, noResponders: true, words: "no stream listens: it has no leader at the moment, or does not exist"}
	case errors.Is(err, nats.ErrMaxPayload):
		return 0, &refusal{code: codeMessageTooLarge, words: err.Error()}
	case errors.Is(err, nats.ErrReconnectBufExceeded): // a connection that closes may have written the message
		return 0, &refusal{notSent: true, words: err.Error()}
	case err != nil:
		return 0, fmt.Errorf("relay: no answer of the stream: %w", err)
	}
	var in struct {
		Stream string `json:"stream"`
		Count  int    `json:"count"`
		Error  *struct {
			Code        int    `json:"err_code"`
			Description string `json:"description"`
		} `json:"error"`
	}
	if err := json.Unmarshal(bytes.TrimSpace(answer.Data), &in); err != nil || (in.Error == nil && in.Stream == "") {
		return 0, errors.New("relay: unexpected answer from the stream")
	}
	if in.Error != nil {
		return 0, &refusal{code: in.Error.Code, words: in.Error.Description, stream: in.Stream}
	}
	return in.Count, nil
}

// The server's codes that matter.
const (
	codeMessageTooLarge = 10054
	codeWrongStream     = 10060
	codeBatchDisabled   = 10174
	codeBatchIncomplete = 10176
	codeBatchTooLarge   = 10199
	codeBatchDuplicate  = 10201
	codeBatchTooMany    = 10210
)

// refusal is an answer that says no, or what shows that there can be none: nothing was stored.
type refusal struct {
	code         int
	notSent      bool
	noResponders bool
	stream       string // that refused, if it says so
	words        string
}

// Error says why.
func (r *refusal) Error() string {
	if r.code == 0 {
		return "relay: not published: " + r.words
	}
	return fmt.Sprintf("relay: the stream refused: %s (code %d)", r.words, r.code)
}

// Is matches ErrStreamFull. The server has the same code for this and for other failures of its
// store.
func (r *refusal) Is(target error) bool {
	return target == ErrStreamFull && (strings.Contains(r.words, "maximum bytes") || strings.Contains(r.words, "maximum messages") ||
		strings.Contains(r.words, "resource"))
}

// aboutBatch reports whether the events may go one by one: another batch holds the place, some of
// the events are stored already, or the stream has room for some of them. A batch that is larger
// than the stream would never find room.
func (r *refusal) aboutBatch() bool {
	if r.Is(ErrStreamFull) {
		return true
	}
	switch r.code {
	case codeBatchDisabled, codeBatchIncomplete, codeBatchTooLarge, codeBatchDuplicate, codeBatchTooMany:
		return true
	}
	return false
}

// sendError says what a failed publish means for the batcher. A full stream is like a service that
// is down: it pauses for all. Where a part of the request was stored it is in doubt, so that Erase
// and Close tell that some of its events may be delivered.
func sendError(err error, partly bool) error {
	failure := batcher.InDoubt
	if r, ok := errors.AsType[*refusal](err); ok && !partly {
		failure = batcher.Unavailable
		if r.notSent {
			failure = batcher.NotSent
		}
	}
	return &batcher.SendError{Failure: failure, Err: err}
}
