package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// faultCase is one way in which the service fails, and the guarantee that playline must keep.
type faultCase struct {
	name  string // for -case
	title string
	must  string
	job   job
	check func(counts) []string // the guarantees that playline broke; empty if none
	once  bool                  // a second playline, with AtMostOnce, runs too
}

// counts holds the figures of one adapter in one case.
type counts struct {
	attempted  int
	delivered  int // different events that the sink stored
	lost       int
	duplicated int // copies beyond the first
	reported   int // lost events that the adapter reported to the application
	falsely    int // delivered events that the adapter reported as lost, or perhaps lost
	requests   int
	failing    int // requests during the outage
	counted    int // duplicates that playline itself counted as possible
	close      time.Duration
	named      []int // the reported eids, without duplicates
}

func faultCases(o options) []faultCase {
	n := o.count(20_000, 1_000)
	// long shortens a time for a smoke run.
	long := o.shrink
	spread := func(kind faultKind, outage time.Duration) job {
		return job{
			Workload: "fault", Events: n, For: long(max(outage, 10*time.Second)), Close: long(10 * time.Second), Patience: long(35 * time.Second),
			Fault: fault{Kind: kind, For: long(outage)}, Setup: setup{Outcomes: true, Players: o.faultPlayers()},
		}
	}
	healthyAgain := func(kind faultKind) job { // a fault that does not end
		j := spread(kind, 0)
		j.Fault.Delay = long(200 * time.Millisecond)
		return j
	}
	terminated := func(kind faultKind, outage time.Duration) job {
		return job{
			Workload: "fault", Events: n / 10, For: long(time.Second), Close: long(10 * time.Second), Signal: true,
			Fault: fault{Kind: kind, For: long(outage)}, Setup: setup{Outcomes: true, Players: o.faultPlayers()},
		}
	}
	back := long(5 * time.Second)
	closeIn := long(10 * time.Second)
	return []faultCase{
		{
			"503", "10 s of 503", "0 lost, at most 15 requests during the outage", spread(unavailable, 10*time.Second),
			func(c counts) []string { return broken(noneLost(c), requestsAtMost(c, 15)) }, false,
		},
		{
			"reset", "10 s of resets before storing", "0 lost", spread(reset, 10*time.Second),
			func(c counts) []string { return broken(noneLost(c)) }, false,
		},
		{
			"lose", "10 s of resets after storing (the answer is lost)",
			"0 lost, at most 1,000 duplicates, each counted; with AtMostOnce 0 duplicates, unknown ones reported", spread(lose, 10*time.Second),
			func(c counts) []string {
				return broken(noneLost(c), unless(c.duplicated <= 1_000, "%d duplicates", c.duplicated),
					unless(c.counted >= c.duplicated, "only %d of %d duplicates counted", c.counted, c.duplicated))
			}, true,
		},
		{
			"hang", "a server that hangs for 30 s", "0 lost", spread(hang, 30*time.Second),
			func(c counts) []string { return broken(noneLost(c)) }, false,
		},
		{
			"429", "429 with Retry-After 2 for 10 s", "0 lost, at most 15 requests during the outage", spread(throttle, 10*time.Second),
			func(c counts) []string { return broken(noneLost(c), requestsAtMost(c, 15)) }, false,
		},
		{
			"poison", "20 poison events (400 for the whole batch)", "exactly 20 lost, each named", healthyAgain(poison),
			func(c counts) []string {
				bad := 0
				for eid := range n {
					if poisoned(eid) {
						bad++
					}
				}
				return broken(unless(c.lost == bad, "%d lost instead of %d", c.lost, bad),
					unless(len(c.named) == bad && !slices.ContainsFunc(c.named, func(eid int) bool { return !poisoned(eid) }), "not exactly those were named"))
			}, false,
		},
		{"120s", "120 s of 503", "0 lost", spread(unavailable, 120*time.Second), func(c counts) []string { return broken(noneLost(c)) }, false},
		{"late", "answers 200 ms late", "0 lost", healthyAgain(late), func(c counts) []string { return broken(noneLost(c)) }, false},
		{
			"term-503", "SIGTERM and Close while the server answers 503 for 5 s (2,000 events, Close has 10 s)",
			"0 lost, done within a second after the server is back", terminated(unavailable, 5*time.Second),
			func(c counts) []string {
				return broken(noneLost(c), unless(c.close <= back+time.Second, "Close took %.1f s", c.close.Seconds()))
			}, false,
		},
		{
			"term-hang", "SIGTERM and Close with a 10 s context while the server hangs (2,000 events)",
			"Close returns at its deadline with all 2,000 in hand", terminated(hang, 60*time.Second),
			func(c counts) []string {
				return broken(unless(len(c.named) == c.attempted, "%d of %d in hand", len(c.named), c.attempted),
					unless(c.close <= closeIn+time.Second/2, "Close took %.1f s", c.close.Seconds()))
			}, false,
		},
	}
}

func (o options) faultPlayers() int { return max(cmp.Or(o.players, 100), 1) }

// shrink returns a time of a fault case: a fiftieth of it in a smoke run.
func (o options) shrink(d time.Duration) time.Duration {
	if o.smoke {
		return d / 50
	}
	return d
}

func broken(rules ...string) []string {
	return slices.DeleteFunc(rules, func(r string) bool { return r == "" })
}

func unless(kept bool, format string, args ...any) string {
	if kept {
		return ""
	}
	return fmt.Sprintf(format, args...)
}

func noneLost(c counts) string { return unless(c.lost == 0, "%d lost", c.lost) }

func requestsAtMost(c counts, most int) string {
	return unless(c.failing <= most, "%d requests during the outage", c.failing)
}

// atMostOnceCheck is the check of the second playline, with AtMostOnce.
func atMostOnceCheck(c counts) []string {
	return broken(unless(c.duplicated == 0, "%d duplicates", c.duplicated), unless(c.reported == c.lost, "%d lost in silence", c.lost-c.reported))
}

// word returns the verdict on playline.
func word(failures []string) string {
	if len(failures) == 0 {
		return "kept"
	}
	return "NOT KEPT: " + strings.Join(failures, ", ")
}
