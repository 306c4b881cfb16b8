// Package chart draws the pictures of the bench: panels one below the other. Their ground is white,
// so that they are readable on a dark page too.
package chart

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

// Format returns the format of a picture, from the extension of its file. Without a file it is
// empty.
func Format(file string) (string, error) {
	format := strings.TrimPrefix(strings.ToLower(filepath.Ext(file)), ".")
	if file != "" && !slices.Contains([]string{"svg", "png"}, format) {
		return "", fmt.Errorf("-picture: the file must end in .svg or .png, not as %q does", file)
	}
	return format, nil
}

// The colours also differ in brightness, for readers who cannot tell all of them apart.
var (
	Blue   = color.NRGBA{0x00, 0x5b, 0x96, 0xff}
	Orange = color.NRGBA{0xd5, 0x5e, 0x00, 0xff}
	Green  = color.NRGBA{0x00, 0x9e, 0x73, 0xff}
	Ink    = color.NRGBA{0x33, 0x33, 0x33, 0xff}
)

// Write draws the panels into a file, 10 inches wide.
func Write(file string, height vg.Length, panels []*plot.Plot) error {
	format, err := Format(file)
	if err != nil {
		return err
	}
	const width = 10 * vg.Inch
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
	rows := make([][]*plot.Plot, 0, len(panels))
	for _, p := range panels {
		rows = append(rows, []*plot.Plot{p})
	}
	for i, row := range plot.Align(rows, tiles, whole) {
		panels[i].Draw(row[0])
	}
	var out bytes.Buffer
	if _, err := canvas.WriteTo(&out); err != nil {
		return err
	}
	text := out.Bytes()
	if format == "svg" {
		// The file does not embed the font, and few readers have it. These fonts are as wide.
		text = bytes.ReplaceAll(text, []byte("font-family:Liberation Sans;"), []byte("font-family:Liberation Sans,Arial,Helvetica,sans-serif;"))
	}
	return os.WriteFile(file, text, 0o600)
}

// Series is one line of a panel, with its name in the legend.
type Series struct {
	name   string
	color  color.Color
	points plotter.XYs
}

// Line is a series.
func Line(name string, c color.Color, points plotter.XYs) Series { return Series{name, c, points} }

// Panel is a plot with a title, a unit for its vertical axis, a background (nil: none), and lines
// with a legend.
func Panel(title, unit string, behind plot.Plotter, lines []Series) (*plot.Plot, error) {
	p := plot.New()
	size := func(style *draw.TextStyle, points vg.Length) {
		style.Font = font.From(font.Font{Typeface: "Liberation", Variant: "Sans"}, points)
		style.Color = Ink
	}
	p.Title.Text, p.Y.Label.Text = title, unit
	p.Title.Padding = vg.Points(4)
	size(&p.Title.TextStyle, 12)
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		size(&axis.Label.TextStyle, 10)
		size(&axis.Tick.Label, 9)
		axis.Color, axis.Tick.Color = Ink, Ink
	}
	size(&p.Legend.TextStyle, 10)
	p.Legend.Top, p.Legend.Left = true, true
	p.Legend.XOffs, p.Legend.YOffs, p.Legend.Padding = 6, -20, vg.Points(3)
	if behind != nil {
		p.Add(behind)
	}
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
	return p, nil
}

// Ticks returns ticks at multiples of the first step that does not give too many. The last step
// applies to any range.
func Ticks(end float64, most int, steps []float64) plot.ConstantTicks {
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
