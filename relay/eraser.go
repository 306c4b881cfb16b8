package relay

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"
	"unicode/utf8"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/playline/playline-go/batcher"
)

// eraseHeader holds the nonce of an eraser's word. The relay that gets the word drops what it holds
// of the player and answers on a subject that it builds from the nonce itself. It believes a word
// by its subject, to which no game server may publish, and never by this header: a header that
// named a subject would make the relay publish anywhere, under its own rights.
const eraseHeader = "Playline-Erase"

// goodNonce is what rand.Text returns.
var goodNonce = regexp.MustCompile(`^[A-Z2-7]{26}$`)

// Eraser drops the events of players from a fleet: from the stream, from the relays' memory, and
// from the dead letters. Give it to ForgetOptions.Events. It is safe for concurrent use.
type Eraser struct {
	js     jetstream.JetStream
	stream StreamConfig
	game   string
}

// NewEraser returns an eraser of one game's events in a stream that CreateStream made with
// Erasable. Its connection needs the rights that [Permissions] lists for RoleEraser.
func NewEraser(ctx context.Context, js jetstream.JetStream, stream, gameID string) (*Eraser, error) {
	settings, err := openEvents(ctx, js, stream)
	if err != nil {
		return nil, err
	}
	if !settings.Erasable {
		return nil, fmt.Errorf("relay: stream %s refuses to purge: create it with StreamConfig.Erasable to use an Eraser", stream)
	}
	game, err := token(gameID)
	if err != nil {
		return nil, err
	}
	return &Eraser{js: js, stream: settings, game: game}, nil
}

// Erase drops what the fleet has of a player at this moment. Events counts deleted messages:
// events, dead letters, and words of earlier calls that no relay had received. InDoubt counts those
// that may have been sent: all that waited, except those that the player's relay dropped and knows
// to be unsent. Erase purges first, then sends the relay a word through the stream, behind the
// player's events, and waits for the answer, ten seconds at most. After an error the relay may
// still hold events, because it has not received the word yet or does not run. Call Erase again
// then.
//
// What a game server publishes later is taken as before. So stop the player there first, with
// Publisher.Erase.
func (e *Eraser) Erase(ctx context.Context, userID string) (batcher.Erasure, error) {
	if !utf8.ValidString(userID) {
		return batcher.Erasure{}, &batcher.InvalidEventError{Field: "user_id", Rule: "must be valid UTF-8"}
	}
	player, err := token(userID)
	if err != nil {
		return batcher.Erasure{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, eraseWait)
	defer cancel()
	dead := func() (int, error) {
		return e.purge(ctx, e.stream.Name+"-dead", e.stream.deadPrefix()+e.game+"."+player)
	}
	letters, err := dead() // where their stream is full this makes the room that the relay may wait for
	if err != nil {
		return batcher.Erasure{Events: letters}, err
	}
	waited, err := e.purge(ctx, e.stream.Name, "*.*."+e.game+"."+player) // and earlier words
	sum := batcher.Erasure{Events: letters + waited, InDoubt: waited}
	if err != nil {
		return sum, err
	}
	unsent, err := e.tell(ctx, player)
	if err != nil {
		return sum, err
	}
	sum.InDoubt = max(waited-unsent, 0)
	letters, err = dead() // the relay has made some, maybe
	sum.Events += letters
	return sum, err
}

// eraseWait is how long an Erase takes at most, and eraseAgain after what time it sends its word
// again: another Erase may have purged it.
const (
	eraseWait  = 10 * time.Second
	eraseAgain = 3 * time.Second
)

// purge removes the messages of a filter from a stream, subject by subject: a consumer forgets only
// then what it has under way of them.
func (e *Eraser) purge(ctx context.Context, name, filter string) (n int, err error) {
	s, err := e.js.Stream(ctx, name)
	if err != nil {
		return 0, fmt.Errorf("relay: erase: stream %s: %w", name, err)
	}
	info, err := s.Info(ctx, jetstream.WithSubjectFilter(filter))
	if err != nil {
		return 0, fmt.Errorf("relay: erase: stream %s: %w", name, err)
	}
	for subject, messages := range info.State.Subjects {
		if err := s.Purge(ctx, jetstream.WithPurgeSubject(subject)); err != nil {
			return n, fmt.Errorf("relay: erase: purging stream %s: %w", name, err)
		}
		n += int(messages)
	}
	return n, nil
}

// tell sends the player's relay word and waits for its answer: how many events it dropped that
// surely were not sent.
func (e *Eraser) tell(ctx context.Context, player string) (unsent int, err error) {
	nonce := rand.Text()
	answers, err := e.js.Conn().SubscribeSync(e.stream.erasedPrefix() + e.game + "." + nonce)
	if err != nil {
		return 0, fmt.Errorf("relay: erase: %w", err)
	}
	defer func() { _ = answers.Unsubscribe() }() // it fails if the connection is closed, and is gone with it
	for {
		m := nats.NewMsg(e.stream.erasePrefix() + e.game + "." + player)
		m.Header[eraseHeader] = []string{nonce}
		if _, err := e.js.PublishMsg(ctx, m); err != nil {
			return 0, fmt.Errorf("relay: erase: the player's relay was not told, call again: %w", err)
		}
		wait, cancel := context.WithTimeout(ctx, eraseAgain)
		answer, err := answers.NextMsgWithContext(wait)
		cancel()
		switch {
		case err == nil:
			if err := json.Unmarshal(answer.Data, &unsent); err != nil {
				return 0, fmt.Errorf("relay: erase: the relay's answer cannot be read: %w", err)
			}
			return unsent, nil
		case ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded):
			return 0, fmt.Errorf("relay: erase: the player's relay has not answered, call again: %w", err)
		}
	}
}

// erase obeys an eraser's word: it drops what the batcher holds of a player, and answers how many
// events of these surely were not sent. It waits for a request that is under way, and the partition
// waits with it: the player's next events must find the player readmitted.
func (p *partition) erase(ctx context.Context, e *entry, nonce string) error {
	_, last := cutLast(e.subject)
	player, err := parseToken(last)
	if err != nil {
		return p.giveUp(ctx, e, nil, Malformed, fmt.Errorf("relay: the player in the subject: %w", err))
	}
	if !goodNonce.MatchString(nonce) {
		return p.giveUp(ctx, e, nil, Malformed, fmt.Errorf("relay: the word of an eraser has a bad %s header", eraseHeader))
	}
	doubtful := p.hand.doubts(player)
	sum, err := p.drop(ctx, player)
	if invalid, ok := errors.AsType[*batcher.InvalidEventError](err); ok {
		return p.giveUp(ctx, e, nil, Malformed, invalid)
	}
	if err != nil {
		p.hand.forget(e)
		return err
	}
	unsent := max(sum.Events-sum.InDoubt-doubtful, 0)
	if err := p.relay.js.Conn().Publish(p.relay.stream.erasedPrefix()+p.relay.game+"."+nonce, fmt.Append(nil, unsent)); err != nil {
		p.relay.cfg.Log.Debug("relay: an erasing was not answered and will be asked for again", "partition", p.n, "error", err)
	}
	p.ack(e)
	return nil
}

// drop drops what the batcher holds of a player and takes the player's events again. Erase returns
// a moment before its last event is out of the way.
func (p *partition) drop(ctx context.Context, player string) (batcher.Erasure, error) {
	sum, err := p.batcher.Erase(ctx, player)
	for err == nil && !p.batcher.Readmit(player) {
		select {
		case <-ctx.Done():
			err = ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
	return sum, err
}
