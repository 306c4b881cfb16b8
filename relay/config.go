package relay

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/playline/playline-go/batcher"
)

// Config is how a Relay works. Stream, Sender, Batcher.GameID and Batcher.Tokens are required.
type Config struct {
	// Stream is the Name that CreateStream was given.
	Stream string
	// Sender is what events are delivered through: Client.BatchSender gives it.
	Sender batcher.Sender
	// Batcher is how the events of each partition are delivered. Its bounds are for one partition,
	// so a relay that has the stream to itself holds StreamConfig.Partitions times as much. Two
	// defaults are other than the batcher's own: MaxEvents is 8192, and MaxInFlight 8. OnOutcome is
	// told after the messages are acknowledged or are dead letters.
	//
	// Events that the stream took longer than MaxAge ago, and those of AtMostOnce types whose
	// outcome is unknown, become dead letters. EventIDKey must be empty: the publishers give events
	// their ids. EventTypes must contain what the publishers' EventTypes contain: an event of
	// another type becomes a dead letter.
	Batcher batcher.Config
	// Name tells relays apart in the stream of the leases; something random is added. Default: the
	// host's name.
	Name string
	// DrainTimeout is how long a partition that is handed over, or a relay that is closed, may send
	// what it holds. Default 5 s.
	DrainTimeout time.Duration
	// Log is told about partitions that come and go and about trouble with NATS. Default silence.
	Log *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.Batcher.MaxEvents == 0 {
		c.Batcher.MaxEvents = 8192
	}
	if c.Batcher.MaxPlayerEvents == 0 {
		c.Batcher.MaxPlayerEvents = max(c.Batcher.MaxEvents/10, 1)
	}
	if c.Batcher.MaxInFlight == 0 {
		c.Batcher.MaxInFlight = 8
	}
	if c.Name == "" {
		c.Name, _ = os.Hostname() // "" is fine: the random part is enough
	}
	if c.DrainTimeout == 0 {
		c.DrainTimeout = 5 * time.Second
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

func (c Config) validate() error {
	switch {
	case c.Stream == "":
		return errors.New("relay: Config.Stream must be the name of the stream")
	case c.Sender == nil:
		return errors.New("relay: Config.Sender must not be nil: Client.BatchSender gives one")
	case c.Batcher.Store != nil:
		return errors.New("relay: Config.Batcher.Store must be nil: the stream keeps the events until they are settled")
	case c.Batcher.EventIDKey != "":
		return errors.New("relay: Config.Batcher.EventIDKey must be empty: two relays would give copies of an event different ids; " +
			"set it in the publishers' config, and an event keeps its id")
	case c.DrainTimeout < 0:
		return errors.New("relay: Config.DrainTimeout must be positive")
	}
	// A batcher is made with each partition. What is wrong with its config is told now.
	if _, err := batcher.New(c.Sender, c.Batcher); err != nil {
		return fmt.Errorf("relay: Config.Batcher: %w", err)
	}
	return nil
}

// fit makes the config take every event that the stream can hold, or says why it does not: an event
// that is too large for a relay would become a dead letter.
func (c *Config) fit(stream StreamConfig) error {
	if c.Batcher.EventBytes == 0 {
		c.Batcher.EventBytes = stream.EventBytes
	}
	if c.Batcher.EventBytes < stream.EventBytes {
		return fmt.Errorf("relay: Config.Batcher.EventBytes is %d, and publishers may send %d, StreamConfig.EventBytes: raise the first",
			c.Batcher.EventBytes, stream.EventBytes)
	}
	if _, err := batcher.New(c.Sender, c.Batcher); err != nil {
		return fmt.Errorf("relay: Config.Batcher, for events of %d bytes: %w", c.Batcher.EventBytes, err)
	}
	return nil
}

// holder is the relay's name in the leases: no two are the same, also not those of one process
// after the other on a host.
func (c Config) holder() (string, error) {
	return token(fmt.Sprintf("%.40s-%s", c.Name, rand.Text()[:12]))
}
