package batcher

import (
	"math/rand/v2"
	"time"
)

// sight is what one send told about the service as a whole.
type sight struct {
	down       bool // it did not answer, or said that it cannot
	retryAfter time.Duration
	none       bool // nothing was sent, or what came of it is about one player alone
	timedOut   bool // it took too long
	passed     bool // the probe went to another lane meanwhile
	delivered  bool // it took what was sent
	holds      bool // it refused so much that nothing more is rejected
	began      int64
	failure    Failure // of the request, if it failed
	why        string  // in words fit for a log
	cause      error
}

// gate is what all lanes share while the service is down: it shuts after several failures in a row, lets one probe through after
// a pause, and opens in steps once one is answered: few requests at once, then not many more per second than usual. So an outage costs a request
// per second, not one per player.
type gate struct {
	shut     bool
	probing  bool
	until    int64 // no probe before
	failures int   // in a row, over all lanes
	pauses   int   // since it shut
	ramp     int   // requests allowed at once at the start and after it opened; 0: as many as configured
	rampAt   int64 // when it doubles by itself
	opened   int64 // when it last opened
	pace     pace
	refusals refusals
	slow     int // probes in a row that took too long

	failure Failure // of the request that counted last
	why     string
	cause   error
	since   int64 // when it shut
	said    int64 // when the log was last told that it is shut
}

// The gate's numbers. A pause of a second at most keeps Close quick after an outage, and so does not waiting longer for the token of the
// one player who is to probe.
const (
	gateFailures  = 3
	rampPause     = time.Second
	gatePause     = 500 * time.Millisecond
	gateMaxPause  = time.Second
	probePatience = time.Second
	gateSays      = time.Minute // the log is told again that the service is down
)

// probeTimes are how long probes may take, one after the other that takes too long: a service that is back must not wait for one that hangs, and
// one that is slow must not be held down.
var probeTimes = [...]time.Duration{5 * time.Second, 10 * time.Second, 20 * time.Second, 30 * time.Second, never}

func (g *gate) allows(inFlight, most int, now int64) (allowed, probe bool) {
	if g.shut {
		if g.probing || now < g.until || inFlight >= most {
			return false, false
		}
		g.probing = true
		return true, true
	}
	if g.ramp > 0 && now >= g.rampAt {
		// Who comes first may have a token source or a request that hangs, and must not hold up the others for as long.
		if g.rampAt > 0 {
			g.widen(most)
		}
		g.rampAt = now + int64(rampPause)
	}
	return inFlight < g.atOnce(most) && g.pace.allows(now, most), false
}

// widen doubles how many requests may be under way at once.
func (g *gate) widen(most int) {
	if g.ramp *= 2; g.ramp >= most {
		g.ramp = 0
	}
}

// atOnce is how many requests may be under way while the gate is open. As long as it is not known whether the service is well, none takes
// the place of one that failed.
func (g *gate) atOnce(most int) int {
	if g.ramp > 0 {
		return max(min(most, g.ramp)-g.failures, 1)
	}
	return most
}

func (g *gate) observe(seen sight, probe bool, now int64, cfg Config) {
	if probe {
		g.probing = false
		if seen.timedOut {
			g.slow++
		}
	}
	if seen.down && !seen.none || seen.holds {
		g.failure, g.why, g.cause = seen.failure, seen.why, seen.cause
	}
	if seen.delivered {
		g.refusals = refusals{}
	}
	switch {
	case seen.none:
	case seen.holds:
		g.shutNow(now)
		g.pauseFrom(now, 0)
	case !seen.down && g.refusals.held && !seen.delivered: // an answer, and no event taken: the hold goes on
		if probe {
			g.pauseFrom(now, 0)
		}
	case !seen.down:
		if g.shut {
			g.open(now)
		}
		g.failures = 0
		if g.ramp > 0 {
			g.widen(cfg.MaxInFlight)
		}
	case seen.began < g.opened && !g.shut: // it was sent while the service was down, and says nothing about now
	case g.shut && !probe: // it was under way when the gate shut
		g.until = max(g.until, now+int64(min(seen.retryAfter, cfg.MaxRetryAfter)))
	default:
		if g.failures++; g.failures < gateFailures && !g.shut {
			return
		}
		g.shutNow(now)
		g.pauseFrom(now, min(seen.retryAfter, cfg.MaxRetryAfter))
		if seen.timedOut && probe { // that was a pause
			g.until = now + int64(gatePause/5)
		}
	}
}

// shutNow shuts the gate, where it is open.
func (g *gate) shutNow(now int64) {
	if g.shut {
		return
	}
	g.shut, g.pauses, g.ramp = true, 0, 0
	g.since, g.said = now, now
	g.pace.shut(now)
}

// open opens the gate a little.
func (g *gate) open(now int64) {
	g.shut, g.ramp, g.rampAt, g.failures, g.opened = false, 1, 0, 0, now
	g.slow = 0
	g.pace.opens(now)
}

// pauseFrom sets when the next probe may go.
func (g *gate) pauseFrom(now int64, retryAfter time.Duration) {
	pause := min(gatePause<<min(g.pauses, 8), gateMaxPause)
	// A twentieth at random keeps the probes of many game servers apart.
	pause -= rand.N(pause/20 + 1)
	g.pauses++
	g.until = now + int64(max(pause, retryAfter))
}

// news says what one send did to the gate, and every gateSays that it is still shut.
func (g *gate) news(wasShut, wasHeld bool, now int64) gateNews {
	n := gateNews{failure: g.failure, why: g.why, cause: g.cause, held: g.refusals.held, rejected: g.refusals.singles, lasts: time.Duration(now - g.since)}
	switch {
	case wasShut && !g.shut:
		n.change = gateOpened
	case !wasHeld && g.refusals.held && g.shut:
		n.change = gateHeld
	case !wasShut && g.shut:
		n.change = gateShut
	case g.shut && now-g.said >= int64(gateSays):
		g.said, n.change = now, gateStill
	}
	return n
}

// gateNews is what one send did to the gate, for the log.
type gateNews struct {
	change   gateChange
	failure  Failure
	why      string
	cause    error
	rejected int
	held     bool
	lasts    time.Duration // how long it has been shut
}

// gateChange is what one send did to the gate.
type gateChange uint8

const (
	gateSame gateChange = iota
	gateShut
	gateHeld // because everything is refused
	gateStill
	gateOpened
)
