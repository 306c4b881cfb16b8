package fleet

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The simulated day: everything arrives, and fewer machines are too few.

func game() Game {
	return Game{
		Minutes: 50, PerMinute: 6, Peak: 1.8, Bytes: 160, Linger: 5 * time.Second, RoundTrip: 100 * time.Millisecond, InFlight: 64,
		Cores: 4, Load: 0.6, Outage: 15 * time.Minute, CatchUp: 15 * time.Minute, Lost: 1, Replicas: 3,
	}
}

func costs() Costs {
	return Costs{Event: 5 * time.Microsecond, Request: 60 * time.Microsecond, Message: 30 * time.Microsecond, Stream: 100_000, Stored: 100}
}

func TestADayDeliversAllThatWasMade(t *testing.T) {
	for name, change := range map[string]func(*Game){
		"as it is":         func(*Game) {},
		"no outage":        func(g *Game) { g.Outage = 0 },
		"no linger":        func(g *Game) { g.Linger = 0 },
		"a long outage":    func(g *Game) { g.Outage = 2 * time.Hour; g.CatchUp = time.Hour },
		"a slow service":   func(g *Game) { g.RoundTrip = 2 * time.Second },
		"the same all day": func(g *Game) { g.Peak = 1 },
	} {
		t.Run(name, func(t *testing.T) {
			g := game()
			change(&g)
			require.NoError(t, g.Check())
			p := Make(g, costs(), 1e6)
			assert.InEpsilon(t, 1e6*g.Minutes*g.PerMinute, p.Day.Events, 1e-3, "players times minutes times events a minute")
			assert.InEpsilon(t, p.Day.Events, p.Day.Delivered, 1e-6)
			assert.LessOrEqual(t, p.Day.CaughtUp, g.CatchUp)
			assert.Len(t, p.Day.Minutes, 1440)
			if g.Outage > 0 {
				assert.InEpsilon(t, p.Events*g.Outage.Seconds(), p.Day.Backlog, 0.05, "what the outage makes, around the busiest time")
			} else {
				assert.Zero(t, p.Day.Backlog)
			}
		})
	}
}

func TestOneRelayFewerIsTooFew(t *testing.T) {
	for name, change := range map[string]func(*Game){
		"CPU":              func(g *Game) { g.RoundTrip = time.Millisecond; g.Cores = 1 },
		"requests at once": func(g *Game) { g.RoundTrip = time.Second },
		"catching up": func(g *Game) {
			g.CatchUp = 5 * time.Minute
			g.Outage = 2 * time.Hour
			g.Load = 1
			g.InFlight = 16
			g.RoundTrip = time.Second
		},
	} {
		t.Run(name, func(t *testing.T) {
			g, c := game(), costs()
			change(&g)
			p := Make(g, c, 10e6)
			require.Equal(t, name, p.Why)
			require.Greater(t, p.Fleet.Relays, 1+g.Lost)
			fewer := p.Fleet.Relays - g.Lost - 1
			switch p.Why {
			case "CPU":
				cpu := p.Events*c.Event.Seconds() + p.Requests*c.Request.Seconds()
				assert.Greater(t, cpu, float64(fewer)*g.Cores*g.Load)
				assert.LessOrEqual(t, cpu, float64(fewer+1)*g.Cores*g.Load)
			case "requests at once":
				assert.Greater(t, p.Requests*g.RoundTrip.Seconds(), float64(fewer)*g.InFlight*g.Load)
			default:
				step := max(1, p.Fleet.Relays/50)
				f := p.Fleet
				f.Relays -= g.Lost + step
				f.Nodes -= g.Lost
				assert.Greater(t, g.play(c, 10e6, f).CaughtUp, g.CatchUp)
			}
		})
	}
}

func TestMorePlayersNeedMore(t *testing.T) {
	var before Plan
	for _, daily := range []float64{1e5, 1e6, 1e7, 1e8} {
		p := Make(game(), costs(), daily)
		assert.GreaterOrEqual(t, p.Fleet.Relays, before.Fleet.Relays)
		assert.GreaterOrEqual(t, p.Fleet.Nodes, before.Fleet.Nodes)
		assert.GreaterOrEqual(t, p.Fleet.Streams, before.Fleet.Streams)
		before = p
	}
	assert.InEpsilon(t, 100e6*50/1440*1.8*6/60, before.Events, 1e-9)
}

func TestABatchHoldsWhatComesWhileItLingers(t *testing.T) {
	g := game()
	g.PerMinute = 120 // as the bench's row of linger times: two events per second
	for linger, want := range map[time.Duration]float64{time.Second: 3, 5 * time.Second: 11, 15 * time.Second: 31, time.Minute: 121, time.Hour: 200} {
		g.Linger = linger
		assert.InDelta(t, want, g.batch(), 1e-9, "%v", linger)
	}
}

func TestCheck(t *testing.T) {
	require.NoError(t, game().Check())
	for name, row := range map[string]struct {
		change func(*Game)
		want   string
	}{
		"no minutes":         {func(g *Game) { g.Minutes = 0 }, "-minutes must be positive"},
		"not a number":       {func(g *Game) { g.PerMinute = math.NaN() }, "-per-minute must be positive"},
		"more than a day":    {func(g *Game) { g.Minutes = 1441 }, "-minutes: a day has 1440"},
		"a peak below 1":     {func(g *Game) { g.Peak = 0.5 }, "-peak must be from 1 to 2"},
		"a load above 1":     {func(g *Game) { g.Load = 1.1 }, "-load must be"},
		"no replica":         {func(g *Game) { g.Replicas = 0 }, "-replicas at least 1"},
		"an outage too long": {func(g *Game) { g.Outage = 13 * time.Hour }, "3h at most"},
	} {
		t.Run(name, func(t *testing.T) {
			g := game()
			row.change(&g)
			assert.ErrorContains(t, g.Check(), row.want)
		})
	}
}
