package fleet

import (
	"fmt"
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

	"github.com/playline/playline-go/bench/chart"
)

// Draw writes a picture of the machines that a game of any size needs, and of the evening of each
// plan.
func Draw(file string, g Game, c Costs, plans []Plan) error {
	needs, err := needs(g, c, plans)
	if err != nil {
		return err
	}
	evening, err := evening(g, plans)
	if err != nil {
		return err
	}
	return chart.Write(file, 7.5*vg.Inch, []*plot.Plot{needs, evening})
}

// needs plots relays, nodes and streams over the number of daily players, both in powers of ten.
func needs(g Game, c Costs, plans []Plan) (*plot.Plot, error) {
	low, high := plans[0].Daily, plans[0].Daily
	for _, p := range plans {
		low, high = min(low, p.Daily), max(high, p.Daily)
	}
	low /= 10
	var relays, nodes, streams plotter.XYs
	for daily := low; daily <= high*1.0001; daily *= 1.1 {
		p := Make(g, c, daily)
		relays = append(relays, plotter.XY{X: daily, Y: float64(p.Fleet.Relays)})
		nodes = append(nodes, plotter.XY{X: daily, Y: float64(p.Fleet.Nodes)})
		streams = append(streams, plotter.XY{X: daily, Y: float64(p.Fleet.Streams)})
	}
	p, err := chart.Panel("Machines that a game needs", "machines, streams", nil, []chart.Series{
		chart.Line("relays", chart.Orange, relays), chart.Line("NATS nodes", chart.Blue, nodes), chart.Line("streams", chart.Green, streams),
	})
	if err != nil {
		return nil, err
	}
	p.X.Label.Text = "daily players"
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.X.Tick.Marker, p.Y.Tick.Marker = powers{}, powers{}
	p.X.Max = high
	p.Y.Min, p.Y.Max = 0.9, p.Y.Max*2
	return p, nil
}

// evening plots the backlog of each plan around the outage.
func evening(g Game, plans []Plan) (*plot.Plot, error) {
	colors := []color.Color{chart.Green, chart.Blue, chart.Orange, chart.Ink}
	before, after := busiest.Minutes()-15, (busiest+g.Outage+g.CatchUp).Minutes()+15
	var lines []chart.Series
	for i, p := range plans {
		var points plotter.XYs
		for _, m := range p.Day.Minutes {
			if at := m.At.Minutes(); at >= before && at <= after {
				points = append(points, plotter.XY{X: at - busiest.Minutes(), Y: max(m.Backlog, 1)})
			}
		}
		lines = append(lines, chart.Line(short(p.Daily)+" daily players", colors[i%len(colors)], points))
	}
	p, err := chart.Panel(fmt.Sprintf("Events waiting in the streams: the service is down for %g minutes at the busiest time", g.Outage.Minutes()), "events", nil, lines)
	if err != nil {
		return nil, err
	}
	p.X.Label.Text = "minutes from the beginning of the outage"
	p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, powers{}
	p.Y.Min, p.Y.Max = 1, p.Y.Max*20
	return p, nil
}

// powers are ticks at the powers of ten, with short labels.
type powers struct{}

// Ticks implements plot.Ticker.
func (powers) Ticks(low, high float64) []plot.Tick {
	var out []plot.Tick
	for v := 1.0; v <= high; v *= 10 {
		if v >= low {
			out = append(out, plot.Tick{Value: v, Label: short(v)})
		}
	}
	return out
}
