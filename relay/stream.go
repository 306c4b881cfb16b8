package relay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// StreamConfig describes the three streams of a fleet: the events, the dead letters, and the leases
// of the partitions. Name is required; every other field has a default.
//
// A stream is one trust domain: relays, erasers and support of one game can reach the events of
// every other game in it. Give games that must not trust each other a stream or an account each;
// see [Permissions] and [ServerConfig].
type StreamConfig struct {
	// Name of the stream with the events, such as "EVENTS". The others are Name-dead and
	// Name-leases.
	Name string
	// Prefix begins all subjects. Default: Name in lower case. Publishers publish to
	// prefix.game.player, and the server stores each message under prefix.partition.game.player.
	Prefix string
	// Partitions is how many parts the players are dealt into. One relay at a time serves a part,
	// so it is also how many relays can be of use. It cannot change while there are events. Default
	// 32, at most 1024.
	Partitions int
	// Replicas is on how many nodes a message is stored before it is acknowledged. Default 3; 1 is
	// for tests.
	Replicas int
	// EventBytes is how large an event may be as JSON. Publishers may not allow more, and relays
	// may not allow less. Default 32 KiB, at most 480 KiB.
	EventBytes int
	// MaxBytes is how large the stream may grow on each node; a full one refuses events, and they
	// stay with their publishers. Default 0: as large as the server allows.
	MaxBytes int64
	// MaxAge deletes events that are older, delivered or not. Default 0: never, so that no event is
	// lost silently.
	MaxAge time.Duration
	// DeadMaxAge is how long dead letters are kept. They hold personal data, so an age is set
	// unless you ask for none with [KeepDeadLetters]. Default 30 days.
	DeadMaxAge time.Duration
	// Erasable lets an [Eraser] purge the streams. Without it the servers refuse to purge the
	// events and the dead letters, and to delete single events, whoever asks. NATS cannot take a
	// refusal back: to change it later, drain the streams and create them again. Default false.
	Erasable bool
	// Duplicates is how long the server remembers the ids of messages: a publisher that repeats one
	// in this time makes no second copy. It costs the server memory for each event of that time.
	// Default 2 min.
	Duplicates time.Duration
	// LeaseTTL is how long a partition waits for its relay when that is gone. A relay renews six
	// times in it, and stops sending after two thirds without a renewal. Default 30 s, at least 1
	// s; the servers take up to 9 s to notice a crash of the node that leads the leases.
	LeaseTTL time.Duration
}

// KeepDeadLetters is the StreamConfig.DeadMaxAge of a stream that keeps dead letters without limit.
const KeepDeadLetters time.Duration = -1

// headerRoom is how much larger than its event a message may be. A dead letter needs more room than
// an event, for its cause, and its stream has no limit but the server's, usually 1 MiB.
const headerRoom = 32 << 10

// maxEvent is the largest StreamConfig.EventBytes.
const maxEvent = 480 << 10

const defaultEventBytes = 32 << 10

const defaultDeadMaxAge = 30 * 24 * time.Hour

// deadDuplicates is how long the server remembers the id of a dead letter. If a relay dies between
// the dead letter and the acknowledgement, another follows within the lease.
const deadDuplicates = time.Hour

func (c StreamConfig) withDefaults() StreamConfig {
	if c.Prefix == "" {
		c.Prefix = strings.ToLower(c.Name)
	}
	c.Partitions = cmp.Or(c.Partitions, 32)
	c.Replicas = cmp.Or(c.Replicas, 3)
	c.EventBytes = cmp.Or(c.EventBytes, defaultEventBytes)
	c.DeadMaxAge = cmp.Or(c.DeadMaxAge, defaultDeadMaxAge)
	c.Duplicates = cmp.Or(c.Duplicates, 2*time.Minute)
	c.LeaseTTL = cmp.Or(c.LeaseTTL, 30*time.Second)
	return c
}

var (
	goodName   = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	goodPrefix = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
)

func (c StreamConfig) validate() error {
	for _, rule := range []struct {
		broken bool
		words  string
	}{
		{!goodName.MatchString(c.Name), "Name must be 1 to 64 letters, digits, - and _"},
		{!goodPrefix.MatchString(c.Prefix), "Prefix must be 1 to 64 letters, digits, - and _"},
		{c.Partitions < 1 || c.Partitions > 1024, "Partitions must be from 1 to 1024"},
		{c.Replicas < 1 || c.Replicas > 5, "Replicas must be from 1 to 5"},
		{c.EventBytes < 256 || c.EventBytes > maxEvent, "EventBytes must be from 256 bytes to 480 KiB"},
		{c.MaxBytes < 0, "MaxBytes must not be negative"},
		{c.MaxAge < 0, "MaxAge must not be negative"},
		{c.DeadMaxAge < deadDuplicates && c.DeadMaxAge != KeepDeadLetters, "DeadMaxAge must be at least 1 h, or KeepDeadLetters"},
		{c.Duplicates < 100*time.Millisecond, "Duplicates must be at least 100 ms"},
		{c.MaxAge > 0 && c.Duplicates > c.MaxAge, "Duplicates must not be longer than MaxAge"},
		{c.LeaseTTL < time.Second, "LeaseTTL must be at least 1 s"},
	} {
		if rule.broken {
			return errors.New("relay: StreamConfig." + rule.words)
		}
	}
	return nil
}

// events is the stream with the events, and with the words of erasers between them. Its messages
// vanish when they are acknowledged, and a full one refuses. The server computes the partition from
// the player alone, so that no two publishers, and no publisher and eraser, can disagree about it.
func (c StreamConfig) events() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:        c.Name,
		Description: "gameplay events that are not settled yet",
		Subjects:    []string{c.Prefix + ".*.*", c.erasePrefix() + "*.*"},
		SubjectTransform: &jetstream.SubjectTransformConfig{
			Source:      "*.*.*",
			Destination: fmt.Sprintf("{{wildcard(1)}}.{{partition(%d,3)}}.{{wildcard(2)}}.{{wildcard(3)}}", c.Partitions),
		},
		Retention:          jetstream.WorkQueuePolicy,
		Storage:            jetstream.FileStorage,
		Discard:            jetstream.DiscardNew,
		Replicas:           c.Replicas,
		MaxBytes:           unlimited(c.MaxBytes),
		MaxAge:             c.MaxAge,
		MaxMsgSize:         int32(c.EventBytes + headerRoom),
		Duplicates:         c.Duplicates,
		AllowAtomicPublish: true,
		DenyPurge:          !c.Erasable,
		DenyDelete:         !c.Erasable,
	}
}

// erasePrefix begins the subjects of an eraser's words, to which no game server may publish.
func (c StreamConfig) erasePrefix() string { return c.Prefix + "-erase." }

// erasedPrefix begins the subjects of the relays' answers to them. No stream has these.
func (c StreamConfig) erasedPrefix() string { return c.Prefix + "-erased." }

// deadPrefix begins the subjects of dead letters.
func (c StreamConfig) deadPrefix() string { return c.Prefix + "-dead." }

// leasePrefix begins the subjects of leases and notes.
func (c StreamConfig) leasePrefix() string { return c.Prefix + "-leases." }

// dead is the stream with the dead letters. Single ones can be deleted: DeadLetter.Remove does.
func (c StreamConfig) dead() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:        c.Name + "-dead",
		Description: "events that were not delivered, with the cause",
		Subjects:    []string{c.deadPrefix() + ">"},
		Retention:   jetstream.LimitsPolicy,
		Storage:     jetstream.FileStorage,
		Discard:     jetstream.DiscardNew,
		Replicas:    c.Replicas,
		MaxBytes:    -1,
		MaxAge:      max(c.DeadMaxAge, 0),
		Duplicates:  deadDuplicates,
		DenyPurge:   !c.Erasable,
	}
}

// leases is the stream with the leases: a message for each partition that has a relay, which
// expires unless it is renewed, and a note about each partition that ever had one, which does not
// expire. It is on disk like the others: if a restart forgot the leases, a second relay could begin
// while the first still sends.
func (c StreamConfig) leases() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:              c.Name + "-leases",
		Description:       "which relay serves which partition",
		Subjects:          []string{c.leasePrefix() + ">"},
		Retention:         jetstream.LimitsPolicy,
		Storage:           jetstream.FileStorage,
		Discard:           jetstream.DiscardOld,
		Replicas:          c.Replicas,
		MaxBytes:          -1,
		MaxMsgsPerSubject: 1,
		MaxAge:            c.LeaseTTL,
		AllowMsgTTL:       true, // notes about partitions do not expire
		Duplicates:        min(c.LeaseTTL, 2*time.Minute),
	}
}

func unlimited(n int64) int64 {
	if n == 0 {
		return -1
	}
	return n
}

// CreateStream creates the streams of a fleet, or checks those that are there: a difference is an
// error that names each setting, and nothing is changed. Any number of programs may call it.
func CreateStream(ctx context.Context, js jetstream.JetStream, cfg StreamConfig) error {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return err
	}
	var errs []error
	for _, want := range []jetstream.StreamConfig{cfg.events(), cfg.dead(), cfg.leases()} {
		_, err := js.CreateStream(ctx, want)
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
			err = verify(ctx, js, want)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("relay: stream %s: %w", want.Name, err))
		}
	}
	return errors.Join(errs...)
}

// verify compares a stream with what it must be.
func verify(ctx context.Context, js jetstream.JetStream, want jetstream.StreamConfig) error {
	s, err := js.Stream(ctx, want.Name)
	if err != nil {
		return err
	}
	return compare(s.CachedInfo().Config, want)
}

// errChanged matches every changed.
var errChanged = errors.New("the stream is not as it must be")

// changed says how a stream that is there differs from what it must be.
type changed string

// Error says it.
func (c changed) Error() string { return string(c) }

// Is matches errChanged.
func (c changed) Is(target error) bool { return target == errChanged }

// compare names each setting in which a stream differs from what acknowledgements, the order and
// the leases depend on. A person may set limits on the dead letters, but not remove their age.
func compare(got, want jetstream.StreamConfig) error {
	var errs []error
	differ := func(setting string, got, want any) {
		if got != want {
			errs = append(errs, changed(fmt.Sprintf("%s is %v, must be %v", setting, got, want)))
		}
	}
	transform := func(c jetstream.StreamConfig) string {
		if c.SubjectTransform == nil {
			return "none"
		}
		return c.SubjectTransform.Source + " to " + c.SubjectTransform.Destination
	}
	differ("Subjects", strings.Join(got.Subjects, " "), strings.Join(want.Subjects, " "))
	differ("SubjectTransform", transform(got), transform(want))
	differ("Retention", got.Retention, want.Retention)
	differ("Storage", got.Storage, want.Storage)
	differ("Discard", got.Discard, want.Discard)
	differ("Replicas", got.Replicas, want.Replicas)
	differ("PersistMode", got.PersistMode, want.PersistMode)
	differ("NoAck", got.NoAck, want.NoAck)
	differ("Sealed", got.Sealed, want.Sealed)
	differ("MaxMsgsPerSubject", max(got.MaxMsgsPerSubject, 0), max(want.MaxMsgsPerSubject, 0))
	differ("AllowAtomicPublish", got.AllowAtomicPublish, want.AllowAtomicPublish)
	differ("AllowMsgTTL", got.AllowMsgTTL, want.AllowMsgTTL)
	differ("AllowRollup", got.AllowRollup, want.AllowRollup)
	differ("Duplicates", got.Duplicates, want.Duplicates)
	differ("DenyPurge", got.DenyPurge, want.DenyPurge)
	differ("DenyDelete", got.DenyDelete, want.DenyDelete)
	if strings.HasSuffix(want.Name, "-dead") {
		if got.MaxAge == 0 {
			differ("MaxAge", got.MaxAge, want.MaxAge)
		}
		return errors.Join(errs...)
	}
	differ("MaxAge", got.MaxAge, want.MaxAge)
	differ("MaxBytes", got.MaxBytes, want.MaxBytes)
	differ("MaxMsgs", max(got.MaxMsgs, 0), max(want.MaxMsgs, 0))
	differ("MaxMsgSize", max(got.MaxMsgSize, 0), max(want.MaxMsgSize, 0))
	return errors.Join(errs...)
}

var (
	partitioned = regexp.MustCompile(`^\{\{wildcard\(1\)\}\}\.\{\{partition\((\d+),3\)\}\}\.`)
	eventsOf    = regexp.MustCompile(`^([A-Za-z0-9_-]+)\.\*\.\*$`)
)

// settings reads what a fleet's settings are from the stream of its events. LeaseTTL and DeadMaxAge
// are those of the other streams.
func settings(got jetstream.StreamConfig) StreamConfig {
	cfg := StreamConfig{
		Name: got.Name, Replicas: got.Replicas, MaxAge: got.MaxAge, MaxBytes: max(got.MaxBytes, 0), Duplicates: got.Duplicates,
		EventBytes: int(got.MaxMsgSize) - headerRoom, Erasable: !got.DenyPurge, DeadMaxAge: defaultDeadMaxAge, LeaseTTL: time.Minute,
	}
	if len(got.Subjects) > 0 {
		if m := eventsOf.FindStringSubmatch(got.Subjects[0]); m != nil {
			cfg.Prefix = m[1]
		}
	}
	if got.SubjectTransform != nil {
		if m := partitioned.FindStringSubmatch(got.SubjectTransform.Destination); m != nil {
			cfg.Partitions, _ = strconv.Atoi(m[1]) // 0 if it is too long for an int: validate names it
		}
	}
	return cfg
}

// openEvents reads the fleet's settings from the stream of the events alone, and checks that
// stream.
func openEvents(ctx context.Context, js jetstream.JetStream, name string) (StreamConfig, error) {
	s, err := js.Stream(ctx, name)
	if err != nil {
		return StreamConfig{}, fmt.Errorf("relay: stream %s: %w; CreateStream makes it", name, err)
	}
	got := s.CachedInfo().Config
	cfg := settings(got)
	if err := cfg.validate(); err != nil {
		return StreamConfig{}, fmt.Errorf("relay: stream %s was not made by CreateStream of this version: %w", name, errors.Join(err, errChanged))
	}
	if err := compare(got, cfg.events()); err != nil {
		return StreamConfig{}, fmt.Errorf("relay: stream %s is not as CreateStream makes it: %w", name, err)
	}
	return cfg, nil
}

// openStream reads the fleet's settings from its streams and checks all three.
func openStream(ctx context.Context, js jetstream.JetStream, name string) (StreamConfig, error) {
	cfg, err := openEvents(ctx, js, name)
	if err != nil {
		return StreamConfig{}, err
	}
	leases, err := js.Stream(ctx, name+"-leases")
	if err != nil {
		return StreamConfig{}, fmt.Errorf("relay: stream %s-leases: %w; CreateStream makes it", name, err)
	}
	dead, err := js.Stream(ctx, name+"-dead")
	if err != nil {
		return StreamConfig{}, fmt.Errorf("relay: stream %s-dead: %w; CreateStream makes it", name, err)
	}
	cfg.LeaseTTL = leases.CachedInfo().Config.MaxAge
	cfg.DeadMaxAge = cmp.Or(dead.CachedInfo().Config.MaxAge, KeepDeadLetters) // a person may have set it
	if err := cfg.validate(); err != nil {
		return StreamConfig{}, fmt.Errorf("relay: stream %s was not made by CreateStream of this version: %w", name, err)
	}
	if err := check(cfg, dead.CachedInfo().Config, leases.CachedInfo().Config); err != nil {
		return StreamConfig{}, err
	}
	return cfg, nil
}

// check compares the other two streams with what the settings ask for.
func check(cfg StreamConfig, dead, leases jetstream.StreamConfig) error {
	if err := compare(dead, cfg.dead()); err != nil {
		return fmt.Errorf("relay: stream %s is not as CreateStream makes it: %w", dead.Name, err)
	}
	if err := compare(leases, cfg.leases()); err != nil {
		return fmt.Errorf("relay: stream %s is not as CreateStream makes it: %w", leases.Name, err)
	}
	return nil
}

// inspect looks at all three streams again and says what somebody has changed for the worse since
// they were opened. More replicas, more room and other ages of dead letters are the operator's.
func (c StreamConfig) inspect(ctx context.Context, js jetstream.JetStream) error {
	now, err := openStream(ctx, js, c.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return errors.Join(err, errChanged)
	}
	if err != nil {
		return err
	}
	var errs []error
	for _, rule := range []struct {
		setting  string
		broken   bool
		now, was any
	}{
		{"Prefix", now.Prefix != c.Prefix, now.Prefix, c.Prefix},
		{"Partitions", now.Partitions != c.Partitions, now.Partitions, c.Partitions},
		{"Replicas", now.Replicas < c.Replicas, now.Replicas, c.Replicas},
		{"MaxAge", now.MaxAge != c.MaxAge, now.MaxAge, c.MaxAge},
		{"LeaseTTL", now.LeaseTTL != c.LeaseTTL, now.LeaseTTL, c.LeaseTTL},
	} {
		if rule.broken {
			errs = append(errs, changed(fmt.Sprintf("relay: stream %s was changed while the relay runs: %s is %v, was %v",
				c.Name, rule.setting, rule.now, rule.was)))
		}
	}
	return errors.Join(errs...)
}
