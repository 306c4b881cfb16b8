package main

import (
	"fmt"

	"github.com/playline/playline-go/bench/chart"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// draw writes the picture: four panels over one time axis.
func (r *soakRun) draw(file string) error {
	panels, err := r.panels()
	if err != nil {
		return err
	}
	return chart.Write(file, 10.5*vg.Inch, panels)
}

func (r *soakRun) panels() ([]*plot.Plot, error) {
	var tracked, delivered, requests, live, inUse, resident, p50, p99 plotter.XYs
	for i, s := range r.Samples {
		at := s.At.Seconds()
		if i > 0 && s.At-r.Samples[i-1].At > r.plan.Tick/2 { // a rate over a shorter time would be noise
			rate := rateOf(r.Samples[i-1], s)
			tracked = append(tracked, plotter.XY{X: at, Y: rate.tracked / 1000})
			delivered = append(delivered, plotter.XY{X: at, Y: rate.delivered / 1000})
			requests = append(requests, plotter.XY{X: at, Y: rate.requests / 1000})
		}
		live = append(live, plotter.XY{X: at, Y: s.HeapLive / 1e6})
		inUse = append(inUse, plotter.XY{X: at, Y: s.HeapInUse / 1e6})
		resident = append(resident, plotter.XY{X: at, Y: s.RSS / 1e6})
	}
	for _, d := range r.Delays {
		p50 = append(p50, plotter.XY{X: d.At.Seconds(), Y: d.Healthy[0].Seconds()})
		p99 = append(p99, plotter.XY{X: d.At.Seconds(), Y: d.Healthy[1].Seconds()})
	}
	var out []*plot.Plot
	for _, panel := range []struct {
		title, unit string
		series      []chart.Series
		scale       plot.Normalizer
	}{
		{"Events", "1,000 per second", []chart.Series{chart.Line("delivered", chart.Orange, delivered), chart.Line("tracked", chart.Blue, tracked)}, plot.LinearScale{}},
		{"Requests", "1,000 per second", []chart.Series{chart.Line("requests", chart.Blue, requests)}, plot.LinearScale{}},
		{"Memory of the game server", "MB", []chart.Series{chart.Line("resident", chart.Orange, resident), chart.Line("heap in use", chart.Blue, inUse), chart.Line("live heap", chart.Green, live)}, plot.LinearScale{}},
		{
			"Delay from Track to the 202, healthy players, by when the event was tracked", "seconds",
			[]chart.Series{chart.Line("p99", chart.Orange, p99), chart.Line("p50", chart.Blue, p50)},
			plot.LogScale{},
		},
	} {
		p, err := r.panel(panel.title, panel.unit, panel.series, panel.scale)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	last := out[len(out)-1]
	last.X.Label.Text = fmt.Sprintf("seconds; %s players, %s events/s", number(r.plan.Players), number(r.plan.Rate))
	return out, nil
}

func (r *soakRun) panel(title, unit string, lines []chart.Series, scale plot.Normalizer) (*plot.Plot, error) {
	p, err := chart.Panel(title, unit, shades(r.plan, r.Drained), lines)
	if err != nil {
		return nil, err
	}
	p.X.Min, p.X.Max = 0, r.plan.End.Seconds()
	p.X.Tick.Marker = chart.Ticks(r.plan.End.Seconds(), 12, timeSteps)
	p.Y.Scale = scale
	if _, log := scale.(plot.LogScale); log {
		p.Y.Tick.Marker = plot.LogTicks{Prec: -1}
		p.Y.Max *= 2
	} else {
		p.Y.Min = 0
		p.Y.Max *= 1.25 // room for the names of the phases
		p.Y.Tick.Marker = chart.Ticks(p.Y.Max, 5, valueSteps)
	}
	return p, nil
}

// The steps of the axes.
var (
	timeSteps  = []float64{0.5, 1, 2, 5, 10, 15, 30, 60, 300, 900, 3600, 86400}
	valueSteps = []float64{0.01, 0.05, 0.2, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 50_000}
)
