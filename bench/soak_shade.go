package main

import (
	"image/color"
	"time"

	"github.com/playline/playline-go/bench/chart"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// shade is a coloured part of the time axis, with its name above.
type shade struct {
	name       string
	start, end time.Duration
	color      color.Color
}

// shading draws the shades of a panel, from its bottom to its top.
type shading []shade

var (
	paleGrey   = color.NRGBA{0xf1, 0xf3, 0xf5, 0xff}
	paleRed    = color.NRGBA{0xfb, 0xdc, 0xd9, 0xff}
	paleViolet = color.NRGBA{0xf3, 0xd9, 0xe8, 0xff}
	paleOrange = color.NRGBA{0xfd, 0xe6, 0xcf, 0xff}
	paleYellow = color.NRGBA{0xff, 0xf6, 0xd6, 0xff}
)

func shades(p soakPlan, drained time.Duration) shading {
	third := (p.Recovery - p.Outage) / 3
	return shading{
		{"healthy alone", 0, p.Mixed, color.White},
		{"bad players join", p.Mixed, p.Outage, paleGrey},
		{"503", p.Outage, p.Outage + third, paleRed},
		{"resets", p.Outage + third, p.Outage + 2*third, paleViolet},
		{"hangs", p.Outage + 2*third, p.Recovery, paleOrange},
		{"draining", p.Recovery, drained, paleYellow},
		{"drained", drained, p.End, paleGrey},
	}
}

// Plot implements plot.Plotter.
func (all shading) Plot(c draw.Canvas, p *plot.Plot) {
	x, _ := p.Transforms(&c)
	style := text.Style{
		Color: chart.Ink, Font: font.From(font.Font{Typeface: "Liberation", Variant: "Sans"}, 9),
		XAlign: text.XCenter, YAlign: text.YTop, Handler: plot.DefaultTextHandler,
	}
	for _, s := range all {
		left, right := x(s.start.Seconds()), x(s.end.Seconds())
		c.FillPolygon(s.color, []vg.Point{{X: left, Y: c.Min.Y}, {X: right, Y: c.Min.Y}, {X: right, Y: c.Max.Y}, {X: left, Y: c.Max.Y}})
		if style.Width(s.name) < right-left {
			c.FillText(style, vg.Point{X: (left + right) / 2, Y: c.Max.Y - 3}, s.name)
		}
	}
}
