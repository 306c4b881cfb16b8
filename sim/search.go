package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// search plays seeds until one fails, or all are played, or the time is over.
func search(ctx context.Context, h *host, s settings, out io.Writer) error {
	began := time.Now()
	playing, stop := context.WithCancel(ctx)
	defer stop()
	if s.limit > 0 {
		timer := time.AfterFunc(s.limit, stop)
		defer timer.Stop()
	}
	var (
		mu      sync.Mutex // guards the following
		next    = s.plan.seed
		played  uint64
		steps   int
		virtual time.Duration
		found   *plan
		failure error
	)
	take := func() (uint64, bool) {
		mu.Lock()
		defer mu.Unlock()
		if playing.Err() != nil || next >= s.plan.seed+s.seeds {
			return 0, false
		}
		next++
		return next - 1, true
	}
	var workers sync.WaitGroup
	for range s.workers {
		workers.Go(func() {
			for {
				seed, more := take()
				if !more {
					return
				}
				p := s.plan
				p.seed = seed
				r, err := h.play(ctx, p, false)
				mu.Lock()
				switch {
				case err != nil:
					failure = errors.Join(failure, err)
					stop()
				case r.verdict != ok:
					if found == nil || seed < found.seed {
						found = &p
					}
					stop()
				}
				played++
				steps += r.steps
				virtual += r.virtual
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	took := time.Since(began)
	fmt.Fprintf(out, "%d seeds from %d, %d steps, %s of virtual time in %s: %.1f seeds/s\n",
		played, s.plan.seed, steps, virtual.Round(time.Second), took.Round(time.Millisecond), float64(played)/took.Seconds())
	switch {
	case failure != nil:
		return failure
	case found != nil:
		return reduce(ctx, h, *found, out)
	}
	return ctx.Err() // the end of -for is no failure
}

// reduce makes a failing plan smaller as long as it fails, and prints how to play it.
func reduce(ctx context.Context, h *host, p plan, out io.Writer) error {
	fmt.Fprintf(out, "seed %d fails; making it smaller\n", p.seed)
	fails := func(q plan) (result, bool) {
		r, err := h.play(ctx, q, false)
		return r, err == nil && r.verdict != ok
	}
	smallest, _ := fails(p)
	for _, knob := range []struct {
		of    func(p *plan) *int
		tries []int
	}{
		{func(p *plan) *int { return &p.troubles }, []int{-1, 1, 2, 3, 4, 5}},
		{func(p *plan) *int { return &p.actions }, []int{1, 2, 3, 5, 8, 12, 20, 30, 50, 70}},
		{func(p *plan) *int { return &p.players }, []int{1, 2, 3, 4, 6, 8}},
	} {
		for _, limit := range knob.tries {
			q := p
			*knob.of(&q) = limit
			if r, still := fails(q); still {
				p, smallest = q, r
				break
			}
		}
	}
	fmt.Fprint(out, smallest.words)
	fmt.Fprintf(out, "replay: go run ./sim %s\n", p)
	return fmt.Errorf("seed %d is %s", p.seed, smallest.verdict)
}
