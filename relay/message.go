package relay

import (
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/playline/playline-go/batcher"
)

// incoming is what a message of the stream says.
type incoming struct {
	player string
	event  batcher.Event
}

// parse reads a message. An error means that it is none of a Publisher, or a damaged one, and will
// be that the next time too.
func parse(m jetstream.Msg) (incoming, error) {
	switch f := m.Headers().Get(formatHeader); f {
	case format:
	case "":
		return incoming{}, errors.New("relay: the message was not written by a Publisher: it has no header " + formatHeader)
	default:
		return incoming{}, fmt.Errorf("relay: the message has format %.20q, this relay reads %s: update the relays first", f, format)
	}
	_, last := cutLast(m.Subject())
	player, err := parseToken(last)
	if err != nil {
		return incoming{}, fmt.Errorf("relay: the player in the subject: %w", err)
	}
	event, err := batcher.Record{JSON: m.Data()}.Event()
	if err != nil {
		return incoming{}, errors.New("relay: the message is no event as JSON")
	}
	return incoming{player: player, event: event}, nil
}

// cutLast cuts a subject before its last token.
func cutLast(subject string) (before, last string) {
	i := strings.LastIndexByte(subject, '.')
	if i < 0 {
		return "", subject
	}
	return subject[:i], subject[i+1:]
}
