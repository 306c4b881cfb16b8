package relay

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// StreamConfig is the streams of a fleet: one with the events, one with the dead letters, one with the leases of the partitions. Name is
// required; every other field has a default.
type StreamConfig struct {
	// Name of the stream with the events, such as "EVENTS". The others are called Name-dead and Name-leases.
	Name string
	// Prefix is how the subjects begin. Default Name in lower case. Publishers publish to prefix.game.player; the server files each
	// message under prefix.partition.game.player.
	Prefix string
	// Partitions is how many parts the players are dealt into. A part is served by one relay at a time, so it is also how many relays can
	// be of use. It cannot be changed while there are events. Default 32, at most 1024.
	Partitions int
	// Replicas is on how many nodes a message stands before it is acknowledged. Default 3; 1 is for tests.
	Replicas int
	// MaxBytes is how large the stream may grow on each node; a full one refuses events, and they stay with their publishers. Default 0:
	// as large as the server allows.
	MaxBytes int64
	// MaxAge deletes events that are older, delivered or not. Default 0: never; nothing is lost without a word then.
	MaxAge time.Duration
	// Duplicates is how long the server remembers the ids of messages: a publisher that repeats one in this time makes no second copy. It
	// costs the server memory for each event of that time. Default 2 min.
	Duplicates time.Duration
	// LeaseTTL is how long a partition waits for its relay when that is gone. A relay renews six times in it, and stops sending when two
	// thirds have passed without. Default 30 s, at least 1 s; a crash of the node that leads the leases takes up to 9 s to be noticed.
	LeaseTTL time.Duration
}

// maxMessage is how large a message of an event may be, with its headers: less than the server's usual limit of 1 MiB, so that a dead
// letter has room for its cause.
const maxMessage = 512 << 10

// deadDuplicates is how long the id of a dead letter is remembered. A relay that died between the dead letter and the acknowledgement is
// followed by another within the lease.
const deadDuplicates = time.Hour

func (c StreamConfig) withDefaults() StreamConfig {
	if c.Prefix == "" {
		c.Prefix = strings.ToLower(c.Name)
	}
	if c.Partitions == 0 {
		c.Partitions = 32
	}
	if c.Replicas == 0 {
		c.Replicas = 3
	}
	if c.Duplicates == 0 {
		c.Duplicates = 2 * time.Minute
	}
	if c.LeaseTTL == 0 {
		c.LeaseTTL = 30 * time.Second
	}
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
		{c.MaxBytes < 0, "MaxBytes must not be negative"},
		{c.MaxAge < 0, "MaxAge must not be negative"},
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

// events is the stream with the events. Its messages vanish when they are acknowledged, a full one refuses, and the server computes the
// partition, so that no two publishers can disagree about it.
func (c StreamConfig) events() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:        c.Name,
		Description: "gameplay events that are not settled yet",
		Subjects:    []string{c.Prefix + ".*.*"},
		SubjectTransform: &jetstream.SubjectTransformConfig{
			Source:      c.Prefix + ".*.*",
			Destination: fmt.Sprintf("%s.{{partition(%d,2)}}.{{wildcard(1)}}.{{wildcard(2)}}", c.Prefix, c.Partitions),
		},
		Retention:          jetstream.WorkQueuePolicy,
		Storage:            jetstream.FileStorage,
		Discard:            jetstream.DiscardNew,
		Replicas:           c.Replicas,
		MaxBytes:           unlimited(c.MaxBytes),
		MaxAge:             c.MaxAge,
		MaxMsgSize:         maxMessage,
		Duplicates:         c.Duplicates,
		AllowAtomicPublish: true,
	}
}

// dead is the stream with the dead letters.
func (c StreamConfig) dead() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:        c.Name + "-dead",
		Description: "events that were not delivered, with the cause",
		Subjects:    []string{c.Prefix + "-dead.>"},
		Retention:   jetstream.LimitsPolicy,
		Storage:     jetstream.FileStorage,
		Discard:     jetstream.DiscardNew,
		Replicas:    c.Replicas,
		MaxBytes:    -1,
		Duplicates:  deadDuplicates,
	}
}

// leases is the stream with the leases: a message for each partition that has a relay, which expires when it is not renewed, and a note about
// each partition that ever had one, which does not. It is on the disk like the others: leases that a restart forgets would let a second
// relay begin while the first still sends.
func (c StreamConfig) leases() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:              c.Name + "-leases",
		Description:       "which relay serves which partition",
		Subjects:          []string{c.Prefix + "-leases.>"},
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

// CreateStream creates the streams of a fleet, or checks those that are there: a difference is an error that names each setting, and
// nothing is changed. Any number of programs may call it.
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

// verify holds a stream against what it must be.
func verify(ctx context.Context, js jetstream.JetStream, want jetstream.StreamConfig) error {
	s, err := js.Stream(ctx, want.Name)
	if err != nil {
		return err
	}
	return compare(s.CachedInfo().Config, want)
}

// compare names each setting in which a stream differs from what an acknowledgement, the order and the leases hang on. A limit that a
// person has set by hand on the dead letters is fine.
func compare(got, want jetstream.StreamConfig) error {
	var errs []error
	differ := func(setting string, got, want any) {
		if got != want {
			errs = append(errs, fmt.Errorf("%s is %v, must be %v", setting, got, want))
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
	differ("MaxMsgsPerSubject", max(got.MaxMsgsPerSubject, 0), max(want.MaxMsgsPerSubject, 0))
	differ("AllowAtomicPublish", got.AllowAtomicPublish, want.AllowAtomicPublish)
	differ("AllowMsgTTL", got.AllowMsgTTL, want.AllowMsgTTL)
	differ("Duplicates", got.Duplicates, want.Duplicates)
	if !strings.HasSuffix(want.Name, "-dead") {
		differ("MaxAge", got.MaxAge, want.MaxAge)
		differ("MaxBytes", got.MaxBytes, want.MaxBytes)
		differ("MaxMsgSize", max(got.MaxMsgSize, 0), max(want.MaxMsgSize, 0))
	}
	return errors.Join(errs...)
}

var partitioned = regexp.MustCompile(`^([A-Za-z0-9_-]+)\.\{\{partition\((\d+),2\)\}\}\.`)

// openStream reads what the fleet's settings are from its streams, which are the one place where they stand.
func openStream(ctx context.Context, js jetstream.JetStream, name string) (StreamConfig, error) {
	s, err := js.Stream(ctx, name)
	if err != nil {
		return StreamConfig{}, fmt.Errorf("relay: stream %s: %w; CreateStream makes it", name, err)
	}
	l, err := js.Stream(ctx, name+"-leases")
	if err != nil {
		return StreamConfig{}, fmt.Errorf("relay: stream %s-leases: %w; CreateStream makes it", name, err)
	}
	got := s.CachedInfo().Config
	cfg := StreamConfig{
		Name: name, Replicas: got.Replicas, MaxAge: got.MaxAge, MaxBytes: max(got.MaxBytes, 0), Duplicates: got.Duplicates,
		LeaseTTL: l.CachedInfo().Config.MaxAge,
	}
	if got.SubjectTransform != nil {
		if m := partitioned.FindStringSubmatch(got.SubjectTransform.Destination); m != nil {
			cfg.Prefix = m[1]
			cfg.Partitions, _ = strconv.Atoi(m[2]) // 0, which the check below names, where it is too long for an int
		}
	}
	if err := cfg.validate(); err != nil {
		return StreamConfig{}, fmt.Errorf("relay: stream %s was not made by CreateStream: %w", name, err)
	}
	for _, want := range []jetstream.StreamConfig{cfg.events(), cfg.dead(), cfg.leases()} {
		if err := verify(ctx, js, want); err != nil {
			return StreamConfig{}, fmt.Errorf("relay: stream %s is not as CreateStream makes it: %w", want.Name, err)
		}
	}
	return cfg, nil
}
