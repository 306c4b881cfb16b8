package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// print writes the tables of a soak.
func (r *soakRun) print(out io.Writer, wrong []string) {
	p := r.plan
	fmt.Fprintf(out, "\n## Soak: %s players, %s events/s for %s, linger %s\n\n", number(p.Players), number(p.Rate), p.End, p.Linger)
	fmt.Fprintf(out, "Until %.1f s only players with good tokens play, 5 %% of all with tokens that expire after %s. Then 1 %% join with a bad token "+
		"that is replaced at %.1f s (%s of them parked), and one player who sends garbage. From %.1f s to %.1f s the service fails: a third 503, "+
		"a third resets (at first after storing), a third hangs.\n\n",
		p.Mixed.Seconds(), p.Lifetime, (p.End / 2).Seconds(), number(r.Parked), p.Outage.Seconds(), p.Recovery.Seconds())

	stored, further := 0, 0
	for _, n := range r.copies {
		if n > 0 {
			stored++
			further += int(n) - 1
		}
	}
	fmt.Fprintf(out, "Ledger: %s\n\nSink: %s different events stored, %s further copies. It answered 401 to %s requests and 400 to %s.\n\n",
		r.Ledger, number(stored), number(further), number(int(r.traffic.Refused)), number(int(r.traffic.Invalid)))
	if len(wrong) == 0 {
		fmt.Fprintf(out, "They agree to the event.\n\n")
	}
	for _, each := range wrong {
		fmt.Fprintf(out, "DISAGREE: %s.\n\n", each)
	}

	fmt.Fprint(out, "| phase | from s | to s | tracked/s | delivered/s | requests/s | p50 s | p99 s | p50 s, short tokens | p99 s | "+
		"live heap MB | heap in use MB | RSS MB | most goroutines | worker CPU % of a core | sink CPU % |\n"+
		"| --- "+strings.Repeat("| ---: ", 15)+"|\n")
	for _, phase := range r.Phases {
		if phase.End <= phase.Start {
			continue
		}
		m, rates := r.memory(phase.soakPhase), r.rates(phase.soakPhase)
		fmt.Fprintf(out, "| %s | %.1f | %.1f | %s | %s | %s | %.3f | %.3f | %.3f | %.3f | %.0f | %.0f | %.0f | %d | %.0f | %.0f |\n",
			phase.Name, phase.Start.Seconds(), phase.End.Seconds(), number(int(rates.tracked)), number(int(rates.delivered)), number(int(rates.requests)),
			phase.Healthy[0].Seconds(), phase.Healthy[1].Seconds(), phase.Short[0].Seconds(), phase.Short[1].Seconds(),
			m.live, m.inUse, m.rss, m.goroutines, 100*rates.cpu, 100*rates.sinkCPU)
	}
	last, most := r.memory(r.lastPart()), r.most()
	fmt.Fprintf(out, "\nMaximum: live heap %.0f MB, heap in use %.0f MB, RSS %.0f MB.\n", most.live, most.inUse, most.rss)
	fmt.Fprintf(out, "At the end: live heap %.0f MB, heap in use %.0f MB, RSS %.0f MB. Longest call of Track: %s. Close: %.1f s. Connections opened: %s.\n",
		last.live, last.inUse, last.rss, r.LongestAdd.Round(10*time.Microsecond), r.CloseTook.Seconds(), number(int(r.traffic.Conns)))
	fmt.Fprintf(out, "p50 and p99 are times of healthy players' events from Track to the 202, including the linger, by the time of Track.\n")
	if p.Limit > 0 {
		fmt.Fprintf(out, "The client has a limiter of %s requests/s.\n", number(p.Limit))
	} else {
		fmt.Fprint(out, "After the outage the batcher sends at no more than twice the usual rate. playline.WithLimiter bounds every rate, see -limit.\n")
	}
}
