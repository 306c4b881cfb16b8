package batcher

import "time"

// A service that refuses every event of every player is more likely to be asked wrongly, with a GameID that is none of its own, than to be given
// only bad events. So before all of them are rejected the batcher holds them, says so, and probes.

// AllRefused is what Config.OnAllRefused is told: the service refuses everything, so the batcher rejects nothing more, and probes with single
// events. It ends by itself when the service takes one, or with Batcher.RejectRefused.
type AllRefused struct {
	Rejected int   // events that were rejected in a row before
	Cause    error // the last refusal
}

// refusals counts what the service refused since it last took anything. The scheduler's mutex guards it.
type refusals struct {
	singles int               // events that were refused alone
	lanes   map[*lane]*strike // of these players
	struck  int               // players of whom everything was refused
	held    bool              // nothing is rejected any more
	goOn    bool              // RejectRefused was called
}

// strike is what was refused of one player.
type strike struct {
	singles int
	out     bool // it counts as one of whom everything was refused
}

const (
	refusedPlayers = 3  // so many players of whom everything was refused are too many
	refusedSingles = 10 // with fewer players: so many single events
	refusedOfOne   = 3  // so many of one player, one after the other, are everything
	refusedLanes   = 256
)

// refuse notes that a single event was refused, and reports whether it is to be rejected. Wholly says that nothing was taken of the request in
// which the event first stood, and nothing is left of that.
func (r *refusals) refuse(l *lane, wholly bool) (reject, begins bool) {
	switch {
	case r.goOn:
		return true, false
	case r.held:
		return false, false
	}
	if r.lanes == nil {
		r.lanes = map[*lane]*strike{}
	}
	s := r.lanes[l]
	if s == nil {
		s = &strike{}
		if len(r.lanes) < refusedLanes {
			r.lanes[l] = s
		}
	}
	s.singles++
	if !s.out && (wholly || s.singles >= refusedOfOne) {
		s.out = true
		r.struck++
	}
	if r.struck >= refusedPlayers || len(r.lanes) < refusedPlayers && r.singles+1 >= refusedSingles {
		r.held = true
		return false, true
	}
	r.singles++
	return true, false
}

// refuse is refusals.refuse under the scheduler's mutex.
func (s *scheduler) refuse(l *lane, wholly bool) (reject, begins bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gate.refusals.refuse(l, wholly)
}

// RejectRefused ends the hold that Config.OnAllRefused told of: what the service refuses is rejected again, until it takes an event. Call it if
// the refusals are right, and the events of all players are bad. Without a hold it does nothing.
func (b *Batcher) RejectRefused() {
	s := &b.sched
	s.mu.Lock()
	held := s.gate.refusals.held
	if held {
		s.gate.refusals = refusals{goOn: true}
		s.gate.open(b.now())
		s.startLocked()
	}
	s.mu.Unlock()
	if held {
		b.cfg.Log.Info("batcher: what the service refuses is rejected again: RejectRefused was called")
		b.wakeDown()
	}
}

// sayAllRefused tells of a hold. It runs on a sending goroutine, without a lock.
func (b *Batcher) sayAllRefused(news gateNews) {
	b.cfg.Log.Error("batcher: the service refuses every event: nothing more is rejected, single events probe; is Config.GameID right?",
		"rejected", news.rejected, "cause", news.why, "for", news.lasts.Round(time.Second))
	if b.cfg.OnAllRefused != nil && news.change == gateHeld {
		b.cfg.OnAllRefused(AllRefused{Rejected: news.rejected, Cause: news.cause})
	}
}
