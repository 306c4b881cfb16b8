// Package fleet works out how many relays and NATS nodes a game needs. It simulates a day of the
// game, second by second, with an outage and a lost relay at the busiest minute. It uses the
// measured costs of an event, a request and a message.
package fleet

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Game holds the assumptions about the players, the machines and the service.
type Game struct {
	Minutes   float64       // a daily player plays so many minutes per day
	PerMinute float64       // and makes so many events in each of them
	Peak      float64       // players at the busiest moment, as a multiple of the day's mean
	Bytes     float64       // of an event, encoded
	Linger    time.Duration // how long an event waits for others of its player
	RoundTrip time.Duration // of a request to the service
	InFlight  float64       // requests at once of one relay
	Cores     float64       // of a relay's machine, and of a node's
	Load      float64       // the share of the cores, of the requests at once and of a stream that a plan may use in normal times
	Outage    time.Duration // how long the service is down, at the busiest time
	CatchUp   time.Duration // how long after it the backlog may take
	Lost      int           // relays, and nodes, that are down at the busiest time
	Replicas  int           // of each message
}

// Costs are the measured costs.
type Costs struct {
	Event   time.Duration // CPU of a relay for an event: fetched, batched, acknowledged
	Request time.Duration // CPU of a relay for a request, whatever it holds
	Message time.Duration // CPU of all nodes together for a message: stored on all replicas, delivered, acknowledged
	Stream  float64       // messages per second through one stream
	Stored  float64       // bytes on each replica's disk for a message, above those of the event
}

// Check returns an error that names each setting with which no plan is possible.
func (g Game) Check() error {
	var errs []error
	for _, field := range []struct {
		name  string
		value float64
	}{
		{"minutes", g.Minutes},
		{"per-minute", g.PerMinute},
		{"bytes", g.Bytes},
		{"round-trip", float64(g.RoundTrip)},
		{"in-flight", g.InFlight},
		{"cores", g.Cores},
		{"catch-up", float64(g.CatchUp)},
	} {
		if !(field.value > 0) {
			errs = append(errs, fmt.Errorf("-%s must be positive", field.name))
		}
	}
	if g.Minutes > minutesADay {
		errs = append(errs, fmt.Errorf("-minutes: a day has %d", minutesADay))
	}
	if !(g.Peak >= 1 && g.Peak <= 2) {
		errs = append(errs, errors.New("-peak must be from 1 to 2: the day is a cosine around its mean"))
	}
	if !(g.Load > 0 && g.Load <= 1) {
		errs = append(errs, errors.New("-load must be above 0 and at most 1"))
	}
	if g.Linger < 0 || g.Outage < 0 || g.Lost < 0 || g.Replicas < 1 {
		errs = append(errs, errors.New("-linger, -outage and -lost must not be negative, and -replicas at least 1"))
	}
	if g.Outage+g.CatchUp > 3*time.Hour {
		errs = append(errs, errors.New("-outage and -catch-up together must be 3h at most"))
	}
	return errors.Join(errs...)
}

const (
	minutesADay = 24 * 60
	busiest     = 20 * time.Hour // of the day
	most        = 200            // events in a request
)

// online returns how many of the daily players play at a time of the day.
func (g Game) online(daily float64, at time.Duration) float64 {
	phase := 2 * math.Pi * (at - busiest).Hours() / 24
	return daily * g.Minutes / minutesADay * (1 + (g.Peak-1)*math.Cos(phase))
}

// batch returns how many events one request holds in normal times: the first one, and those that
// arrive while it lingers.
func (g Game) batch() float64 {
	return min(most, 1+g.PerMinute/60*g.Linger.Seconds())
}

// Fleet is the number of relays, nodes and streams.
type Fleet struct{ Relays, Nodes, Streams int }

// Plan is what a game of one size needs.
type Plan struct {
	Daily    float64
	Online   float64 // players at the busiest moment
	Events   float64 // per second then
	Requests float64 // per second then
	Batch    float64 // events per request then
	Fleet    Fleet   // with those that may be lost
	Why      string  // what decides the number of relays
	Disk     float64 // bytes on each node at most
	Day      Day
}

// Make finds the smallest fleet that gets through the day even without the machines it may lose.
// Before the outage such a fleet stays within its load, and after it the fleet catches up in time.
func Make(g Game, c Costs, daily float64) Plan {
	p := Plan{Daily: daily, Online: g.online(daily, busiest), Batch: g.batch()}
	p.Events = p.Online * g.PerMinute / 60
	p.Requests = p.Events / p.Batch

	cpu := (p.Events*c.Event.Seconds() + p.Requests*c.Request.Seconds()) / (g.Cores * g.Load)
	flight := p.Requests * g.RoundTrip.Seconds() / (g.InFlight * g.Load)
	left := Fleet{
		Relays:  ceil(max(cpu, flight)),
		Nodes:   max(g.Replicas-g.Lost, ceil(p.Events*c.Message.Seconds()/(g.Cores*g.Load))),
		Streams: ceil(p.Events / (c.Stream * g.Load)),
	}
	p.Why = "CPU"
	if flight > cpu {
		p.Why = "requests at once"
	}
	for {
		p.Day = g.play(c, daily, left)
		if p.Day.CaughtUp <= g.CatchUp {
			break
		}
		p.Why = g.grow(c, &left, p)
	}
	p.Fleet = Fleet{left.Relays + g.Lost, left.Nodes + g.Lost, left.Streams}
	p.Disk = p.Day.Backlog * (g.Bytes + c.Stored) * float64(g.Replicas) / float64(left.Nodes)
	return p
}

// grow adds two percent to the part that slows a fleet down as it catches up. It returns what then
// decides the number of relays.
func (g Game) grow(c Costs, f *Fleet, p Plan) string {
	size := min(most, max(p.Batch, p.Day.Backlog/p.Online))
	relays, nodes, streams := size*g.requests(c, f.Relays, size), g.messages(c, f.Nodes), float64(f.Streams)*c.Stream
	switch min(relays, nodes, streams) {
	case relays:
		f.Relays += ceil(float64(f.Relays) / 50)
		return "catching up"
	case nodes:
		f.Nodes += ceil(float64(f.Nodes) / 50)
	default:
		f.Streams += ceil(float64(f.Streams) / 50)
	}
	return p.Why
}

// ceil returns at least 1.
func ceil(v float64) int { return max(1, int(math.Ceil(v-1e-9))) }
