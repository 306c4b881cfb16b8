package main

import (
	"bytes"
	"fmt"
	"image/color"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	_ "gonum.org/v1/plot/vg/vgimg" // png
	_ "gonum.org/v1/plot/vg/vgsvg" // svg
)

// pictureFormat is what a picture is drawn as: its file's extension decides. There is none for no file.
func pictureFormat(file string) (string, error) {
	format := strings.TrimPrefix(strings.ToLower(filepath.Ext(file)), ".")
	if file != "" && !slices.Contains([]string{"svg", "png"}, format) {
		return "", fmt.Errorf("-picture: the file must end in .svg or .png, not as %q does", file)
	}
	return format, nil
}

// The colours differ in brightness too, for those who do not see all of them.
var (
	blue   = color.NRGBA{0x00, 0x5b, 0x96, 0xff}
	orange = color.NRGBA{0xd5, 0x5e, 0x00, 0xff}
	green  = color.NRGBA{0x00, 0x9e, 0x73, 0xff}
	ink    = color.NRGBA{0x33, 0x33, 0x33, 0xff}
)

// draw writes the picture: four panels over one time axis, on white, so that it can be read on a dark page too.
func (r *soakRun) draw(file, format string) error {
	const width, height = 10 * vg.Inch, 10.5 * vg.Inch
	panels, err := r.panels()
	if err != nil {
		return err
	}
	canvas, err := draw.NewFormattedCanvas(width, height, format)
	if err != nil {
		return err
	}
	whole := draw.New(canvas)
	whole.FillPolygon(color.White, []vg.Point{{}, {X: width}, {X: width, Y: height}, {Y: height}})
	tiles := draw.Tiles{
		Rows: len(panels), Cols: 1, PadY: 0.12 * vg.Inch,
		PadTop: 0.1 * vg.Inch, PadBottom: 0.1 * vg.Inch, PadLeft: 0.1 * vg.Inch, PadRight: 0.25 * vg.Inch,
	}
	for i, row := range plot.Align(panels, tiles, whole) {
		panels[i][0].Draw(row[0])
	}
	var out bytes.Buffer
	if _, err := canvas.WriteTo(&out); err != nil {
		return err
	}
	text := out.Bytes()
	if format == "svg" {
		// The font is not in the file, and few have it; these are as wide.
		text = bytes.ReplaceAll(text, []byte("font-family:Liberation Sans;"), []byte("font-family:Liberation Sans,Arial,Helvetica,sans-serif;"))
	}
	return os.WriteFile(file, text, 0o600)
}

// series is one line of a panel.
type series struct {
	name   string
	color  color.Color
	points plotter.XYs
}

func (r *soakRun) panels() ([][]*plot.Plot, error) {
	var tracked, delivered, requests, live, inUse, resident, p50, p99 plotter.XYs
	for i, s := range r.Samples {
		at := s.At.Seconds()
		if i > 0 && s.At-r.Samples[i-1].At > r.plan.Tick/2 { // a rate over less would be noise
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
	var out [][]*plot.Plot
	for _, panel := range []struct {
		title, unit string
		series      []series
		scale       plot.Normalizer
	}{
		{"Events", "1,000 a second", []series{{"delivered", orange, delivered}, {"tracked", blue, tracked}}, plot.LinearScale{}},
		{"Requests", "1,000 a second", []series{{"requests", blue, requests}}, plot.LinearScale{}},
		{"Memory of the game server", "MB", []series{{"resident", orange, resident}, {"heap in use", blue, inUse}, {"live heap", green, live}}, plot.LinearScale{}},
		{
			"Delay from Track to the 202, healthy players, by when the event was tracked", "seconds",
			[]series{{"p99", orange, p99}, {"p50", blue, p50}},
			plot.LogScale{},
		},
	} {
		p, err := r.panel(panel.title, panel.unit, panel.series, panel.scale)
		if err != nil {
			return nil, err
		}
		out = append(out, []*plot.Plot{p})
	}
	last := out[len(out)-1][0]
	last.X.Label.Text = fmt.Sprintf("seconds; %s players, %s events/s", number(r.plan.Players), number(r.plan.Rate))
	return out, nil
}

func (r *soakRun) panel(title, unit string, lines []series, scale plot.Normalizer) (*plot.Plot, error) {
	p := plot.New()
	size := func(style *draw.TextStyle, points vg.Length, c color.Color) {
		style.Font = font.From(font.Font{Typeface: "Liberation", Variant: "Sans"}, points)
		style.Color = c
	}
	p.Title.Text, p.Y.Label.Text = title, unit
	p.Title.Padding = vg.Points(4)
	size(&p.Title.TextStyle, 12, ink)
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		size(&axis.Label.TextStyle, 10, ink)
		size(&axis.Tick.Label, 9, ink)
		axis.Color, axis.Tick.Color = ink, ink
	}
	size(&p.Legend.TextStyle, 10, ink)
	p.Legend.Top, p.Legend.Left = true, true
	p.Legend.XOffs, p.Legend.YOffs, p.Legend.Padding = 6, -20, vg.Points(3)
	p.Add(shades(r.plan, r.Drained))
	grid := plotter.NewGrid()
	grid.Vertical.Width = 0
	grid.Horizontal.Color = color.NRGBA{0, 0, 0, 0x20}
	p.Add(grid)
	for _, s := range lines {
		if len(s.points) == 0 {
			continue
		}
		line, err := plotter.NewLine(s.points)
		if err != nil {
			return nil, err
		}
		line.Width, line.Color = vg.Points(1.5), s.color
		p.Add(line)
		p.Legend.Add(s.name, line)
	}
	p.X.Min, p.X.Max = 0, r.plan.End.Seconds()
	p.X.Tick.Marker = ticks(r.plan.End.Seconds(), 12, timeSteps)
	p.Y.Scale = scale
	if _, log := scale.(plot.LogScale); log {
		p.Y.Tick.Marker = plot.LogTicks{Prec: -1}
		p.Y.Max *= 2
	} else {
		p.Y.Min = 0
		p.Y.Max *= 1.25 // room for the names of the phases
		p.Y.Tick.Marker = ticks(p.Y.Max, 5, valueSteps)
	}
	return p, nil
}

// The steps of the axes.
var (
	timeSteps  = []float64{0.5, 1, 2, 5, 10, 15, 30, 60, 300, 900, 3600, 86400}
	valueSteps = []float64{0.01, 0.05, 0.2, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 50_000}
)

// ticks are at multiples of the first step with which there are not too many; the last step takes what there is.
func ticks(end float64, most int, steps []float64) plot.ConstantTicks {
	step := steps[len(steps)-1]
	if i := slices.IndexFunc(steps, func(s float64) bool { return end/s <= float64(most) }); i >= 0 {
		step = steps[i]
	}
	var out []plot.Tick
	for i := range int(end/step+1e-9) + 1 { // 0.6/0.2 is a little less than 3
		out = append(out, plot.Tick{Value: float64(i) * step, Label: strconv.FormatFloat(float64(i)*step, 'g', 6, 64)})
	}
	return out
}
