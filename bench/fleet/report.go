package fleet

import (
	"fmt"
	"io"
	"math"
	"text/tabwriter"
	"time"
)

// Print writes the assumptions, and below them the plans as a table.
func Print(out io.Writer, g Game, c Costs, plans []Plan) error {
	fmt.Fprintf(out, "A player plays %g minutes per day and makes %g events in each; the busiest moment has %g times the mean.\n", g.Minutes, g.PerMinute, g.Peak)
	fmt.Fprintf(out, "An event is %g bytes and lingers %s; a request takes %s, and a relay has %g at once.\n", g.Bytes, g.Linger, g.RoundTrip, g.InFlight)
	fmt.Fprintf(out, "Machines have %g cores and are planned for %g %% of them, with %d lost; each message has %d replicas.\n", g.Cores, g.Load*100, g.Lost, g.Replicas)
	fmt.Fprintf(out, "The service is down for %g minutes at the busiest time, and %g minutes later nothing is left of that.\n", g.Outage.Minutes(), g.CatchUp.Minutes())
	fmt.Fprintf(out, "CPU of a relay: %s per event and %s per request. CPU of all nodes: %s per message. One stream takes %s messages/s; on disk a message is %.0f bytes more than its event.\n\n",
		round(c.Event), round(c.Request), round(c.Message), short(c.Stream), c.Stored)

	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "daily players\tat once\tevents/s\tevents per request\trequests/s\trelays\tdecided by\tnodes\tstreams\tbacklog\tdisk per node\tcaught up after\t")
	for _, p := range plans {
		fmt.Fprintf(w, "%s\t%s\t%s\t%.1f\t%s\t%d\t%s\t%d\t%d\t%s\t%s\t%s\t\n", short(p.Daily), short(p.Online), short(p.Events), p.Batch, short(p.Requests),
			p.Fleet.Relays, p.Why, p.Fleet.Nodes, p.Fleet.Streams, short(p.Day.Backlog), size(p.Disk), p.Day.CaughtUp.Round(time.Second))
	}
	return w.Flush()
}

// round rounds a time to three digits.
func round(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	digits := math.Pow(10, math.Floor(math.Log10(float64(d)))-2)
	return d.Round(time.Duration(max(1, digits)))
}

// short formats a number with three digits and a unit.
func short(v float64) string {
	for _, unit := range []struct {
		from float64
		name string
	}{{1e9, "B"}, {1e6, "M"}, {1e3, "k"}} {
		if v >= unit.from {
			return fmt.Sprintf("%.3g%s", v/unit.from, unit.name)
		}
	}
	return fmt.Sprintf("%.3g", v)
}

// size formats a number of bytes.
func size(bytes float64) string {
	for _, unit := range []struct {
		from float64
		name string
	}{{1e12, "TB"}, {1e9, "GB"}, {1e6, "MB"}} {
		if bytes >= unit.from {
			return fmt.Sprintf("%.3g %s", bytes/unit.from, unit.name)
		}
	}
	return fmt.Sprintf("%.3g kB", bytes/1e3)
}
