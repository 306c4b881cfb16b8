package emulator

import (
	"encoding/json"
	"fmt"
)

// PlaySmart's contract with event types beside those that the vendor documents.

// contractWithEventTypes returns a contract of its own, because all emulators share the others.
func contractWithEventTypes(types []string) *contract {
	data, err := contractFiles.ReadFile("contract/" + PlaySmart + ".json")
	if err != nil {
		panic(fmt.Sprintf("emulator: contract of %s: %v", PlaySmart, err)) // it is part of the package
	}
	c, err := readContract(data)
	if err != nil {
		panic(fmt.Sprintf("emulator: contract of %s: %v", PlaySmart, err))
	}
	ingest, _, _, _ := c.match("POST", "/ingest/events")
	known := ingest.body.Properties["events"].Items.Properties["type"]
	for _, t := range types {
		encoded, err := json.Marshal(t)
		if err != nil {
			panic(fmt.Sprintf("emulator: WithEventTypes: %v", err)) // a string always has a JSON
		}
		known.Enum = append(known.Enum, string(encoded))
	}
	return c
}
