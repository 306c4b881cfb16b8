package batcher

import (
	"math/rand/v2"
	"time"
)

// sight is what one send told about the service as a whole.
type sight struct {
	down       bool // it did not answer, or said that it cannot
	retryAfter time.Duration
	none       bool // nothing was sent
	passed     bool // the probe went to another lane meanwhile
}

// gate is what all lanes share while the service is down: it shuts after several failures in a row, lets one probe through after
// a pause, and opens by and by once one is answered: few requests at once, then not many more a second than usual. So an outage costs a request a second, not one a player.
type gate struct {
	shut     bool
	probing  bool
	until    int64 // no probe before
	failures int   // in a row, over all lanes
	pauses   int   // since it shut
	ramp     int   // requests allowed at once at the start and after it opened; 0: as many as configured
	rampAt   int64 // when it doubles by itself
	pace     pace
}

// The gate's numbers. A pause of a second at most keeps Close quick after an outage, and so does not waiting longer for the token of the
// one player who is to probe.
const (
	gateFailures  = 3
	rampPause     = time.Second
	gatePause     = 500 * time.Millisecond
	gateMaxPause  = time.Second
	probePatience = time.Second
)

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
	}
	switch {
	case seen.none:
	case !seen.down:
		if g.shut {
			g.shut, g.ramp, g.rampAt = false, 1, 0
			g.pace.opens(now)
		}
		g.failures = 0
		if g.ramp > 0 {
			g.widen(cfg.MaxInFlight)
		}
	case g.shut && !probe: // it was under way when the gate shut
		g.until = max(g.until, now+int64(min(seen.retryAfter, cfg.MaxRetryAfter)))
	default:
		if g.failures++; g.failures < gateFailures && !g.shut {
			return
		}
		if !g.shut {
			g.shut, g.pauses, g.ramp = true, 0, 0
			g.pace.shut(now)
		}
		pause := min(gatePause<<min(g.pauses, 8), gateMaxPause)
		// A twentieth at random keeps the probes of many game servers apart.
		pause -= rand.N(pause/20 + 1)
		g.pauses++
		g.until = now + int64(max(pause, min(seen.retryAfter, cfg.MaxRetryAfter)))
	}
}

// gateChange is what one send did to the gate.
type gateChange uint8

const (
	gateSame gateChange = iota
	gateShut
	gateOpened
)
