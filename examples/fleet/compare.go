package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/emulator"
	"github.com/playline/playline-go/relay"
)

// compare checks the tracked events against the stored ones, one by one.
func compare(service *emulator.Server, servers *servers, ledger batcher.Ledger, counted relay.Stats) error {
	var wrong []error
	tracked, copies := 0, 0
	for _, g := range servers.all {
		for p, id := range g.players {
			tracked += g.tracked[p]
			next := 0
			for _, e := range service.Events(id) {
				var in struct {
					Level int `json:"level"`
				}
				if err := json.Unmarshal(e.CustomData, &in); err != nil {
					return err
				}
				switch {
				case in.Level < next:
					copies++ // it was there before
				case in.Level == next:
					next++
				default:
					wrong = append(wrong, fmt.Errorf("%s: event %d came where %d was next", id, in.Level, next))
					next = in.Level + 1
				}
			}
			if next != g.tracked[p] {
				wrong = append(wrong, fmt.Errorf("%s: %d events tracked, %d stored", id, g.tracked[p], next))
			}
		}
	}
	row := func(name string, n any, note string) { fmt.Printf("  %-28s %8v  %s\n", name, n, note) }
	fmt.Println()
	row("tracked by the servers", tracked, "")
	row("acknowledged by the stream", ledger.Delivered, "")
	row("stored by the emulator", service.EventCount(), "")
	row("of them copies", copies, "sent by the relay that was killed, and again by the next one")
	row("counted as possible copies", counted.PossibleDuplicates, "by the relays that are left")
	for result, n := range counted.DeadLetters {
		row("dead letters: "+result, n, "")
		wrong = append(wrong, fmt.Errorf("%d events are dead letters: %s", n, result))
	}
	if int64(tracked) != ledger.Delivered || int64(tracked) != ledger.Accepted {
		wrong = append(wrong, fmt.Errorf("%d tracked, but the publishers' ledger says %s", tracked, ledger))
	}
	if int64(copies) > counted.PossibleDuplicates {
		wrong = append(wrong, fmt.Errorf("%d copies, but only %d were counted as possible", copies, counted.PossibleDuplicates))
	}
	if len(wrong) == 0 {
		fmt.Println("  nothing is missing, and every player's events are in order")
	}
	return errors.Join(wrong...)
}
