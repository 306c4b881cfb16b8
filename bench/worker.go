package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/pprof"
	"time"
)

// job is the task of a worker process: one workload with one adapter.
type job struct {
	Workload string        `json:"workload"`
	Adapter  string        `json:"adapter"`
	Setup    setup         `json:"setup"`
	For      time.Duration `json:"for"`    // how long it runs
	Warm     time.Duration `json:"warm"`   // before it is measured
	Events   int           `json:"events"` // how many, if the job has a number and not a time
	Rate     int           `json:"rate"`   // events per second, if set
	Kind     string        `json:"kind"`   // which variant of the workload
	Fault    fault         `json:"fault"`
	Signal   bool          `json:"signal"`            // SIGTERM after the events, and Close at once
	Close    time.Duration `json:"close"`             // how long Close has
	Profile  string        `json:"profile,omitempty"` // the file for its CPU profile
	Patience time.Duration `json:"patience"`          // how long to wait while the number of events does not change
	Soak     *soakPlan     `json:"soak"`
}

// result holds the findings of a worker.
type result struct {
	Figures  map[string]float64 `json:"figures"`
	Reported []int              `json:"reported"`
	Soak     *soakResult        `json:"soaked,omitempty"`
}

// work is a running job.
type work struct {
	job
	control *control
	result
}

// workloads are the workloads of a worker, by name. They set the figures.
var workloads = map[string]func(*work, context.Context) error{
	"closed":  (*work).closed,
	"load":    (*work).load,
	"tick":    (*work).tick,
	"waiting": (*work).waiting,
	"lanes":   (*work).lanes,
	"clients": (*work).clients,
	"track":   (*work).track,
	"store":   (*work).store,
	"reopen":  (*work).reopen,
	"fill":    (*work).fill,
	"players": (*work).players,
	"fault":   (*work).fault,
	"relay":   (*work).relay,
	"soak":    (*work).soak,
}

// serveWorker is the main function of a worker. It does the job, prints the result, and ends, at
// the latest with its parent.
func serveWorker(text string) error {
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(1)
	}()
	w := &work{result: result{Figures: map[string]float64{}, Reported: []int{}}}
	if err := json.Unmarshal([]byte(text), &w.job); err != nil {
		return err
	}
	run, ok := workloads[w.Workload]
	if !ok {
		return fmt.Errorf("no workload %q", w.Workload)
	}
	w.control = newControl(w.Setup.Base)
	stop, err := profile(w.Profile)
	if err != nil {
		return err
	}
	err = run(w, context.Background())
	if err = errors.Join(err, stop()); err != nil {
		return fmt.Errorf("%s with %s: %w", w.Workload, w.Adapter, err)
	}
	return json.NewEncoder(os.Stdout).Encode(w.result)
}

// profile writes a CPU profile until stop is called, if path is not "".
func profile(path string) (stop func() error, err error) {
	if path == "" {
		return func() error { return nil }, nil
	}
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		return file.Close()
	}, nil
}

// drain waits until every event has its result, or until nothing changes any more.
func (w *work) drain(a adapter) {
	last, since := -1, time.Now()
	for {
		left := a.Outstanding()
		if left == 0 || left == last && time.Since(since) > w.Patience {
			return
		}
		if left != last {
			last, since = left, time.Now()
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// close closes the adapter and returns how long that took. It stops waiting one second after the
// deadline for an adapter that ignores its context.
func (w *work) close(a adapter) time.Duration {
	ctx, cancel := context.WithTimeout(context.Background(), w.Close)
	defer cancel()
	started := time.Now()
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		_ = a.Close(ctx) // Reported has the undelivered events
	}()
	select {
	case <-closed:
	case <-time.After(w.Close + time.Second):
	}
	return time.Since(started)
}

// pace calls track for n events, evenly over d in steps of 10 ms. It stops when that takes twice as
// long, but not before the first event. It returns the number of events tracked.
func pace(n int, d time.Duration, track func(eid int)) int {
	const step = 10 * time.Millisecond
	started := time.Now()
	done := 0
	for done < n {
		elapsed := time.Since(started)
		if done > 0 && elapsed > 2*d {
			break
		}
		for due := min(n, int(float64(n)*float64(elapsed+step)/float64(d))); done < due; done++ {
			if done > 0 && time.Since(started) > 2*d {
				return done
			}
			track(done)
		}
		time.Sleep(step - time.Since(started)%step)
	}
	return done
}
