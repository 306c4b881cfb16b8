package batcher

import (
	"sync"
	"time"
)

// scheduler decides which lane is sent next, and when. It has no goroutine of its own: a lane that becomes ready starts a sending
// goroutine while fewer than maxInFlight run, one that ends takes the next lane, and a single timer wakes what waits for a time.
type scheduler struct {
	batcher *Batcher

	mu       sync.Mutex // guards the following
	ready    laneQueue
	linger   laneQueue
	idle     laneQueue
	pausing  laneQueue // after a failure, or because too much waits for players without a token
	inFlight int
	leases   int // goroutines that erase
	gate     gate
	timer    *time.Timer
	rings    int64         // when the timer goes off, on the batcher's clock; 0: it is stopped
	closed   bool          // no sending any more
	quiet    chan struct{} // closed when the last goroutine of a closed scheduler ends
}

// enqueue puts a lane into the ready queue; its status says that it stands there. A lane that was
// withdrawn to give up what was too old gets its old place back: otherwise a player whose events
// expire one by one would always be the last in line.
func (s *scheduler) enqueue(l *lane, once bool, now int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := l.inLineSince
	if at == 0 {
		at = now
		if last := s.ready.last; last != nil {
			at = max(at, last.spot.at)
		}
	}
	s.placeLocked(l, &s.ready, at)
	l.spot.once = once
	s.startLocked()
}

// startLocked begins to send as many lanes as may be sent now, and sets the timer.
func (s *scheduler) startLocked() {
	for {
		l, probe := s.nextLocked()
		if l == nil {
			break
		}
		go s.batcher.work(l, probe)
	}
	s.armLocked()
}

// nextLocked takes the next lane out of the ready queue, if one may be sent now.
func (s *scheduler) nextLocked() (l *lane, probe bool) {
	if s.closed {
		return nil, false
	}
	now, closing := s.batcher.now(), s.batcher.closed.Load()
	if s.ready.count == 0 || closing {
		s.gate.pace.ends(now, closing)
	}
	if s.ready.count == 0 {
		return nil, false
	}
	allowed, probe := s.gate.allows(s.inFlight, s.batcher.cfg.MaxInFlight, now)
	if !allowed {
		return nil, false
	}
	s.inFlight++
	if l = s.ready.peek(); probe && l.spot.once {
		l = s.toProbe(l)
	}
	s.placeLocked(l, nil, 0)
	return l, probe
}

// toProbe returns the first lane in line whose first event may be sent again, and first where there is none: a probe may be lost.
func (s *scheduler) toProbe(first *lane) *lane {
	for l := s.ready.first; l != nil; l = l.spot.next {
		if !l.spot.once {
			return l
		}
	}
	for _, l := range s.ready.others.lanes {
		if !l.spot.once {
			return l
		}
	}
	return first
}

// probeTime returns how long the next probe may take.
func (s *scheduler) probeTime() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return min(probeTimes[min(s.gate.slow, len(probeTimes)-1)], s.batcher.cfg.SendTimeout)
}

// finish ends one send and returns the next lane for the same goroutine.
func (s *scheduler) finish(seen sight, probe bool) (l *lane, nextProbe bool, news gateNews) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inFlight--
	now, wasShut, wasHeld := s.batcher.now(), s.gate.shut, s.gate.refusals.held && s.gate.shut
	s.gate.observe(seen, probe && !seen.passed, now, s.batcher.cfg)
	news = s.gate.news(wasShut, wasHeld, now)
	if l, nextProbe = s.nextLocked(); l != nil {
		s.startLocked() // a gate that opens may allow more
		return l, nextProbe, news
	}
	s.armLocked()
	s.restLocked()
	return nil, false, news
}

// withdraw takes a lane out of the ready queue, and notes since when it stood there. It returns false
// if a sending goroutine has taken it out already. The lane's mutex is held.
func (s *scheduler) withdraw(l *lane) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.spot.queue != &s.ready {
		return false
	}
	l.inLineSince = l.spot.at
	s.placeLocked(l, nil, 0)
	return true
}

// lease lets a goroutine work on a lane without sending. Close waits for it as for those that send. It returns false where the scheduler
// is closed.
func (s *scheduler) lease() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.leases++
	return true
}

// unlease ends a lease.
func (s *scheduler) unlease() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leases--
	s.restLocked()
}

// restLocked tells Close when the last goroutine has ended.
func (s *scheduler) restLocked() {
	if s.closed && s.inFlight+s.leases == 0 {
		close(s.quiet)
	}
}

// lend lets the next lane probe unless this one asks for its probe back soon: its token is being fetched, and a source that hangs for
// one player must not hold up the others. Back says whether the lane still has it.
func (s *scheduler) lend() (back func() bool) {
	return time.AfterFunc(probePatience, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.gate.probing = false
		s.startLocked()
	}).Stop
}

// place puts a lane into a queue, and out of the one in which it stood.
func (s *scheduler) place(l *lane, queue *laneQueue, at int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.placeLocked(l, queue, at)
	s.armLocked()
}

func (s *scheduler) placeLocked(l *lane, queue *laneQueue, at int64) {
	if l.spot.queue != nil {
		l.spot.queue.remove(l)
	}
	if queue != nil {
		queue.add(l, at)
	}
}

// queueOf returns the queue of the lanes in a state, where they wait for a time.
func (s *scheduler) queueOf(state status) *laneQueue {
	switch state {
	case idle:
		return &s.idle
	case lingers:
		return &s.linger
	}
	return &s.pausing
}

// nudge has a parked lane looked at soon. One that is not parked any more has its place already.
func (s *scheduler) nudge(l *lane) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.spot.queue == nil || l.spot.queue == &s.pausing {
		s.placeLocked(l, &s.pausing, s.batcher.now())
		s.armLocked()
	}
}

// takeLingering returns the lanes that linger, whose turn the caller is about to bring forward. Each stands in no queue then.
func (s *scheduler) takeLingering() []*lane {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*lane
	for l := s.linger.peek(); l != nil; l = s.linger.peek() {
		all = append(all, l)
		s.placeLocked(l, nil, 0)
	}
	return all
}

// armLocked sets the timer to the next time at which something may have to be done.
func (s *scheduler) armLocked() {
	at := int64(0)
	sooner := func(t int64) {
		if at == 0 || t < at {
			at = max(t, 1)
		}
	}
	for _, queue := range [...]*laneQueue{&s.linger, &s.idle, &s.pausing} {
		if l := queue.peek(); l != nil {
			sooner(l.spot.at)
		}
	}
	if s.gate.shut && !s.gate.probing && s.ready.count > 0 && s.inFlight < s.batcher.cfg.MaxInFlight {
		sooner(s.gate.until)
	}
	if s.gate.pace.bounds && s.ready.count > 0 && s.inFlight < s.gate.atOnce(s.batcher.cfg.MaxInFlight) {
		// The timer is not set for less than a millisecond; what it misses is made up for.
		sooner(max(s.gate.pace.next, s.batcher.now()+int64(time.Millisecond)))
	}
	if s.gate.ramp > 0 && !s.gate.shut && s.ready.count > 0 {
		sooner(s.gate.rampAt)
	}
	if s.closed || at == 0 || s.rings != 0 && s.rings <= at {
		return // a timer that goes off too early finds nothing to do and sets itself again
	}
	s.rings = at
	wait := time.Duration(at - s.batcher.now())
	if s.timer == nil {
		s.timer = time.AfterFunc(wait, s.tick)
	} else {
		s.timer.Reset(wait)
	}
}

// tick looks at every lane whose time has come. It takes them out under its lock and looks at them without: a lane's mutex comes
// before the scheduler's.
func (s *scheduler) tick() {
	var due []*lane
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.rings = 0
	now := s.batcher.now()
	for _, queue := range [...]*laneQueue{&s.linger, &s.idle, &s.pausing} {
		for l := queue.peek(); l != nil && l.spot.at <= now; l = queue.peek() {
			due = append(due, l)
			s.placeLocked(l, nil, 0)
		}
	}
	s.startLocked()
	s.mu.Unlock()
	for _, l := range due {
		s.batcher.ring(l, now)
	}
}

// close ends all sending. It returns a channel that is closed when the last goroutine that sends or erases has ended.
func (s *scheduler) close() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.closed = true
		s.quiet = make(chan struct{})
		if s.timer != nil {
			s.timer.Stop()
		}
		s.restLocked()
	}
	return s.quiet
}
