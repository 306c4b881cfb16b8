package relay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/playline/playline-go/batcher"
)

// mark identifies a message of the stream. The time tells it from another one with the same
// sequence, in a stream that was created again or that lost its end.
type mark struct {
	Seq    uint64 `json:"seq"`
	Stored int64  `json:"stored"` // Unix time in nanoseconds
}

// sending is which events that must not be sent twice may have been sent. It is written to the
// stream of the leases before such an event is sent, so that after the death of a relay exactly the
// events of its requests under way are in doubt, and not all that it had taken.
//
// It is also what keeps an old relay from sending such an event when another has the partition:
// each write expects the revision that the writer knows, and a relay that takes over writes first.
// Where somebody purges the leases, the old relay's revision is gone, so it sends no more of these
// events; and the new one, which finds no record, believes the consumer's position, which it reads
// after its first write.
type sending struct {
	registry *registry
	part     int
	types    []batcher.EventType // of the events that it is about

	writing sync.Mutex // one write at a time; taken before mu
	mu      sync.Mutex // guards the following
	record  sendingRecord
	open    map[mark]struct{} // may have been sent, by this relay or one before, and have no result
	written map[mark]struct{} // of these, what the stream has
	stale   bool              // the record says more than is true
}

// sendingRecord is the message.
type sendingRecord struct {
	By    string              `json:"by"`
	Types []batcher.EventType `json:"types,omitempty"`
	// Blind: its writer found no record of the relay before, and has not yet read how far that one
	// came.
	Blind bool `json:"blind,omitempty"`
	// Below: up to this sequence an earlier relay may have sent events without saying which.
	Below uint64 `json:"below,omitempty"`
	Open  []mark `json:"open,omitempty"`

	revision uint64 // of the message, 0: there is none
}

func newSending(r *registry, part int, types []batcher.EventType) *sending {
	return &sending{registry: r, part: part, types: types, open: map[mark]struct{}{}, written: map[mark]struct{}{}}
}

func (s *sending) subject() string {
	return s.registry.subject + "note.sending." + strconv.Itoa(s.part)
}

// takeOver reads what the relays before have noted, and writes it again under this relay's name. It
// reports whether nobody can say which events they sent.
func (s *sending) takeOver(ctx context.Context) (blind bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*s.registry.beat())
	defer cancel()
	last, err := s.read(ctx)
	if err != nil {
		return false, err
	}
	covered := func(t batcher.EventType) bool { return slices.Contains(last.Types, t) }
	s.mu.Lock()
	for _, m := range last.Open {
		s.open[m] = struct{}{}
	}
	blind = last.revision == 0 || last.Blind || !all(s.types, covered)
	s.record = sendingRecord{Blind: blind, Below: last.Below, revision: last.revision}
	s.mu.Unlock()
	return blind, s.write(ctx)
}

func all[T any](list []T, ok func(T) bool) bool {
	return !slices.ContainsFunc(list, func(t T) bool { return !ok(t) })
}

// reached says up to where relays before have come, if they did not say what they sent.
func (s *sending) reached(ctx context.Context, seq uint64) error {
	s.mu.Lock()
	s.record.Blind, s.record.Below = false, max(s.record.Below, seq)
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, s.registry.beat())
	defer cancel()
	return s.write(ctx)
}

// mayHaveSent reports whether a relay before may have sent an event.
func (s *sending) mayHaveSent(e *entry) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, noted := s.open[e.mark()]
	return noted || e.seq <= s.record.Below
}

// note returns when the stream knows that these events may have been sent.
func (s *sending) note(ctx context.Context, marks []mark) error {
	if s.known(marks, true) {
		return nil
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.known(marks, false) { // another request's write had them
		return nil
	}
	if err := s.writeLocked(ctx); err != nil {
		s.forget(marks)
		return err
	}
	return nil
}

// known reports whether the stream has the marks. With begin they are put down for the next write.
func (s *sending) known(marks []mark, begin bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := true
	for _, m := range marks {
		_, there := s.written[m]
		known = known && there
		if begin {
			s.open[m] = struct{}{}
		}
	}
	return known
}

// forget takes back that events may have been sent: they have their result, or were surely not
// stored.
func (s *sending) forget(marks []mark) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range marks {
		delete(s.open, m)
	}
}

// renumber forgets the marks of a sequence and those behind it, which the stream gives again.
func (s *sending) renumber(seq uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.record.Below >= seq {
		s.record.Below, s.stale = seq-1, true
	}
}

// tidy writes the record again if it names events that are not in doubt any more.
func (s *sending) tidy(ctx context.Context) error {
	s.mu.Lock()
	stale := s.stale
	for m := range s.written {
		_, open := s.open[m]
		stale = stale || !open
	}
	s.mu.Unlock()
	if !stale {
		return nil
	}
	return s.write(ctx)
}

func (s *sending) write(ctx context.Context) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	return s.writeLocked(ctx)
}

// writeLocked writes the record in the place of the one that this relay knows. The caller holds
// writing.
func (s *sending) writeLocked(ctx context.Context) error {
	s.mu.Lock()
	record := s.record
	record.By, record.Types, record.Open = s.registry.holder, s.types, slices.Collect(maps.Keys(s.open))
	s.mu.Unlock()
	slices.SortFunc(record.Open, func(a, b mark) int { return int(int64(a.Seq) - int64(b.Seq)) })
	body, err := json.Marshal(record)
	if err != nil {
		return err
	}
	m := &nats.Msg{Subject: s.subject(), Data: body, Header: nats.Header{jetstream.MsgTTLHeader: {"never"}}}
	for {
		ack, err := s.registry.js.PublishMsg(ctx, m, jetstream.WithExpectLastSequencePerSubject(record.revision), jetstream.WithRetryAttempts(0))
		if err == nil {
			s.mu.Lock()
			s.record.revision = ack.Sequence
			s.stale = s.stale && s.record.Below != record.Below
			clear(s.written)
			for _, m := range record.Open {
				s.written[m] = struct{}{}
			}
			s.mu.Unlock()
			return nil
		}
		err = fmt.Errorf("relay: noting what partition %d is about to send: %w", s.part, err)
		if !wrongRevision(err) {
			return err
		}
		// An earlier write whose answer did not come may have been stored: then the last record is
		// this relay's.
		last, readErr := s.read(ctx)
		if readErr != nil || last.By != s.registry.holder || last.revision == record.revision {
			return errors.Join(err, readErr)
		}
		record.revision = last.revision
	}
}

// read returns the last record, an empty one if there is none.
func (s *sending) read(ctx context.Context) (sendingRecord, error) {
	m, err := s.registry.stream.GetLastMsgForSubject(ctx, s.subject())
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return sendingRecord{}, nil
	}
	if err != nil {
		return sendingRecord{}, fmt.Errorf("relay: what partition %d was about to send: %w", s.part, err)
	}
	var r sendingRecord
	if err := json.Unmarshal(m.Data, &r); err != nil {
		return sendingRecord{}, fmt.Errorf("relay: the record of what partition %d was about to send cannot be read; "+
			"remove the message %s, and all that its relay took is in doubt: %w", s.part, m.Subject, err)
	}
	r.revision = m.Sequence
	return r, nil
}
