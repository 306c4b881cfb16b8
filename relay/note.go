package relay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// note is what one relay leaves to the next about a partition. It lies in the stream of the leases,
// and stays there when they expire.
//
// That settled messages are gone from the stream is not enough: a replicated stream confirms an
// acknowledgement first and removes the message after it, so that the next consumer may bring
// messages again that were delivered long ago.
type note struct {
	// Top is the highest sequence that was taken, and Latest the latest time at which a message
	// that was taken had been stored. Everything within both is settled, except Open. A stream that
	// was made anew, or that has lost its end, gives a sequence once more: such a message is stored
	// later than Latest, where the servers' clocks agree better than the relays' coming and going
	// takes.
	Top    uint64    `json:"top"`
	Latest time.Time `json:"latest"`
	Open   []uint64  `json:"open,omitempty"` // ascending
	// Doubtful: what is not settled up to this sequence may have been sent.
	Doubtful uint64 `json:"doubtful,omitempty"`
	// Live: more was taken since the note was written. How much is known by the partition's
	// consumer.
	Live bool `json:"live,omitempty"`
	// By is the relay that wrote the note.
	By string `json:"by"`

	revision uint64 // of the message, 0: there is none
}

// maxOpen is how many sequences a note names, so that it is smaller than a message may be. Where
// more are open, all that lies above the first one is in doubt.
const maxOpen = 30_000

// bounded returns the note with no more than maxOpen open sequences.
func (n note) bounded() note {
	if len(n.Open) > maxOpen {
		n.Doubtful = max(n.Doubtful, n.Top)
		n.Top, n.Open = n.Open[0]-1, nil
	}
	return n
}

// with returns the note with what has happened since it was written, as the consumer tells, nil: it
// is gone. Last is the stream's last sequence.
//
// A replicated consumer sends a message only when a majority of its servers knows that it is
// delivered, so a new leader tells no less than the relay got, also where the old leader died with
// the relay.
func (n note) with(consumer *jetstream.ConsumerInfo, last uint64) note {
	if !n.Live {
		return n
	}
	if consumer == nil || consumer.Delivered.Consumer == 0 {
		n.Doubtful = max(n.Doubtful, last) // somebody deleted it, or its servers have lost their memory
		return n
	}
	n.Doubtful = max(n.Doubtful, consumer.Delivered.Stream)
	if consumer.Delivered.Last == nil {
		return n // its leader has delivered nothing yet, so there is no time to tell older messages from newer ones by
	}
	floor := consumer.AckFloor.Stream
	n.Open = slices.DeleteFunc(slices.Clone(n.Open), func(seq uint64) bool { return seq <= floor })
	if floor > n.Top { // otherwise what is settled up to Top was stored before Latest, and a later message has a number that is given again
		n.Top = floor
		if consumer.Delivered.Last.After(n.Latest) {
			n.Latest = *consumer.Delivered.Last
		}
	}
	return n
}

// without returns the note without open sequences that the stream no longer has: it begins with
// first. They expired, or were purged.
func (n note) without(first uint64) note {
	n.Open = slices.DeleteFunc(slices.Clone(n.Open), func(seq uint64) bool { return seq < first })
	return n
}

func (r *registry) noteSubject(part int) string { return r.subject + "note." + strconv.Itoa(part) }

// readNote returns the note about a partition, an empty one where there is none.
func (r *registry) readNote(ctx context.Context, part int) (note, error) {
	m, err := r.stream.GetLastMsgForSubject(ctx, r.noteSubject(part))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return note{}, nil
	}
	if err != nil {
		return note{}, fmt.Errorf("relay: the note about partition %d: %w", part, err)
	}
	var n note
	if err := json.Unmarshal(m.Data, &n); err != nil {
		return note{}, fmt.Errorf("relay: the note about partition %d cannot be read; remove the message %s: %w", part, m.Subject, err)
	}
	n.revision = m.Sequence
	return n, nil
}

// writeNote replaces the note, using its revision for compare-and-set, and sets the new revision. A
// relay that has lost the partition without knowing it has an old one, and fails.
func (r *registry) writeNote(ctx context.Context, part int, n *note) error {
	ctx, cancel := context.WithTimeout(ctx, r.beat())
	defer cancel()
	written := n.bounded()
	written.By = r.holder
	body, err := json.Marshal(written)
	if err != nil {
		return err
	}
	m := &nats.Msg{Subject: r.noteSubject(part), Data: body, Header: nats.Header{jetstream.MsgTTLHeader: {"never"}}}
	for {
		ack, err := r.js.PublishMsg(ctx, m, jetstream.WithExpectLastSequencePerSubject(n.revision), jetstream.WithRetryAttempts(0))
		if err == nil {
			n.revision = ack.Sequence
			return nil
		}
		err = fmt.Errorf("relay: writing the note about partition %d: %w", part, err)
		if !wrongRevision(err) {
			return err
		}
		// An earlier write whose answer nobody waited for may have been stored: then the last note
		// is this relay's.
		last, readErr := r.readNote(ctx, part)
		if readErr != nil || last.By != r.holder || last.revision == n.revision {
			return errors.Join(err, readErr)
		}
		n.revision = last.revision
	}
}
