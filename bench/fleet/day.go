package fleet

import (
	"math"
	"time"
)

// Day is what happened in a day of the game.
type Day struct {
	Events    float64       // in the whole day
	Delivered float64       // of them
	Backlog   float64       // most events waiting at once
	Most      float64       // most events delivered in one second
	CaughtUp  time.Duration // from the end of the outage until its backlog is gone
	Minutes   []Minute
}

// Minute is a sample at the end of a minute of the day.
type Minute struct {
	At      time.Duration
	Events  float64 // made per second
	Sent    float64 // delivered per second
	Backlog float64 // waiting, without those that linger
}

// play simulates a day of the game in steps of one second, with one fleet. Events that only linger
// do not count as backlog.
func (g Game) play(c Costs, daily float64, f Fleet) Day {
	var d Day
	down, up := busiest, busiest+g.Outage
	var backlog, usual float64
	d.CaughtUp = -1
	for at := time.Duration(0); at < 24*time.Hour; at += time.Second {
		online := g.online(daily, at)
		made := online * g.PerMinute / 60
		d.Events += made
		backlog += made
		var sent float64
		if at < down || at >= up {
			paced := math.Inf(1)
			if at >= up && d.CaughtUp < 0 {
				paced = g.pace(usual, float64(f.Relays), at-up)
			}
			size := min(most, max(g.batch(), backlog/max(online, 1)))
			sent = min(backlog, size*min(paced, g.requests(c, f.Relays, size)), g.messages(c, f.Nodes), float64(f.Streams)*c.Stream)
		}
		backlog -= sent
		if backlog < 1e-6*made {
			backlog = 0
		}
		d.Delivered += sent
		if at < down {
			usual = sent / g.batch()
		}
		if at >= up && d.CaughtUp < 0 && backlog == 0 {
			d.CaughtUp = at - up
		}
		d.Backlog, d.Most = max(d.Backlog, backlog), max(d.Most, sent)
		if (at+time.Second)%time.Minute == 0 {
			d.Minutes = append(d.Minutes, Minute{At: at + time.Second, Events: made, Sent: sent, Backlog: backlog})
		}
	}
	if d.CaughtUp < 0 {
		d.CaughtUp = 24*time.Hour - up
	}
	return d
}

// requests returns how many requests of a given size the relays can send per second. Their cores
// and their limit of concurrent requests bound it.
func (g Game) requests(c Costs, relays int, size float64) float64 {
	cpu := g.Cores / (size*c.Event.Seconds() + c.Request.Seconds())
	flight := g.InFlight / g.RoundTrip.Seconds()
	return float64(relays) * min(cpu, flight)
}

// messages returns how many messages the nodes can store and deliver per second.
func (g Game) messages(c Costs, nodes int) float64 {
	return float64(nodes) * g.Cores / c.Message.Seconds()
}

// pace returns the request rate to which the batcher of each relay limits itself after an outage:
// twice the usual rate, or MaxInFlight per second if that is more. It doubles every ten seconds.
func (g Game) pace(usual, relays float64, since time.Duration) float64 {
	return max(2*usual, relays*g.InFlight) * math.Exp2(math.Floor(since.Seconds()/10))
}
