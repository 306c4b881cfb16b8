package batcher

import (
	"sync"
	"time"
)

// ageLine holds the lanes that have events, by the birth of their first block. It gives up what is
// older than Config.MaxAge, so that nothing depends on a lane's turn: during an outage that may
// never come.
//
// All lanes have the same MaxAge, so one timer for the oldest is enough. It starts a sweep, which
// looks only at lanes with old events. Sweeps are sweepPause apart: a player who goes on playing
// grows too old event by event, and each look copies a block.
type ageLine struct {
	batcher *Batcher

	mu      sync.Mutex // guards the following, and each lane's age. It comes after a lane's mutex
	queue   laneQueue
	timer   *time.Timer
	rings   int64   // when the timer goes off, on the batcher's clock; 0: it is stopped
	swept   int64   // when the last sweep began; 0: none did
	due     []*lane // of the last sweep, not looked at yet
	workers int
	closed  bool
}

const (
	// sweepPause is how much later than MaxAge an event may expire, beside the time that callbacks
	// take.
	sweepPause = 2 * time.Second
	// sweepWorkers is how many goroutines a sweep has: a callback that hangs for one player must not
	// hold up the others.
	sweepWorkers = 4
)

// ageLocked brings the line up to date with a lane whose first block may have changed.
func (b *Batcher) ageLocked(l *lane) {
	a := &b.ages
	a.mu.Lock()
	defer a.mu.Unlock()
	if l.age.queue != nil {
		if l.head != nil && l.age.at == l.head.born {
			return
		}
		a.queue.remove(l)
	}
	if l.head != nil {
		a.queue.add(l, l.head.born)
		a.armLocked()
	}
}

// armLocked sets the timer to the time at which the oldest event has grown too old.
func (a *ageLine) armLocked() {
	first := a.queue.peek()
	if a.batcher.cfg.MaxAge == 0 || a.closed || first == nil {
		return
	}
	at := max(first.age.at+int64(a.batcher.cfg.MaxAge), 1)
	if a.swept > 0 {
		at = max(at, a.swept+int64(sweepPause))
	}
	if a.rings != 0 && a.rings <= at {
		return // a sweep that comes too early finds nothing and sets the timer again
	}
	a.rings = at
	wait := time.Duration(at - a.batcher.now())
	if a.timer == nil {
		a.timer = time.AfterFunc(wait, a.sweep)
	} else {
		a.timer.Reset(wait)
	}
}

// sweep has every lane looked at whose first block is too old. Those that the last sweep has not
// got to come first.
func (a *ageLine) sweep() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.rings = 0
	if a.closed {
		return
	}
	now := a.batcher.now()
	if len(a.due) == 0 {
		if a.due = a.queue.until(now - int64(a.batcher.cfg.MaxAge)); len(a.due) > 0 {
			a.swept = now
		}
	} else {
		a.swept = now
	}
	a.startLocked()
	a.armLocked()
}

// hand has a lane looked at that stepLocked took out of its place already.
func (a *ageLine) hand(l *lane) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.due = append(a.due, l)
	a.startLocked()
}

func (a *ageLine) startLocked() {
	for most := min(sweepWorkers, len(a.due)); a.workers < most && a.batcher.sched.lease(); {
		a.workers++
		go a.work()
	}
}

// work is a goroutine that expires events. Close waits for it as for those that send.
func (a *ageLine) work() {
	defer a.batcher.sched.unlease()
	for l := a.next(); l != nil; l = a.next() {
		a.batcher.shed(l)
	}
}

// next returns the next lane to be looked at. If there is none the goroutine that asked ends.
func (a *ageLine) next() *lane {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.due) == 0 || a.closed {
		a.due = nil
		a.workers--
		return nil
	}
	l := a.due[0]
	a.due = a.due[1:]
	return l
}

// oldest returns how long the oldest event has waited, 0 if none waits.
func (a *ageLine) oldest(now int64) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	first := a.queue.peek()
	if first == nil {
		return 0
	}
	return time.Duration(max(now-first.age.at, 0))
}

// close ends all sweeps.
func (a *ageLine) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
	if a.timer != nil {
		a.timer.Stop()
	}
}

// shed gives up what a lane must not keep any longer, and puts the lane back into its place. It
// does nothing if a goroutine that sends has the lane: the order of a player's outcomes wants that
// one's first. The next sweep looks again.
func (b *Batcher) shed(l *lane) {
	l.mu.Lock()
	if l.shedFrom == idle { // not taken out of its place yet
		now := b.now()
		if l.head == nil || l.head.born > now-int64(b.cfg.MaxAge) || b.stepLocked(l, aged, now) != shed {
			l.mu.Unlock()
			return
		}
	}
	l.mu.Unlock()
	b.giveUpLost(l)
	b.expire(l)
	b.giveUpParked(l)
	l.mu.Lock()
	if l.parked && l.head == nil {
		l.parked = false // a parked player without events would never be forgotten
		b.countParkedLocked(l)
	}
	b.stepLocked(l, cleared, b.now())
	l.shedFrom, l.inLineSince = idle, 0
	l.mu.Unlock()
	b.stir() // Close may have looked while the lane was in no place
}
