package main

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/playline/playline-go/batcher"
)

// disk keeps the events of one server's processes. An event that Append has returned for is safe.
// What is not synced yet, which is every note, may be lost in a crash, each for itself.
type disk struct {
	world *world

	mu      sync.Mutex // guards the following
	next    uint64
	kept    []*record
	full    time.Time // until then there is no room
	mounted *process
}

// record is one event on a disk.
type record struct {
	batcher.StoredEvent
	safe    bool // Append has returned
	sending bool // noted, and safe
	settled bool // noted, and safe at the next sync
	synced  bool // the note of settled
}

var errFull = errors.New("no space left on the disk")

func newDisk(w *world) *disk { return &disk{world: w} }

// mounting is a disk as one process sees it: once that is dead nothing it writes has an effect.
type mounting struct {
	*disk
	process *process
}

func (d *disk) mount(p *process) *mounting {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mounted = p
	return &mounting{d, p}
}

// fill leaves no room on the disk for a while.
func (d *disk) fill(while time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.full = time.Now().Add(while)
	d.world.say("the disk is full for %s", while)
}

// crash loses what was not safe: each event and each note for itself.
func (d *disk) crash() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.kept = slices.DeleteFunc(d.kept, func(r *record) bool { return !r.safe && d.world.chance(2) })
	for _, r := range d.kept {
		if r.settled && !r.synced && d.world.chance(2) {
			r.settled = false
		}
	}
}

// write lets a write take its time, and fails if the disk is full, or the process dead.
func (m *mounting) write(ctx context.Context) error {
	w := m.world
	w.yield()
	if d := w.number(20); d > 10 {
		time.Sleep(time.Duration(d) * time.Millisecond)
	}
	m.mu.Lock()
	full := time.Now().Before(m.full)
	m.mu.Unlock()
	switch {
	case m.process.isDead():
		return errDead
	case full:
		return errFull
	}
	return ctx.Err()
}

// Append implements batcher.Store.
func (m *mounting) Append(ctx context.Context, e batcher.StoredEvent) (uint64, error) {
	e.JSON = bytes.Clone(e.JSON)
	m.mu.Lock()
	m.next++
	e.ID = m.next
	r := &record{StoredEvent: e}
	if !m.process.isDead() {
		m.kept = append(m.kept, r)
	}
	m.mu.Unlock()
	err := m.write(ctx)
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil {
		if !m.process.isDead() {
			m.kept = slices.DeleteFunc(m.kept, func(o *record) bool { return o == r })
		}
		return 0, err
	}
	r.safe = true
	return e.ID, nil
}

// each calls f for the records with these ids, unless the process is dead.
func (m *mounting) each(ids []uint64, f func(r *record)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.process.isDead() {
		return errDead
	}
	for _, r := range m.kept {
		if slices.Contains(ids, r.ID) {
			f(r)
		}
	}
	return nil
}

// Sending implements batcher.Store.
func (m *mounting) Sending(ctx context.Context, ids []uint64) error {
	if err := m.write(ctx); err != nil {
		return err
	}
	return m.each(ids, func(r *record) { r.sending = true })
}

// Settled implements batcher.Store.
func (m *mounting) Settled(_ context.Context, ids []uint64) error {
	m.world.yield()
	synced := m.world.chance(2)
	return m.each(ids, func(r *record) { r.settled, r.synced = true, synced })
}

// Sync implements batcher.Syncer.
func (m *mounting) Sync(ctx context.Context) error {
	if err := m.write(ctx); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.kept {
		r.synced = r.settled
	}
	return nil
}

// Recover implements batcher.Store.
func (m *mounting) Recover(context.Context) iter.Seq2[batcher.StoredEvent, error] {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.kept = slices.DeleteFunc(m.kept, func(r *record) bool { return r.settled })
	left := slices.Clone(m.kept)
	return func(yield func(batcher.StoredEvent, error) bool) {
		for _, r := range left {
			e := r.StoredEvent
			e.InDoubt = r.sending
			e.JSON = bytes.Clone(e.JSON)
			r.safe = true
			if !yield(e, nil) {
				return
			}
		}
	}
}

// left returns how many events have no result, by the disk.
func (d *disk) left() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := 0
	for _, r := range d.kept {
		if !r.settled {
			n++
		}
	}
	return n
}
