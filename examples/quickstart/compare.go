package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/playline/playline-go/emulator"
)

// compare holds what this program believes to have done against the emulator's own record: every
// call, every player, and every event in its order.
func (e *evening) compare(events []playerEvent) error {
	var wrong []error
	differ := func(what string, here, there any) {
		if here != there {
			wrong = append(wrong, fmt.Errorf("%s: %v here, %v at the emulator", what, here, there))
		}
	}
	total := 0
	for _, operation := range slices.Sorted(maps.Keys(e.calls)) {
		differ("calls of "+operation, e.calls[operation], e.server.Calls(operation))
		total += e.calls[operation]
	}
	differ("calls", total, e.server.TotalCalls())
	differ("players", len(e.players), len(e.server.Players()))
	differ("events accepted", len(events), e.sent)
	differ("events stored", len(events), e.server.EventCount())
	for _, p := range e.players {
		stored := e.server.Events(p.deviceID)
		recorded := slices.Collect(func(yield func(playerEvent) bool) {
			for _, event := range events {
				if event.UserID == p.deviceID && !yield(event) {
					return
				}
			}
		})
		differ("events of "+p.handle, len(recorded), len(stored))
		for i := range min(len(recorded), len(stored)) {
			if err := sameEvent(recorded[i], stored[i]); err != nil {
				wrong = append(wrong, fmt.Errorf("event %d of %s: %w", i, p.handle, err))
				break
			}
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("the totals differ:\n%w", errors.Join(wrong...))
	}
	fmt.Printf("\n  the emulator's record agrees: %d calls of %d operations, %d players, %d events in order\n",
		total, len(e.calls), len(e.players), e.server.EventCount())
	return nil
}

func sameEvent(recorded playerEvent, stored emulator.Event) error {
	if string(recorded.Type) != stored.Type || recorded.CustomEventName != stored.CustomEventName {
		return fmt.Errorf("%s %s was stored as %s %s", recorded.Type, recorded.CustomEventName, stored.Type, stored.CustomEventName)
	}
	here, err := canonical(recorded.CustomData)
	if err != nil {
		return err
	}
	there, err := canonical(stored.CustomData)
	if err != nil {
		return err
	}
	if !bytes.Equal(here, there) {
		return errors.New("its customdata was changed")
	}
	return nil
}

// canonical writes JSON with sorted keys, so that equal values are equal bytes.
func canonical(raw json.RawMessage) ([]byte, error) {
	if raw == nil {
		return nil, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		return nil, err
	}
	return json.Marshal(v)
}
