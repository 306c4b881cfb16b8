package relay

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// The headers of a dead letter; its body is the event as the stream had it.
const (
	CauseHeader   = "Playline-Cause"           // why it was not delivered
	ResultHeader  = "Playline-Result"          // rejected, expired, unknown, malformed, or set aside
	SubjectHeader = "Playline-Subject"         // where it was in the stream
	EventIDHeader = "Playline-Event-Id"        // its id there
	SeqHeader     = "Playline-Stream-Sequence" // its sequence there
	StoredHeader  = "Playline-Stored"          // when the stream took it
	TimeHeader    = "Playline-Time"            // when it was given up
)

// Malformed is the ResultHeader of a message that is no event.
const Malformed = "malformed"

// maxCause is how much of a cause is kept.
const maxCause = 1000

// deadLetter makes the dead letter of a message. prefix begins its subject, with the dot. Its id is
// made of what the stream knows the message by: a relay that does the same again, because the one
// before died in between, makes no second one. The id is a hash that includes the event's own
// random id, so that nobody who does not have the event can take the dead letter's id first and
// have it dropped as a copy.
func deadLetter(prefix string, e *entry, body []byte, result string, cause error) *nats.Msg {
	before, player := cutLast(e.subject)
	_, game := cutLast(before)
	m := nats.NewMsg(prefix + game + "." + player)
	m.Data = body
	words := "no cause is known"
	if cause != nil {
		words = cause.Error()
	}
	if len(words) > maxCause {
		words = words[:maxCause] + "..."
	}
	m.Header[CauseHeader] = []string{oneLine(words)}
	m.Header[ResultHeader] = []string{result}
	m.Header[SubjectHeader] = []string{e.subject}
	m.Header[EventIDHeader] = []string{oneLine(e.id)}
	m.Header[SeqHeader] = []string{strconv.FormatUint(e.seq, 10)}
	m.Header[StoredHeader] = []string{e.stored.UTC().Format(time.RFC3339Nano)}
	m.Header[TimeHeader] = []string{time.Now().UTC().Format(time.RFC3339Nano)}
	id := sha256.Sum256(fmt.Appendf(nil, "%s %d %d %s", e.subject, e.seq, e.stored.UnixNano(), e.id))
	m.Header[nats.MsgIdHdr] = []string{"dead-" + game + "-" + base64.RawURLEncoding.EncodeToString(id[:16])}
	return m
}

// oneLine keeps a text from breaking out of its header.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}

// bury publishes a dead letter and returns when the stream has it. It tries until ctx ends: the
// event is not acknowledged before. Each failure is logged: where the stream of the dead letters is
// full the partition stands still, and nothing else tells why.
func bury(ctx context.Context, js jetstream.JetStream, m *nats.Msg, pause time.Duration, log *slog.Logger) error {
	for {
		attempt, cancel := context.WithTimeout(ctx, 5*time.Second)
		_, err := js.PublishMsg(attempt, m)
		cancel()
		if err == nil {
			return nil
		}
		if ctx.Err() == nil {
			log.Warn("relay: a dead letter is not stored yet; its player waits for it", "sequence", m.Header.Get(SeqHeader), "error", err)
		}
		select {
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("relay: the dead letter is not stored: %w", err), ctx.Err())
		case <-time.After(pause):
		}
	}
}
