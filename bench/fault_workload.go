package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// fault is the workload of the fault cases. It tracks a number of events over a time, while the
// service fails from the first one on. After that the worker either waits for the pending events
// and closes, or it gets SIGTERM and Close has only its own time.
func (w *work) fault(ctx context.Context) error {
	a, err := newAdapter(w.Adapter, w.Setup)
	if err != nil {
		return err
	}
	terminated, stop := signal.NotifyContext(ctx, syscall.SIGTERM)
	defer stop()
	if err := w.control.fault(ctx, w.job.Fault); err != nil {
		return err
	}
	over := time.Now().Add(w.job.Fault.For)
	refused := 0
	attempted := pace(w.Events, w.For, func(eid int) {
		if a.Track(ctx, eid%max(w.Setup.Players, 1), eid) != nil {
			refused++
		}
	})
	if w.Signal {
		if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
			return err
		}
		<-terminated.Done()
		// The outage starts here.
		if err := w.control.fault(ctx, w.job.Fault); err != nil {
			return err
		}
	} else {
		time.Sleep(time.Until(over))
		w.drain(a)
	}
	w.Figures["close"] = w.close(a).Seconds()
	w.Figures["attempted"] = float64(attempted)
	w.Figures["refused"] = float64(refused)
	if p, ok := a.(*playlineAdapter); ok {
		w.Figures["counted"] = float64(p.batcher.Ledger().PossibleDuplicates)
	}
	w.Reported = a.Reported()
	return nil
}
