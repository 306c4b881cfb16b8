package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"time"
)

// trace is what happened in a world, step by step in words. Its hash stands for all of it.
type trace struct {
	began  time.Time
	out    io.Writer
	all    bool // every step goes to out
	steps  int
	recent []string // the last ones
	sum    hash.Hash
}

// kept is how many steps a trace keeps at most.
const kept = 500

func newTrace(out io.Writer, all bool) *trace {
	return &trace{began: time.Now(), out: out, all: all, sum: sha256.New()}
}

// step adds one step.
func (t *trace) step(format string, args ...any) {
	line := fmt.Sprintf("%12s ", time.Since(t.began)) + fmt.Sprintf(format, args...)
	t.steps++
	fmt.Fprintln(t.sum, line)
	if t.recent = append(t.recent, line); len(t.recent) > 2*kept {
		t.recent = append([]string(nil), t.recent[kept:]...)
	}
	if t.all {
		fmt.Fprintln(t.out, line)
	}
}

func (t *trace) last(n int) []string { return t.recent[max(0, len(t.recent)-n):] }

func (t *trace) hash() string { return hex.EncodeToString(t.sum.Sum(nil))[:16] }
