package batcher

// The states of a lane, what can happen to it, and what it does next: the table below is the only place that decides, and stepLocked the
// only one that carries it out.

// status is what a lane is doing.
type status uint8

// The states. A lane is in the hands of one goroutine while it is taken, sending or erasing, and of nobody else then.
const (
	idle    status = iota // nothing waits
	lingers               // events wait for others
	ready                 // it stands in the scheduler's ready queue
	taken                 // a goroutine has it, and sends nothing yet: it looks for what is too old, and for a token
	sending               // a request is under way
	waiting               // it pauses after a failure of its own, until wakeAt; all it had may have expired
	outage                // it pauses because the service was down, until wakeAt or until the service is back
	paused                // it waits for a token: SetToken or Resume
	erasing               // a goroutine drops what it has, see Erase
	ended                 // Close took what was left
	gone                  // it was forgotten: look the player up again
	statuses
)

// laneEvent is something that happens to a lane.
type laneEvent uint8

// The events. Those from picked on are what a goroutine says of the lane that it has.
const (
	tracked    laneEvent = iota // an event was put behind the others
	filled                      // an event was put, and sealed a block
	missed                      // Track looked at it and put nothing
	hurried                     // what waits is to go without lingering
	tokenCame                   // SetToken, and it was not parked
	unparked                    // SetToken or Resume, and it was parked
	rang                        // the time came at which it was to be looked at
	aged                        // its first block is older than MaxAge
	serviceUp                   // the service is back
	eraseBegun                  // Erase was called
	readmitted                  // Readmit was called
	picked                      // a sending goroutine took it out of the ready queue
	looked                      // what must not be sent has its result
	cleared                     // what was too old has its result, and it goes back to its place
	armed                       // there is a token, and the Store knows: the request begins
	replied                     // the request has ended
	through                     // the first block has its result
	repeated                    // what waits is to be sent at once
	failed                      // a request failed, for a reason that may be this player's own
	unserved                    // a request failed because the service is down
	tokenless                   // there is no token, or the service refused it
	closed                      // Close takes what is left
	forgotten                   // it is to be removed, if it is not needed
	laneEvents
)

// action is what a lane does.
type action uint8

// The actions.
const (
	stay   action = iota // what it did before
	rest                 // nothing, until it is forgotten or an event comes
	linger               // wait for more events
	queue                // stand in line
	take                 // be in the hands of the goroutine that took it
	send                 // have a request under way
	wait                 // pause
	hold                 // pause, and go on when the service is back
	park                 // wait for a token
	drop                 // have a goroutine of its own drop what waits
	yield                // the same, where it still stands in line
	shed                 // be in the hands of a goroutine that gives up what is too old
	rearm                // go back to its place: it was looked at too early
	lapse                // ask to be forgotten
	forget               // be removed
	end                  // never again anything
)

// laneFacts are what a lane's next step depends on, beside its state.
type laneFacts struct {
	waits   bool  // it has events to send
	used    bool  // it has events to send or to store
	sealed  bool  // the first block takes no more of them, or is not to linger
	erased  bool  // Erase was called
	parked  bool  // it has no token
	sheds   bool  // it is parked, and too much waits for players without a token
	crowded bool  // a Track waits for room
	due     int64 // when the first block is sent at the latest
	wakeAt  int64
	now     int64
	from    status // its place before a goroutine took it to give up what is too old; idle: none did
}

// decision chooses an action. No decision in the table means that the lane stays as it is.
type decision func(f laneFacts) action

// laneTable is what a lane does next, by its state and by what happened.
var laneTable = [statuses][laneEvents]decision{
	idle: {
		tracked: onward, filled: onward, tokenCame: onward, readmitted: onward,
		missed: func(f laneFacts) action {
			if f.wakeAt > 0 { // somebody will look at it
				return stay
			}
			return rest
		},
		rang: atItsTime(lapse), closed: always(end),
		forgotten: func(f laneFacts) action {
			if f.used || f.erased || f.wakeAt > f.now { // it may have got a token since
				return stay
			}
			return forget
		},
	},
	lingers: {
		filled: onward, tokenCame: onward,
		hurried:    always(queue),
		rang:       atItsTime(queue),
		aged:       always(shed),
		eraseBegun: always(drop),
		closed:     always(end),
	},
	ready: {
		picked:     always(take),
		aged:       always(shed),
		eraseBegun: always(yield),
		closed:     always(end),
	},
	taken: {
		looked: func(f laneFacts) action {
			switch {
			case !f.waits:
				return rest
			case f.erased:
				return drop
			}
			return take
		},
		cleared:   back,
		armed:     unlessErased(send),
		through:   onward,
		repeated:  unlessErased(queue),
		failed:    unlessErased(wait),
		unserved:  unlessErased(hold),
		tokenless: unlessErased(park),
		closed:    always(end),
		forgotten: unlessUsed,
	},
	sending: {
		replied: always(take),
		closed:  always(end),
	},
	waiting: {
		rang: atItsTimeBy(func(f laneFacts) action {
			if !f.waits {
				return rest
			}
			return queue
		}),
		aged:       always(shed),
		eraseBegun: always(drop),
		closed:     always(end),
	},
	outage: {
		rang:       atItsTime(queue),
		serviceUp:  always(queue),
		aged:       always(shed),
		eraseBegun: always(drop),
		closed:     always(end),
	},
	paused: {
		unparked: onward,
		rang: func(f laneFacts) action {
			if f.sheds && f.waits {
				return shed
			}
			return stay
		},
		aged:       always(shed),
		eraseBegun: always(drop),
		closed:     always(end),
	},
	erasing: {
		through:   onward,
		closed:    always(end),
		forgotten: unlessUsed,
	},
}

// onward is the decision of a lane that nothing holds up.
func onward(f laneFacts) action {
	switch {
	case !f.waits:
		return rest
	case f.erased:
		return drop
	case f.sealed || f.due <= f.now || f.crowded:
		return queue
	}
	return linger
}

// back is the decision of a lane that gave up what was too old: it goes on with what it did before. A pause lasts even if nothing
// waits any more, because the service may have asked for it.
func back(f laneFacts) action {
	pauses := f.wakeAt > f.now
	switch {
	case f.from == waiting && pauses && !f.erased:
		return wait
	case !f.waits:
		return rest
	case f.erased:
		return drop
	case f.from == paused && f.parked:
		return park
	case f.from == outage && pauses:
		return hold
	case f.from == lingers || f.from == paused:
		return onward(f)
	}
	return queue
}

func always(a action) decision { return func(laneFacts) action { return a } }

// atItsTime is for a lane whose time came. Between the scheduler's look and this one it may have moved on, and wait for a later time.
func atItsTime(a action) decision { return atItsTimeBy(always(a)) }

func atItsTimeBy(decide decision) decision {
	return func(f laneFacts) action {
		if f.wakeAt > f.now {
			return rearm
		}
		return decide(f)
	}
}

func unlessErased(a action) decision {
	return func(f laneFacts) action {
		switch {
		case !f.waits:
			return rest
		case f.erased:
			return drop
		}
		return a
	}
}

// unlessUsed is for a lane whose last block has its result while its goroutine is not done with it yet: that finds nothing to do then.
func unlessUsed(f laneFacts) action {
	if f.used || f.erased {
		return stay
	}
	return forget
}

func (b *Batcher) factsLocked(l *lane, now int64) laneFacts {
	f := laneFacts{
		waits: l.head != nil, used: l.events > 0, erased: l.erased, parked: l.parked, crowded: b.budget.waiting.Load() > 0,
		wakeAt: l.wakeAt, now: now, from: l.shedFrom,
	}
	if f.waits {
		if f.sealed = l.head.sealed || l.head.hurried; !f.sealed {
			f.due = b.sendByLocked(l)
		}
	}
	if l.status == paused {
		f.sheds = b.parked.gives(l)
	}
	return f
}

// stepLocked decides what a lane does next, carries it out, and says what it was. A lane that lapses, and the place of a
// forgotten one, are left to the caller: the shard's mutex comes before the lane's.
func (b *Batcher) stepLocked(l *lane, e laneEvent, now int64) action {
	decide := laneTable[l.status][e]
	if decide == nil {
		return stay
	}
	next := decide(b.factsLocked(l, now))
	switch next {
	case rest:
		l.status = idle
		l.wakeAt = now + int64(b.cfg.IdleTimeout)
		b.restLocked(l)
	case linger:
		l.status = lingers
		l.wakeAt = b.sendByLocked(l)
		b.sched.place(l, &b.sched.linger, l.wakeAt)
	case queue:
		l.status = ready
		b.sched.enqueue(l, l.head.beginsOnce(), now)
	case take:
		l.status = taken
	case send:
		l.status = sending
	case wait:
		l.status = waiting
		b.sched.place(l, &b.sched.pausing, l.wakeAt)
		b.stir()
	case hold:
		l.status = outage
		b.sched.place(l, &b.sched.pausing, l.wakeAt)
	case park:
		l.parked, l.status = true, paused
		b.parkLocked(l)
	case yield:
		if !b.sched.withdraw(l) {
			return stay // a goroutine is about to begin with it, and finds that it was erased
		}
		b.dropLocked(l)
	case shed:
		if l.status == ready && !b.sched.withdraw(l) {
			return stay // a goroutine is about to begin with it, and gives up what is too old itself
		}
		b.sched.place(l, nil, 0)
		l.shedFrom, l.status = l.status, taken
	case drop:
		b.sched.place(l, nil, 0)
		b.dropLocked(l)
	case rearm:
		b.sched.place(l, b.sched.queueOf(l.status), l.wakeAt)
	case lapse:
		l.wakeAt = 0 // it stands in no queue; where it is needed after all, what happens next finds it as new
	case forget:
		b.sched.place(l, nil, 0)
		l.status = gone
	case end:
		l.status = ended
	}
	return next
}
