package main

import (
	"math/rand/v2"
	"time"
)

// soakPlan is the schedule of a soak. The worker follows it and the report reads it; the sink does
// not know it.
//
//	0         the healthy players and those with short tokens play
//	Mixed     those with bad tokens and the one who sends garbage join
//	Outage    a third 503, a third resets (in its first half after storing), a third hangs
//	Recovery  the service is back
//	End       the last event
//
// Half, in the middle, is when good tokens replace the bad ones.
type soakPlan struct {
	Players  int           `json:"players"`
	Rate     int           `json:"rate"`  // events/s
	Limit    int           `json:"limit"` // requests/s that the client's limiter allows; 0: it has none
	Mixed    time.Duration `json:"mixed"`
	Outage   time.Duration `json:"outage"`
	Recovery time.Duration `json:"recovery"`
	End      time.Duration `json:"end"`
	Linger   time.Duration `json:"linger"`
	Lifetime time.Duration `json:"lifetime"` // of the short tokens
	Tick     time.Duration `json:"tick"`     // between two samples
	Close    time.Duration `json:"close"`    // how long Close has
}

// soakTime is the default length of a soak. A shorter soak keeps all proportions. It also has fewer
// players, so that a request holds as many events.
const soakTime = 3 * time.Minute

func newSoakPlan(o options) soakPlan {
	d, players, rate := soakTime, 100_000, 20_000
	if o.smoke {
		d, players, rate = 3*time.Second, 6_000, 4_000
	}
	if o.duration > 0 {
		d = o.duration
	}
	share := min(float64(d)/float64(soakTime), 1)
	if players = int(float64(players) * share); o.players > 0 {
		players = o.players
	}
	if o.rate > 0 {
		rate = o.rate
	}
	of := func(full time.Duration) time.Duration { return time.Duration(float64(full) * share) }
	p := soakPlan{
		Players: max(players, 100), Rate: rate, Limit: o.limit, Mixed: d / 6, Outage: d / 3, End: d,
		Linger: max(of(5*time.Second), 10*time.Millisecond), Lifetime: max(of(30*time.Second), 2*time.Second),
		Tick: max(of(time.Second), 20*time.Millisecond), Close: max(of(time.Minute), 20*time.Second),
	}
	if o.smoke {
		p.Close = 5 * time.Minute // of a busy machine; what Close takes means nothing here
	}
	p.Recovery = p.Outage + of(time.Minute)
	return p
}

// events returns the number of events in a soak.
func (p soakPlan) events() int { return int(float64(p.Rate) * p.End.Seconds()) }

// The players by number: one that sends garbage, 1 % with a bad token, 5 % with short-lived tokens,
// and the healthy ones.
const garbagePlayer = 0

func (p soakPlan) firstShort() int   { return 1 + p.Players/100 }
func (p soakPlan) firstHealthy() int { return p.firstShort() + p.Players/20 }

func (p soakPlan) hasBadToken(player int) bool {
	return player > garbagePlayer && player < p.firstShort()
}

func (p soakPlan) hasShortToken(player int) bool {
	return player >= p.firstShort() && player < p.firstHealthy()
}

// next draws the player of the next event, and whether the event is garbage. The garbage player has
// ten events per second, and every fourth of them is garbage. The others play at random.
func (p soakPlan) next(eid int, at time.Duration) (player int, garbage bool) {
	every := max(p.Rate/10, 2)
	switch {
	case at < p.Mixed:
		return p.firstShort() + rand.IntN(p.Players-p.firstShort()), false
	case eid%every == 0:
		return garbagePlayer, eid/every%4 == 0
	}
	return 1 + rand.IntN(p.Players-1), false
}

// soakPhase is a part of a soak with figures of its own.
type soakPhase struct {
	Name  string        `json:"name"`
	Start time.Duration `json:"start"`
	End   time.Duration `json:"end"`
}

// phases returns the parts. The first begins after two lingers, because the first batches of all
// players come at once. The second ends two lingers before the outage: a later event may still
// linger when the outage begins, and then waits for its end. Drained is when the events held up by
// the outage were delivered, or End if that never happened. The last phase ends a linger before the
// end, because Close sends later events at once.
func (p soakPlan) phases(drained time.Duration) []soakPhase {
	return []soakPhase{
		{"healthy players alone", min(2*p.Linger, p.Mixed), p.Mixed},
		{"with the bad ones", p.Mixed, max(p.Outage-2*p.Linger, p.Mixed)},
		{"outage", p.Outage, p.Recovery},
		{"draining", p.Recovery, drained},
		{"drained", drained, max(p.End-p.Linger, drained)},
	}
}
