package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/playline/playline-go/bench/chart"
)

// soakRun is a finished soak: the findings of the worker, and the report of the sink.
type soakRun struct {
	plan soakPlan
	soakResult
	copies  []uint16
	traffic sinkTraffic
}

// errDisagree ends a soak if the ledger and the sink disagree.
var errDisagree = errors.New("the ledger and the sink do not agree")

// runSoak runs a soak, prints its findings, and draws it. It fails if ledger and sink disagree; it
// only prints missed targets.
func runSoak(ctx context.Context, o options, out, progress io.Writer) error {
	if _, err := chart.Format(o.picture); err != nil {
		return err
	}
	p := newSoakPlan(o)
	if p.End < time.Second {
		return fmt.Errorf("-d %s is too short for a soak: it takes at least a second", p.End)
	}
	fmt.Fprintf(progress, "soak: %s players, %s events/s for %s, an outage from %s to %s\n",
		number(p.Players), number(p.Rate), p.End, p.Outage.Round(time.Millisecond), p.Recovery.Round(time.Millisecond))
	r, err := runPlan(ctx, p)
	if err != nil {
		return fmt.Errorf("soak: %w", err)
	}
	printVersions(out)
	if o.picture != "" {
		if err := r.draw(o.picture); err != nil {
			return fmt.Errorf("-picture: %w", err)
		}
	}
	return r.judge(out)
}

// judge prints a soak, and fails if ledger and sink disagree.
func (r *soakRun) judge(out io.Writer) error {
	wrong := disagreements(r.account, r.copies, r.traffic.Events)
	if r.Strange > 0 {
		wrong = append(wrong, fmt.Sprintf("%d outcomes of events that were never tracked", r.Strange))
	}
	r.print(out, wrong)
	printVerdicts(out, r.verdicts(wrong))
	if len(wrong) > 0 {
		return fmt.Errorf("%w: %s", errDisagree, strings.Join(wrong, "; "))
	}
	return nil
}

// runPlan runs the worker and the sink.
func runPlan(ctx context.Context, p soakPlan) (*soakRun, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*p.End+p.Close+time.Minute)
	defer cancel()
	s, err := startSink(ctx, p.events())
	if err != nil {
		return nil, err
	}
	defer s.stop()
	res, err := runWorker(ctx, job{Workload: "soak", Adapter: "playline", Setup: setup{Base: s.control.base}, Soak: &p})
	if err != nil {
		return nil, err
	}
	r := &soakRun{plan: p, soakResult: *res.Soak}
	if r.copies, err = s.control.copies(ctx); err != nil {
		return nil, err
	}
	r.traffic, err = s.control.traffic(ctx)
	return r, err
}

// verdicts returns the verdict on each target of a soak.
func (r *soakRun) verdicts(wrong []string) []verdict {
	p := r.plan
	alone, mixed, drained := r.Phases[0], r.Phases[1], r.Phases[4]
	steady, peak := r.requestRate(mixed.Start, mixed.End), r.peakRate(p.Recovery, p.End)
	before, after := r.memory(mixed.soakPhase), r.memory(r.lastPart())
	moved := mixed.Healthy[1] - alone.Healthy[1]
	returned := r.Ledger.Returned
	out := []verdict{
		{"ledger and sink agree to the event", unless(len(wrong) == 0, "%s", strings.Join(wrong, "; ")), len(wrong) == 0},
		{"Close returns no event: all but the garbage were delivered", number(int(returned)), returned == 0},
		{
			"the outage's events delivered before the end",
			fmt.Sprintf("%.1f s after the service was back", (r.Drained - p.Recovery).Seconds()), r.IsDrained,
		},
		{
			"no thundering herd: after the outage at most 2 times the steady requests/s",
			fmt.Sprintf("%s, steady %s", number(int(peak)), number(int(steady))), peak <= 2*steady,
		},
		{
			"isolation: bad tokens and garbage move p99 of the healthy players by less than a tenth",
			fmt.Sprintf("%+.3f s", moved.Seconds()), moved < alone.Healthy[1]/10,
		},
		{
			"p99 of the healthy players after the outage at most a tenth above that before",
			fmt.Sprintf("%.2f s and %.2f s", drained.Healthy[1].Seconds(), mixed.Healthy[1].Seconds()), drained.Healthy[1] < mixed.Healthy[1]*11/10,
		},
		{
			"live heap at the end at most 1.25 times that before the outage",
			fmt.Sprintf("%.0f MB and %.0f MB", after.live, before.live), after.live <= 1.25*before.live,
		},
		{
			"heap in use at the end at most 1.25 times that before the outage",
			fmt.Sprintf("%.0f MB and %.0f MB", after.inUse, before.inUse), after.inUse <= 1.25*before.inUse,
		},
		{
			"goroutines after Close as before New",
			fmt.Sprintf("%d and %d", r.Goroutines[1], r.Goroutines[0]), r.Goroutines[1] <= r.Goroutines[0],
		},
	}
	for i := range out {
		if out[i].value == "" {
			out[i].value = "yes"
		}
	}
	return out
}
