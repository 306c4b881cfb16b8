package batcher

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"
	"unicode"
)

// never is what a duration of Config is cut to: a hundred years. A time that far from now still
// fits into the batcher's clock, and so does the sum of two.
const never = maxStoredAge

// Config is how a Batcher works. GameID and Tokens are required; every other field has a default
// that is good for a game server. A duration of more than a hundred years means never.
//
// Tokens, OnOutcome, OnParked, Store and Log are the caller's code. The batcher recovers no panic
// of theirs, nor of a Sender: it ends the program, as a panic on any other goroutine does.
type Config struct {
	// GameID is the Android package name or iOS bundle identifier that the events belong to. New
	// trims spaces and line ends around it.
	GameID string
	// Tokens gives the token of a player when there is something to send.
	Tokens TokenSource
	// OnOutcome is told what became of events, a batch at a time, with the events in hand. It runs on a sending goroutine, never
	// under a lock, and several may run at once for different players. While it runs, its player's next batch waits. It may call
	// TryTrack. Track can wait for the very room that is free once the callback has returned; Flush and Close do wait for it.
	OnOutcome func(Outcome)

	// OnParked receives a player whose events wait for a token, and why: ErrNoToken, or the
	// service's refusal of the token. The most likely cause is a user id that is not the sub claim
	// of the player's token. OnParked runs like OnOutcome, once each time the player is parked,
	// also when Resume or Close has tried again in vain. It may call SetToken or Resume.
	OnParked func(userID string, cause error)

	// OnAllRefused is told that the service refuses every event of every player: three players in a row, or ten single events of fewer
	// players, and none taken between. A wrong GameID looks like that. Nothing more is rejected then; see AllRefused. It runs on a sending
	// goroutine, never under a lock.
	OnAllRefused func(AllRefused)

	// Linger is how long the first event of a batch waits for others. Default 5 s, at least 1 ms, at most 1 h.
	Linger time.Duration
	// BatchEvents is how many events a request holds at most. Default and maximum 200.
	BatchEvents int
	// BatchBytes is how long the body of a request may be. Default 1 MiB, at least EventBytes, at most 64 MiB.
	BatchBytes int
	// EventBytes is how long the JSON of one event may be; Track refuses a longer one. Default 32 KiB, at least 256.
	EventBytes int

	// MaxEvents and MaxBytes bound what waits in memory, for all players together. Where there is no room, Track waits and
	// TryTrack fails. Default 1,000,000 events and 256 MiB of JSON, at most 100,000,000 and 64 GiB.
	//
	// The heap that it takes is 1.1 to 1.5 times the JSON where a hundred events of a player wait, twice where it is ten small ones, and
	// about 900 bytes for a player with one; the bodies of the requests under way come on top. Under GOMEMLIMIT half of what the rest of
	// the program leaves is a good MaxBytes. One nearer to the limit, or over it, loses nothing while the machine has memory: the
	// collector works harder.
	MaxEvents int
	MaxBytes  int
	// MaxPlayerEvents and MaxPlayerBytes bound what waits for one player, so that one whose token is gone cannot fill the memory
	// of all. Default a tenth of MaxEvents and MaxBytes.
	MaxPlayerEvents int
	MaxPlayerBytes  int

	// MaxInFlight is how many requests, and so goroutines, are under way at once. Default 64, at most 1024.
	MaxInFlight int
	// SendTimeout is how long one request may take, and how long Tokens may take. Default 30 s.
	SendTimeout time.Duration
	// MaxRetryAfter is the longest Retry-After that is obeyed. Default 5 min.
	MaxRetryAfter time.Duration

	// MaxAge gives events up that could not be delivered for so long: they are reported as expired,
	// within 5 s also during an outage. Events of a request under way, and those of the player
	// behind them, are looked at when it ends. Default 0: never.
	MaxAge time.Duration
	// MaxParkedBytes bounds the JSON that waits for players without a token, for all of them together, in memory and in the Store. Above it
	// the player who has been parked for the longest time loses the oldest events, a request's worth at a time: they are reported as expired.
	// Default 0: only MaxBytes and MaxPlayerBytes, at which Track waits.
	MaxParkedBytes int
	// AtMostOnce names event types that are not sent again where they may have arrived: they are reported as unknown instead.
	// Default none: every event is sent until the service has answered, and what may have arrived twice is counted.
	AtMostOnce []EventType
	// EventTypes are event types that the service knows beside the constants of this package, such as one
	// that the vendor added since. Track takes events of these too. The relays of a fleet need them as well.
	EventTypes []EventType
	// EventIDKey, where it is not "", is a key under which every event gets a stable id in its customdata, so that a reader can
	// tell copies apart. An event whose data has a text there keeps that, such as a Record that is tracked again.
	EventIDKey string

	// Store keeps accepted events beyond the process: Track returns when the Store has the event, and New takes back what an earlier
	// process left. Default none: what waits dies with the process.
	//
	// What is taken back can be more than MaxEvents, MaxBytes and the bounds of a player allow: Track finds room again when less waits.
	// So keep a Store's own limit near MaxBytes. The Store must stay open until Close has returned.
	Store Store
	// MemoryOnStoreError: an event that the Store cannot keep is kept in memory all the same, and Stats.Unstored counts it. Default:
	// Track fails with the Store's error.
	MemoryOnStoreError bool

	// DeadLetters keeps events that were rejected, that expired or whose result is unknown, with the cause. It may be the Store: a spool
	// is both. Default none: OnOutcome alone has them. Keeping one waits for the disk, while its player's next batch waits.
	DeadLetters DeadLetters

	// IdleTimeout is how long a player without events is remembered, and the token with it. Default 10 min.
	IdleTimeout time.Duration
	// TokenRenewal is how long before its expiry a token is renewed, and what waits for its player is sent. Default 1 min.
	TokenRenewal time.Duration

	// Log is told about failed requests, parked players and outages. Default silence.
	Log *slog.Logger
}

// ConfigError is a Config that cannot work.
type ConfigError struct {
	Fields string // the fields that it is about
	Rule   string
}

// Error names the fields and the rule.
func (e *ConfigError) Error() string { return "batcher: Config." + e.Fields + " " + e.Rule }

// withDefaults returns the config with every zero field filled in.
func (c Config) withDefaults() Config {
	fill := func(field *int, value int) {
		if *field == 0 {
			*field = value
		}
	}
	// A longer duration is cut, because a time this far ahead of the clock would overflow.
	fillTime := func(field *time.Duration, value time.Duration) {
		if *field == 0 {
			*field = value
		}
		*field = min(*field, never)
	}
	fillTime(&c.Linger, 5*time.Second)
	fill(&c.BatchEvents, 200)
	fill(&c.BatchBytes, 1<<20)
	fill(&c.EventBytes, min(32<<10, c.BatchBytes))
	fill(&c.MaxEvents, 1_000_000)
	fill(&c.MaxBytes, 256<<20)
	fill(&c.MaxPlayerEvents, max(c.MaxEvents/10, 1))
	fill(&c.MaxPlayerBytes, max(c.MaxBytes/10, c.EventBytes))
	fill(&c.MaxInFlight, 64)
	fillTime(&c.SendTimeout, 30*time.Second)
	fillTime(&c.MaxRetryAfter, 5*time.Minute)
	fillTime(&c.IdleTimeout, 10*time.Minute)
	fillTime(&c.TokenRenewal, time.Minute)
	fillTime(&c.MaxAge, 0)
	c.GameID = strings.TrimSpace(c.GameID)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.AtMostOnce = slices.Clone(c.AtMostOnce)
	return c
}

// validate checks a config whose defaults are filled in.
func (c Config) validate() error {
	for _, rule := range []struct {
		broken bool
		fields string
		rule   string
	}{
		{c.GameID == "", "GameID", "must not be empty"},
		{strings.ContainsFunc(c.GameID, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), "GameID", "must not contain spaces or control characters"},
		{c.Tokens == nil, "Tokens", "must not be nil"},
		{c.Linger < time.Millisecond || c.Linger > time.Hour, "Linger", "must be from 1 ms to 1 h"},
		{c.BatchEvents < 1 || c.BatchEvents > 200, "BatchEvents", "must be from 1 to 200"},
		{c.BatchBytes < 256 || c.BatchBytes > 64<<20, "BatchBytes", "must be from 256 bytes to 64 MiB"},
		{c.EventBytes < 256, "EventBytes", "must be at least 256"},
		{c.BatchBytes < c.EventBytes, "BatchBytes, EventBytes", "must let an event fit into a batch: BatchBytes is the smaller one"},
		{c.MaxEvents < 1 || c.MaxEvents > budgetMaxEvents, "MaxEvents", "must be from 1 to 100,000,000"},
		{int64(c.MaxBytes) > budgetMaxBytes, "MaxBytes", "must be less than 64 GiB"},
		{c.MaxBytes < c.EventBytes, "MaxBytes, EventBytes", "must let an event fit into memory: MaxBytes is the smaller one"},
		{c.MaxPlayerEvents < 1 || c.MaxPlayerEvents > c.MaxEvents, "MaxPlayerEvents, MaxEvents", "must not let one player have more than all"},
		{
			c.MaxPlayerBytes < c.EventBytes || c.MaxPlayerBytes > c.MaxBytes, "MaxPlayerBytes, EventBytes, MaxBytes",
			"must let an event fit, and must not let one player have more than all",
		},
		{c.MaxInFlight < 1 || c.MaxInFlight > 1024, "MaxInFlight", "must be from 1 to 1024"},
		{c.SendTimeout < 0, "SendTimeout", "must be positive"},
		{c.MaxRetryAfter < 0, "MaxRetryAfter", "must be positive"},
		{c.MaxAge < 0, "MaxAge", "must not be negative"},
		{c.MaxAge > 0 && c.MaxAge <= c.Linger, "MaxAge, Linger", "must let an event live longer than it lingers"},
		{c.MaxParkedBytes < 0, "MaxParkedBytes", "must not be negative"},
		{c.MemoryOnStoreError && c.Store == nil, "MemoryOnStoreError, Store", "must not be set without a Store"},
		{c.IdleTimeout < 0, "IdleTimeout", "must be positive"},
		{c.TokenRenewal < 0, "TokenRenewal", "must be positive"},
	} {
		if rule.broken {
			return &ConfigError{rule.fields, rule.rule}
		}
	}
	for _, t := range c.EventTypes {
		if !isTypeName(t) {
			return &ConfigError{"EventTypes", fmt.Sprintf("must hold names of event types, of 1 to 100 printable ASCII characters without spaces: %q is not one", string(t))}
		}
	}
	for _, t := range c.AtMostOnce {
		if _, known := head(t, headsOf(c.EventTypes)); !known {
			return &ConfigError{"AtMostOnce", fmt.Sprintf("contains %q, which is not an event type, nor one of Config.EventTypes", string(t))}
		}
	}
	if _, ok := appendText(nil, c.EventIDKey+c.GameID); !ok {
		return &ConfigError{"EventIDKey, GameID", "must be valid UTF-8"}
	}
	return nil
}

// isTypeName reports whether a text can be the name of an event type.
func isTypeName(t EventType) bool {
	return t != "" && len(t) <= 100 && !strings.ContainsFunc(string(t), func(r rune) bool { return r <= ' ' || r > '~' })
}
