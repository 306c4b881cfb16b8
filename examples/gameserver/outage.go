package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/emulator"
)

// breakdown takes the service down for a while.
type breakdown struct {
	service *emulator.Server
	screen  *screen
	after   time.Duration
	lasts   time.Duration
}

func (o breakdown) run(ctx context.Context) {
	if !pause(ctx, o.after) {
		return
	}
	o.screen.say("the service goes down for %s: 503 on everything", o.lasts)
	heal := o.service.Inject(emulator.Fault{Operation: "ingestEvents", Status: 503})
	defer heal()
	if pause(ctx, o.lasts) {
		o.screen.say("the service is back")
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// compare checks the batcher's ledger and this program's own count against the stored events,
// player by player.
func compare(service *emulator.Server, g *game, report batcher.Report) error {
	fmt.Println("  ledger:", report.Ledger)
	tracked, wrong := 0, []error(nil)
	for _, p := range g.players {
		tracked += g.tracked[p.id]
		// A copy that may have arrived twice is counted, so there may be more but never fewer.
		if stored := len(service.Events(p.id)); stored < g.tracked[p.id] {
			wrong = append(wrong, fmt.Errorf("%s: %d tracked, %d stored", p.id, g.tracked[p.id], stored))
		}
	}
	stored := service.EventCount()
	fmt.Printf("  %d tracked here, %d stored by the emulator\n", tracked, stored)
	if int64(tracked) != report.Accepted || report.Delivered != report.Accepted {
		wrong = append(wrong, fmt.Errorf("%d tracked, but the ledger says %s", tracked, report.Ledger))
	}
	if extra := int64(stored) - report.Delivered; extra < 0 || extra > report.PossibleDuplicates {
		wrong = append(wrong, fmt.Errorf("%d delivered, %d stored", report.Delivered, stored))
	}
	if len(wrong) == 0 {
		fmt.Println("  nothing is missing")
	}
	return errors.Join(wrong...)
}
