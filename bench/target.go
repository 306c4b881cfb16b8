package main

import (
	"fmt"
	"io"
)

// target is a value that a row must reach.
type target struct {
	text  string
	judge func(tally) verdict
}

// verdict says whether the row reached its target.
type verdict struct {
	text    string
	value   string
	reached bool
}

func (v verdict) word() string {
	if v.reached {
		return "reached"
	}
	return "MISSED"
}

// figure takes one number out of a row; ok is false if it was not measured.
type figure func(tally) (value float64, ok bool)

// of returns the median of a subject's figure.
func of(label, name string) figure {
	return func(t tally) (float64, bool) {
		values := t[label][name]
		return median(values), len(values) > 0
	}
}

// paired returns the ratio of two figures: the median of the ratios within each round, which vary
// less than the figures.
func paired(labelA, nameA, labelB, nameB string) figure {
	return func(t tally) (float64, bool) {
		a, b := t[labelA][nameA], t[labelB][nameB]
		var ratios []float64
		for i := range min(len(a), len(b)) {
			if b[i] != 0 {
				ratios = append(ratios, a[i]/b[i])
			}
		}
		return median(ratios), len(ratios) > 0
	}
}

func atMost(text string, limit float64, f figure) target {
	return newTarget(text, f, func(v float64) bool { return v <= limit })
}

func atLeast(text string, limit float64, f figure) target {
	return newTarget(text, f, func(v float64) bool { return v >= limit })
}

func newTarget(text string, f figure, good func(float64) bool) target {
	return target{text, func(t tally) verdict {
		value, ok := f(t)
		if !ok {
			return verdict{text, "not measured", false}
		}
		return verdict{text, grouped(fmt.Sprintf("%.3g", value)), good(value)}
	}}
}

// either is reached if one of two targets is.
func either(a, b target) target {
	return target{a.text + ", or " + b.text, func(t tally) verdict {
		x, y := a.judge(t), b.judge(t)
		return verdict{a.text + ", or " + b.text, x.value + " and " + y.value, x.reached || y.reached}
	}}
}

// printVerdicts sums up all targets.
func printVerdicts(out io.Writer, verdicts []verdict) {
	fmt.Fprint(out, "\n### Targets\n\n| target | measured | |\n| --- | ---: | --- |\n")
	for _, v := range verdicts {
		fmt.Fprintf(out, "| %s | %s | %s |\n", v.text, v.value, v.word())
	}
}
