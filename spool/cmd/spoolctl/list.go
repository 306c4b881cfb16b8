package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/playline/playline-go/spool"
)

// backlog counts waiting events, of one player or of all.
type backlog struct {
	player           string
	waiting, inDoubt int
	oldest           time.Time
}

func (b *backlog) add(accepted time.Time, inDoubt bool) {
	if b.waiting == 0 || accepted.Before(b.oldest) {
		b.oldest = accepted
	}
	b.waiting++
	if inDoubt {
		b.inDoubt++
	}
}

// most is the number of players that list names.
const most = 10

func list(v *spool.View, out io.Writer) error {
	all, players := backlog{}, map[string]*backlog{}
	for e, err := range v.Events() {
		if err != nil {
			return err
		}
		if players[e.UserID] == nil {
			players[e.UserID] = &backlog{player: e.UserID}
		}
		all.add(e.Accepted, e.InDoubt)
		players[e.UserID].add(e.Accepted, e.InDoubt)
	}
	var disk int64
	for _, f := range v.Files {
		disk += f.Bytes
	}
	if all.waiting == 0 {
		fmt.Fprintf(out, "Nothing waits. The files take %s.\n\n", size(disk))
	} else {
		fmt.Fprintf(out, "%d events of %d players wait, %d of them in doubt, the oldest for %s (since %s).\nThe files take %s.\n\n", all.waiting,
			len(players), all.inDoubt, age(all.oldest), all.oldest.UTC().Format(time.RFC3339), size(disk))
		table(out, "waiting\tin doubt\toldest\t player\n", func(w io.Writer) {
			rank := slices.SortedFunc(maps.Values(players), func(a, b *backlog) int {
				return cmp.Or(cmp.Compare(b.waiting, a.waiting), cmp.Compare(a.player, b.player))
			})
			for _, p := range rank[:min(most, len(rank))] {
				fmt.Fprintf(w, "%d\t%d\t%s\t %q\n", p.waiting, p.inDoubt, age(p.oldest), p.player)
			}
		})
		if len(players) > most {
			fmt.Fprintf(out, "and %d more players\n", len(players)-most)
		}
		fmt.Fprintln(out)
	}
	table(out, "waiting\tin doubt\tsettled\tsize\t file\n", func(w io.Writer) {
		for _, f := range v.Files {
			fmt.Fprintf(w, "%d\t%d\t%d\t%s\t %s\n", f.Waiting, f.InDoubt, f.Events-f.Waiting, size(f.Bytes), f.Name)
		}
	})
	if err := damage(v, out); err != nil {
		return err
	}
	if all.waiting > 0 {
		fmt.Fprintln(out, "\nThe next process that opens the directory sends what waits. To send it by hand: spoolctl -h.")
	}
	return nil
}

func table(out io.Writer, head string, rows func(io.Writer)) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, head)
	rows(w)
	_ = w.Flush() // to a terminal; the next write fails as well
}

// size formats a number of bytes for people.
func size(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%d KiB", (n+1023)/1024)
}

// age returns how long ago a time was, in its two largest units.
func age(t time.Time) string {
	switch d := time.Since(t); {
	case d >= 24*time.Hour:
		return fmt.Sprintf("%dd%dh", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
	case d >= time.Hour:
		return fmt.Sprintf("%dh%dm", d/time.Hour, d%time.Hour/time.Minute)
	case d >= time.Minute:
		return fmt.Sprintf("%dm%ds", d/time.Minute, d%time.Minute/time.Second)
	default:
		return fmt.Sprintf("%ds", max(d, 0)/time.Second)
	}
}
