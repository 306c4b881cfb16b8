package fleet

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/playline/playline-go/bench/chart"
)

// Options are the flags of the simulation.
type Options struct {
	Game    Game
	Costs   Costs // those that are 0 must be measured
	Daily   []float64
	Picture string
}

// Parse reads the flags.
func Parse(args []string) (Options, error) {
	o := Options{Daily: []float64{1e6, 10e6, 100e6}}
	fs := flag.NewFlagSet("bench -fleet", flag.ContinueOnError)
	fs.Func("daily", "daily players, numbers by comma (default 1e6,1e7,1e8)", func(text string) error {
		o.Daily = nil
		for each := range strings.SplitSeq(text, ",") {
			v, err := strconv.ParseFloat(strings.TrimSpace(each), 64)
			if err != nil || !(v >= 1) || math.IsInf(v, 0) {
				return fmt.Errorf("%q is not a number of players", each)
			}
			o.Daily = append(o.Daily, v)
		}
		return nil
	})
	g := &o.Game
	fs.Float64Var(&g.Minutes, "minutes", 50, "that a daily player plays")
	fs.Float64Var(&g.PerMinute, "per-minute", 6, "events that a player makes per minute of play")
	fs.Float64Var(&g.Peak, "peak", 1.8, "players at the busiest moment, as a multiple of the day's mean, 1 to 2")
	fs.Float64Var(&g.Bytes, "bytes", 160, "of an event")
	fs.DurationVar(&g.Linger, "linger", 30*time.Second, "the batcher's Linger on the relays")
	fs.DurationVar(&g.RoundTrip, "round-trip", 100*time.Millisecond, "of a request to the service")
	fs.Float64Var(&g.InFlight, "in-flight", 512, "requests at once on a relay: MaxInFlight times its partitions")
	fs.Float64Var(&g.Cores, "cores", 4, "of a relay's machine, and of a node's")
	fs.Float64Var(&g.Load, "load", 0.6, "the share of cores, requests at once and streams that a plan may use in normal times")
	fs.DurationVar(&g.Outage, "outage", 15*time.Minute, "how long the service is down, from the busiest moment on")
	fs.DurationVar(&g.CatchUp, "catch-up", 15*time.Minute, "how long the backlog may take after it")
	fs.IntVar(&g.Lost, "lost", 1, "relays, and nodes, that may be down meanwhile")
	fs.IntVar(&g.Replicas, "replicas", 3, "of a message")
	c := &o.Costs
	fs.DurationVar(&c.Event, "cpu-event", 0, "CPU of a relay for an event; 0: measure")
	fs.DurationVar(&c.Request, "cpu-request", 0, "CPU of a relay for a request; 0: measure")
	fs.DurationVar(&c.Message, "cpu-message", 0, "CPU of all nodes for a message; 0: measure")
	fs.Float64Var(&c.Stream, "stream", 0, "messages per second through a stream; 0: measure")
	fs.Float64Var(&c.Stored, "stored", 0, "bytes on disk for a message beyond its event; 0: measure")
	fs.StringVar(&o.Picture, "picture", "", "a file to draw into, .svg or .png")
	if err := fs.Parse(args); err != nil {
		return Options{}, err
	}
	if fs.NArg() > 0 {
		return Options{}, fmt.Errorf("bench -fleet: unexpected argument %q", fs.Arg(0))
	}
	if c.Event < 0 || c.Request < 0 || c.Message < 0 || !(c.Stream >= 0) || !(c.Stored >= 0) {
		return Options{}, errors.New("a cost must not be negative")
	}
	if _, err := chart.Format(o.Picture); err != nil {
		return Options{}, err
	}
	return o, g.Check()
}

// Missing reports whether a cost is not given.
func (c Costs) Missing() bool {
	return c.Event == 0 || c.Request == 0 || c.Message == 0 || c.Stream == 0 || c.Stored == 0
}

// Or fills in what is not given.
func (c Costs) Or(measured Costs) Costs {
	return Costs{
		Event: cmp.Or(c.Event, measured.Event), Request: cmp.Or(c.Request, measured.Request), Message: cmp.Or(c.Message, measured.Message),
		Stream: cmp.Or(c.Stream, measured.Stream), Stored: cmp.Or(c.Stored, measured.Stored),
	}
}

// Run plans every size of the game, prints the plans, and draws them.
func (o Options) Run(out io.Writer) error {
	plans := make([]Plan, 0, len(o.Daily))
	for _, daily := range o.Daily {
		plans = append(plans, Make(o.Game, o.Costs, daily))
	}
	if o.Picture != "" {
		if err := Draw(o.Picture, o.Game, o.Costs, plans); err != nil {
			return fmt.Errorf("-picture: %w", err)
		}
	}
	return Print(out, o.Game, o.Costs, plans)
}
