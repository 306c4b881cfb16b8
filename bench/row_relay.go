package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/relay"
)

// The row of the relay: the batcher alone, and through a stream of three nodes.

const (
	relayNodes  = 3
	relayLinger = 200 * time.Millisecond
	aloneFew    = "batcher alone, 1,000 players"
	aloneMany   = "batcher alone, 100,000 players"
	relayFew    = "relay, 1,000 players"
	relayMany   = "relay, 100,000 players"
)

// relayRow measures the cost of a stream between game server and service.
func relayRow(o options) row {
	r := row{
		name:  "relay",
		title: "Through NATS JetStream: a publisher, three nodes, one relay",
		note: "Each event is stored on three nodes that sync before they acknowledge; all three, the publisher and the relay share this machine's cores and its " +
			"disk. The publisher publishes all events before the relay delivers them, and each step has its own rate and CPU. Bytes are on all nodes together.",
		columns: []column{
			{"published/s", "published", "%.0f"},
			{"delivered/s", "rate", "%.0f"},
			{"events per request", "per_request", "%.1f"},
			{"CPU s per 1M: publisher", "publish_cpu", "%.1f"},
			{"relay, or batcher", "cpu", "%.1f"},
			{"nodes", "nodes_cpu", "%.1f"},
			{"bytes per event", "stored", "%.0f"},
		},
	}
	for _, s := range []struct {
		label, kind string
		players     int
	}{{aloneFew, "alone", 1_000}, {aloneMany, "alone", 100_000}, {relayFew, "relay", 1_000}, {relayMany, "relay", 100_000}} {
		r.subjects = append(r.subjects, subject{s.label, job{
			Workload: "relay", Kind: s.kind, Events: o.count(200_000, 200), Setup: setup{Players: o.count(s.players, s.players/1000)},
		}})
	}
	return r
}

// relay is the workload.
func (w *work) relay(ctx context.Context) error {
	client, err := playline.New(playline.WithPlaySmart(), playline.WithBaseURL(playline.PlaySmart, w.Setup.Base))
	if err != nil {
		return err
	}
	cfg := (&playlineAdapter{}).config(w.Setup)
	cfg.Linger = relayLinger
	if w.Kind == "alone" {
		return w.batcherAlone(ctx, client, cfg)
	}
	return w.throughStream(ctx, client, cfg)
}

func (w *work) batcherAlone(ctx context.Context, client *playline.Client, cfg batcher.Config) error {
	start := usageNow()
	b, err := client.NewBatcher(cfg)
	if err != nil {
		return err
	}
	if err := w.trackAll(ctx, b); err != nil {
		return err
	}
	w.rate("rate", "cpu", start)
	return nil
}

// trackAll tracks the job's events, one player after the other, and closes the batcher.
func (w *work) trackAll(ctx context.Context, b *batcher.Batcher) error {
	ids := userIDs(w.Setup.Players)
	for eid := range w.Events {
		err := b.Player(ids[eid%len(ids)]).TrackAttrs(ctx, eventType,
			slog.String("weapon", eventWeapon), slog.Int("damage", eventDamage(eid)), slog.Int("eid", eid))
		if err != nil {
			return err
		}
	}
	_, err := b.Close(ctx)
	return err
}

// rate sets the figures of events per second and CPU seconds per million events since the start.
func (w *work) rate(rate, cpu string, start usage) {
	clock, used := usageNow().since(start)
	w.Figures[rate] = float64(w.Events) / clock
	w.Figures[cpu] = used / float64(w.Events) * 1e6
}

func (w *work) throughStream(ctx context.Context, client *playline.Client, cfg batcher.Config) (err error) {
	nodes, err := startNodes(ctx, relayNodes)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, nodes.stop()) }()
	nc, err := nats.Connect(nodes.urls)
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	if err := untilReady(ctx, func(ctx context.Context) error {
		return relay.CreateStream(ctx, js, relay.StreamConfig{Name: "EVENTS"})
	}); err != nil {
		return err
	}
	before, err := nodes.used()
	if err != nil {
		return err
	}
	start := usageNow()
	p, err := relay.NewPublisher(ctx, js, "EVENTS", batcher.Config{GameID: gameID})
	if err != nil {
		return err
	}
	if err := w.trackAll(ctx, p.Batcher); err != nil {
		return err
	}
	w.rate("published", "publish_cpu", start)
	full, err := nodes.used()
	if err != nil {
		return err
	}
	w.Figures["stored"] = float64(full.Disk-before.Disk) / float64(w.Events)

	sender, err := client.BatchSender()
	if err != nil {
		return err
	}
	start = usageNow()
	r, err := relay.Start(ctx, js, relay.Config{Stream: "EVENTS", Sender: sender, Batcher: batcher.Config{GameID: gameID, Tokens: cfg.Tokens, Linger: cfg.Linger}})
	if err != nil {
		return err
	}
	for s := r.Stats(); s.Delivered < int64(w.Events) || s.Unconfirmed > 0; s = r.Stats() {
		time.Sleep(10 * time.Millisecond)
	}
	w.rate("rate", "cpu", start)
	after, err := nodes.used()
	if err != nil {
		return err
	}
	w.Figures["nodes_cpu"] = (after.CPU - before.CPU) / float64(w.Events) * 1e6
	return r.Close(ctx)
}
