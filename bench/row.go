package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// row is one measurement: its runs, its printed figures, and its targets.
type row struct {
	name     string // for -only
	title    string
	note     string // background that a reader of the figures needs
	once     bool   // one run is enough: it takes minutes, and its figures hardly vary
	subjects []subject
	columns  []column
	targets  []target
	expect   int    // the sink keeps a count of each of so many events
	profile  string // a folder for CPU profiles; "": none
}

// subject is one line of a row: a job that runs once per round.
type subject struct {
	label string
	job   job
}

// column is one figure of a subject.
type column struct {
	header string
	figure string
	format string
}

// tally holds the figures of a row: by subject, by figure, one per round.
type tally map[string]map[string][]float64

func (t tally) add(label string, figures map[string]float64) {
	if t[label] == nil {
		t[label] = map[string][]float64{}
	}
	for name, value := range figures {
		t[label][name] = append(t[label][name], value)
	}
}

// measure runs all subjects of a row in turn, for the given number of runs, and prints the table.
func (r row) measure(ctx context.Context, runs int, out, progress io.Writer) ([]verdict, error) {
	if r.once {
		runs = min(runs, 1)
	}
	t := tally{}
	for round := range runs {
		for _, s := range r.subjects {
			fmt.Fprintf(progress, "%s, run %d of %d: %s\n", r.name, round+1, runs, s.label)
			if r.profile != "" {
				s.job.Profile = filepath.Join(r.profile, fmt.Sprintf("%s-%s-%d.pprof", r.name, strings.ReplaceAll(s.label, " ", "-"), round+1))
			}
			figures, err := r.run(ctx, s.job)
			if err != nil {
				return nil, fmt.Errorf("row %s: %s: %w", r.name, s.label, err)
			}
			t.add(s.label, figures)
		}
	}
	var verdicts []verdict
	for _, goal := range r.targets {
		verdicts = append(verdicts, goal.judge(t))
	}
	r.print(out, t, verdicts, runs)
	return verdicts, nil
}

// run runs one job in a separate process, against a sink in another one. It returns the figures of
// both.
func (r row) run(ctx context.Context, j job) (map[string]float64, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	s, err := startSink(ctx, r.expect)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	j.Setup.Base = s.control.base
	res, err := runWorker(ctx, j)
	if err != nil {
		return nil, err
	}
	seen, err := s.control.report(ctx)
	if err != nil {
		return nil, err
	}
	out := res.Figures
	byDefault := func(name string, value float64) {
		if _, ok := out[name]; !ok {
			out[name] = value
		}
	}
	byDefault("reported", float64(len(res.Reported)))
	byDefault("conns", float64(seen.Conns))
	byDefault("in_flight", float64(seen.Most))
	if seen.Requests > 0 && seen.Events > 0 {
		byDefault("per_request", float64(seen.Events)/float64(seen.Requests))
		byDefault("sink_cpu", seen.CPU/float64(seen.Events)*1e6)
	}
	if produced, ok := out["produced"]; ok {
		stored := seen.Events
		if r.expect > 0 {
			stored = int64(seen.Stored)
		}
		byDefault("lost", produced-float64(stored))
	}
	return out, nil
}

// print writes the row as a Markdown table, followed by the targets.
func (r row) print(out io.Writer, t tally, verdicts []verdict, runs int) {
	fmt.Fprintf(out, "\n### %s\n\n%s\n\n", r.title, r.note)
	if runs > 1 {
		fmt.Fprintf(out, "Medians of %d runs.\n\n", runs)
	}
	line := func(cells []string) { fmt.Fprintf(out, "| %s |\n", strings.Join(cells, " | ")) }
	head, rule := []string{"adapter"}, []string{"---"}
	for _, c := range r.columns {
		head, rule = append(head, c.header), append(rule, "---:")
	}
	line(head)
	line(rule)
	for _, s := range r.subjects {
		cells := []string{s.label}
		for _, c := range r.columns {
			cell := "-"
			if values := t[s.label][c.figure]; len(values) > 0 {
				cell = grouped(fmt.Sprintf(c.format, median(values)))
			}
			cells = append(cells, cell)
		}
		line(cells)
	}
	if len(verdicts) > 0 {
		fmt.Fprintln(out)
	}
	for _, v := range verdicts {
		fmt.Fprintf(out, "- %s: %s, %s\n", v.text, v.value, v.word())
	}
}

// grouped puts commas between the thousands of a number.
func grouped(number string) string {
	whole, rest, _ := strings.Cut(number, ".")
	if rest != "" {
		rest = "." + rest
	}
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	for at := len(whole) - 3; at > 0; at -= 3 {
		whole = whole[:at] + "," + whole[at:]
	}
	return sign + whole + rest
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	if n == 0 {
		return 0
	}
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
