package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/spool"
)

// The rows of the store: Track with and without a spool, and a spool that the next process finds.

const (
	storeProducers = 64
	withoutStore   = "no store"
	withInterval   = "spool, Interval"
	withAlways     = "spool, Always, 64 producers"
	diskAlone      = "64 events a write and a sync, no spool"
)

// storeRow measures the cost of a store on disk for the caller of Track.
func storeRow(o options) row {
	r := row{
		name:  "store",
		title: "Track with a store on the disk",
		note: "As above, with package spool in the folder for temporary files; meanwhile the batcher delivers the events and settles them in the spool. " +
			"At this pace the disk decides the mean: with Interval, Track waits only while 2 MiB are being written. The last line is " +
			"the yardstick for Always, whose commit syncs twice: the limit of this disk.",
		columns: []column{
			{"ns per event, median", "ns", "%.0f"},
			{"mean", "mean", "%.0f"},
			{"events per second", "rate", "%.0f"},
			{"allocations per event, whole process", "allocs", "%.2f"},
		},
		targets: []target{
			atMost("Interval: at most 2 times Track without a store", 2, paired(withInterval, "ns", withoutStore, "ns")),
			atLeast("Always: at least 50,000 events per second", 50_000, of(withAlways, "rate")),
		},
	}
	for _, label := range []string{withoutStore, withInterval, withAlways, diskAlone} {
		r.subjects = append(r.subjects, subject{label, job{Workload: "store", Kind: label, For: o.length(time.Second)}})
	}
	return r
}

// store is the workload.
func (w *work) store(ctx context.Context) (err error) {
	if w.Kind == diskAlone {
		return w.syncAlone()
	}
	cfg := (&playlineAdapter{}).config(setup{Players: 1})
	producers := 1
	if w.Kind != withoutStore {
		dir, err := os.MkdirTemp("", "playline-bench-")
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
		o := spool.Options{Sync: spool.Interval}
		if w.Kind == withAlways {
			o.Sync, producers = spool.Always, storeProducers
		}
		s, err := spool.Open(dir, o)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.Close()) }()
		cfg.Store = s
	}
	b, err := batcher.New(&discard{}, cfg)
	if err != nil {
		return err
	}
	p := b.Player(userID(0))
	track := func(eid int) error {
		return p.TrackAttrs(ctx, eventType, slog.String("weapon", eventWeapon), slog.Int("damage", eventDamage(eid)), slog.Int("eid", eid))
	}
	before := mallocs()
	n, err := w.trackFrom(producers, track)
	w.Figures["allocs"] = float64(mallocs()-before) / float64(n)
	_, closed := b.Close(ctx)
	return errors.Join(err, closed)
}

// syncAlone repeatedly appends the events of 64 producers to a file and syncs it.
func (w *work) syncAlone() (err error) {
	file, err := os.CreateTemp("", "playline-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close(), os.Remove(file.Name())) }()
	var buf []byte
	for eid := range storeProducers {
		buf = appendEvent(buf, time.Now().UTC(), eid)
	}
	n, start := 0, time.Now()
	for ; time.Since(start) < w.For; n += storeProducers {
		if _, err := file.Write(buf); err != nil {
			return err
		}
		if err := file.Sync(); err != nil {
			return err
		}
	}
	w.Figures["rate"] = float64(n) / time.Since(start).Seconds()
	return nil
}

// trackFrom tracks from several goroutines at full speed. It times slices only if there is one
// goroutine, because with more the times mean nothing.
func (w *work) trackFrom(producers int, track func(eid int) error) (n int, err error) {
	var watch stopwatch
	start := time.Now()
	if producers == 1 {
		for ; err == nil && time.Since(start) < w.For; n += slice {
			watch.begin()
			for i := range slice {
				err = errors.Join(err, track(n+i))
			}
			watch.end()
		}
		watch.report(w.Figures)
	} else {
		var done atomic.Int64
		var wait sync.WaitGroup
		errs := make(chan error, producers)
		for range producers {
			wait.Go(func() {
				for time.Since(start) < w.For {
					if err := track(int(done.Add(1))); err != nil {
						errs <- err
						return
					}
				}
			})
		}
		wait.Wait()
		close(errs)
		for e := range errs {
			err = errors.Join(err, e)
		}
		n = int(done.Load())
	}
	w.Figures["rate"] = float64(n) / time.Since(start).Seconds()
	return n, err
}
