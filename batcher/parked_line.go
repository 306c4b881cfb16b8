package batcher

import (
	"container/list"
	"fmt"
	"sync"
)

// parkedLine is the players without a token by when they were parked, and how much waits for them, which Config.MaxParkedBytes can bound.
type parkedLine struct {
	limit int

	mu    sync.Mutex // guards the following, and the places. It comes after a lane's mutex and before the scheduler's
	bytes int
	lanes list.List // of *lane, those that were parked first in front
}

// place is where a lane stands in the line.
type place struct {
	at    *list.Element
	bytes int
}

// count returns how many players are parked.
func (p *parkedLine) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lanes.Len()
}

// all returns the lanes of those players.
func (p *parkedLine) all() []*lane {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]*lane, 0, p.lanes.Len())
	for at := p.lanes.Front(); at != nil; at = at.Next() {
		all = append(all, at.Value.(*lane)) //nolint:errcheck // the list holds nothing else
	}
	return all
}

// note notes how much of a lane waits for a token; 0: it is not parked, or has nothing. It returns the lane that must give something up,
// nil where none must.
func (p *parkedLine) note(l *lane, bytes int) *lane {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case l.place != nil:
		p.bytes -= l.place.bytes
		if bytes == 0 {
			p.lanes.Remove(l.place.at)
			l.place = nil
		}
	case bytes > 0:
		l.place = &place{at: p.lanes.PushBack(l)}
	}
	if bytes > 0 {
		l.place.bytes = bytes
		p.bytes += bytes
	}
	if p.limit == 0 || p.bytes <= p.limit {
		return nil
	}
	return p.lanes.Front().Value.(*lane) //nolint:errcheck // the list holds nothing else
}

// gives reports whether a lane must give something up: too much waits, and it was parked before all others.
func (p *parkedLine) gives(l *lane) bool {
	if p.limit == 0 {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.bytes > p.limit && l.place != nil && p.lanes.Front() == l.place.at
}

// countParkedLocked brings the line up to date with a lane that was or is parked.
func (b *Batcher) countParkedLocked(l *lane) {
	waits := 0
	if l.parked {
		waits = l.bytes
	}
	if first := b.parked.note(l, waits); first != nil {
		b.sched.nudge(first) // not now: another lane's mutex may be held
	}
}

// giveUpParked expires the oldest events of a lane that was parked before all others, until no more waits for players without a token than
// may, or none is left of it.
func (b *Batcher) giveUpParked(l *lane) {
	for b.parked.gives(l) {
		l.mu.Lock()
		if l.status == ended || !l.parked || l.head == nil {
			l.mu.Unlock()
			return
		}
		l.head.sealed = true
		blk := l.head
		l.mu.Unlock()
		err := fmt.Errorf("batcher: more than %d bytes wait for players without a token, and this one has had none for the longest time", b.parked.limit)
		if !b.resolve(l, blk, Expired, err) {
			return
		}
		l.mu.Lock()
		b.countParkedLocked(l)
		l.mu.Unlock()
	}
}
