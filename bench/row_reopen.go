package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/spool"
)

// reopenRow measures the start of a process that finds a million events.
func reopenRow(o options) row {
	n := o.count(1_000_000, 20_000)
	return row{
		name:  "reopen",
		title: "A spool of " + number(n) + " events, found by the next process",
		note: "The events of 1,000 players. Open is the time to open the spool. When New returns, all events are in the lanes, in order. " +
			"Left is the size of the folder after the delivery: 5 MiB of it are files that every spool has.",
		columns: []column{
			{"open s", "open", "%.2f"},
			{"until New has returned", "ready", "%.2f"},
			{"most memory until then, MiB resident above the start", "peak", "%.0f"},
			{"until all is delivered", "delivered", "%.2f"},
			{"disk, times the encoded bytes", "disk", "%.2f"},
			{"left, MiB", "left", "%.1f"},
		},
		subjects: []subject{{"spool", job{Workload: "reopen", Events: n, Setup: setup{Players: 1000, MaxEvents: 2 * n}}}},
		targets: []target{
			atMost("ready within 2 s", 2, of("spool", "ready")),
			atMost("in at most 200 MiB, of which 132 are the events themselves", 200, of("spool", "peak")),
			atMost("disk: at most 1.3 times the encoded bytes", 1.3, of("spool", "disk")),
			atMost("given back after delivery: at most 0.05 times the encoded bytes left", 0.05, of("spool", "left_share")),
		},
	}
}

// reopen is the workload.
func (w *work) reopen(ctx context.Context) (err error) {
	dir, err := os.MkdirTemp("", "playline-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	fill := w.job
	fill.Workload, fill.Kind, fill.Profile = "fill", dir, ""
	filled, err := runWorker(ctx, fill) // a separate process, so that its memory does not count
	if err != nil {
		return err
	}
	encoded := filled.Figures["encoded"]
	used, err := diskUse(dir)
	if err != nil {
		return err
	}
	w.Figures["disk"] = float64(used) / encoded

	before := resident("VmRSS")
	start := time.Now()
	s, err := spool.Open(dir, spool.Options{Sync: spool.Interval})
	if err != nil {
		return err
	}
	w.Figures["open"] = time.Since(start).Seconds()
	cfg := (&playlineAdapter{}).config(w.Setup)
	cfg.Store = s
	b, err := batcher.New(&discard{}, cfg)
	if err != nil {
		return err
	}
	w.Figures["ready"] = time.Since(start).Seconds()
	w.Figures["peak"] = resident("VmHWM") - before
	if err := b.Flush(ctx); err != nil {
		return err
	}
	w.Figures["delivered"] = time.Since(start).Seconds()
	report, err := b.Close(ctx)
	if err := errors.Join(err, s.Close()); err != nil {
		return err
	}
	if report.Delivered != int64(w.Events) {
		return fmt.Errorf("%d events of %d were delivered", report.Delivered, w.Events)
	}
	left, err := diskUse(dir)
	w.Figures["left"], w.Figures["left_share"] = float64(left)/(1<<20), float64(left)/encoded
	return err
}

// fill is the workload of the previous process. It tracks events of players that have no token, and
// leaves them in the spool.
func (w *work) fill(ctx context.Context) (err error) {
	s, err := spool.Open(w.Kind, spool.Options{Sync: spool.Interval})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	cfg := (&playlineAdapter{}).config(w.Setup)
	cfg.Store = s
	cfg.Tokens = batcher.TokenFunc(func(context.Context, string) (batcher.Token, error) { return batcher.Token{}, batcher.ErrNoToken })
	b, err := batcher.New(&discard{}, cfg)
	if err != nil {
		return err
	}
	for eid := range w.Events {
		err := b.Track(ctx, userID(eid%w.Setup.Players), batcher.Event{Type: eventType, Data: []slog.Attr{
			slog.String("weapon", eventWeapon), slog.Int("damage", eventDamage(eid)), slog.Int("eid", eid),
		}})
		if err != nil {
			return err
		}
	}
	w.Figures["encoded"] = float64(b.Stats().PendingBytes)
	report, err := b.Close(ctx)
	if err == nil && report.Spooled != int64(w.Events) {
		err = fmt.Errorf("%d events of %d are in the spool", report.Spooled, w.Events)
	}
	return err
}

// diskUse returns the space that the files of a folder take on the disk.
func diskUse(dir string) (sum int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if st, ok := info.Sys().(*syscall.Stat_t); ok && !entry.IsDir() {
			sum += st.Blocks * 512
		}
		return nil
	})
	return sum, err
}

// resident returns the memory of this process in MiB, as the system reports it: VmRSS is the
// current value, VmHWM the highest one. It returns 0 if the system does not report it.
func resident(of string) float64 {
	data, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(data)) {
		var kib float64
		if n, _ := fmt.Sscanf(line, of+": %f kB", &kib); n == 1 {
			return kib / 1024
		}
	}
	return 0
}
