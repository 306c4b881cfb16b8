package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"
)

// The simulation as a judge of the mutants: it knows none of the tests that are named for them.

var (
	foundSeed = regexp.MustCompile(`(?m)^seed (\d+) fails`)
	played    = regexp.MustCompile(`(?m)^(\d+) seeds from \d+, (\d+) steps, (\S+) of virtual time in (\S+):`)
)

// simulate lets the simulation search for each mutant, and prints what it found.
func simulate(ctx context.Context, chosen []mutant, limit time.Duration, out io.Writer) error {
	fmt.Fprintln(out, "| promise | what is broken | seed | seeds played | steps | virtual time | time |")
	fmt.Fprintln(out, "|---|---|---|---|---|---|---|")
	missed := 0
	for _, m := range chosen {
		words, err := m.search(ctx, limit)
		if err != nil {
			return fmt.Errorf("%s: %w", m.change, err)
		}
		seed := "**not found**"
		if at := foundSeed.FindStringSubmatch(words); at != nil {
			seed = at[1]
		} else {
			missed++
		}
		cost := played.FindStringSubmatch(words)
		if cost == nil {
			return fmt.Errorf("%s: the simulation printed no figures:\n%s", m.change, words)
		}
		fmt.Fprintf(out, "| %s | %s | %s | %s |\n", m.promise, m.change, seed, strings.Join(cost[1:], " | "))
	}
	if missed > 0 {
		return fmt.Errorf("%d of %d mutants were not found within %s each", missed, len(chosen), limit)
	}
	return nil
}

// search returns what the simulation printed about the mutant.
func (m mutant) search(ctx context.Context, limit time.Duration) (string, error) {
	list, remove, err := m.overlay()
	if err != nil {
		return "", err
	}
	defer remove()
	cmd := exec.CommandContext(ctx, "go", "run", "./sim", "-seeds", "1000000", "-workers", "2", "-for", limit.String(), "-overlay", list)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	words, err := cmd.CombinedOutput()
	if _, failed := errors.AsType[*exec.ExitError](err); err != nil && !failed {
		return "", err
	}
	return string(words), ctx.Err()
}
