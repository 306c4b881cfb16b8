// Command world is the simulated world of the batcher: game servers, players, token sources, disks,
// a network and the emulated service, all in one process. The host in the folder above builds it
// for wasip1 and decides its clocks and its random numbers, so that a seed gives the same run each
// time.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	var p plan
	flag.Uint64Var(&p.seed, "seed", 1, "what decides the world")
	flag.IntVar(&p.players, "players", 0, "at most so many players; 0: as the seed says")
	flag.IntVar(&p.actions, "actions", 0, "at most so many actions per actor; 0: as the seed says")
	flag.IntVar(&p.troubles, "troubles", 0, "at most so many changes for the worse; 0: as the seed says, -1: none")
	last := flag.Int("last", 50, "how many steps a broken world prints")
	all := flag.Bool("all", false, "print every step as it happens")
	flag.Parse()
	w := newWorld(p, os.Stdout, *all)
	w.run()
	verdict := "ok"
	if len(w.broken) > 0 {
		verdict = "broken"
		for _, line := range w.trace.last(*last) {
			fmt.Fprintln(os.Stdout, line)
		}
		for _, line := range w.broken {
			fmt.Fprintln(os.Stdout, "BROKEN:", line)
		}
	}
	// The host reads this line.
	fmt.Fprintf(os.Stdout, "verdict %s %s %d %d %d\n", verdict, w.trace.hash(), w.trace.steps, w.since(), len(w.events))
	if len(w.broken) > 0 {
		os.Exit(1)
	}
}
