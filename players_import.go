package playline

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// importRequest is the body of an import.
type importRequest struct {
	Players []Player `json:"players"`
}

// Validate checks the number of players, and each.
func (r importRequest) Validate() error {
	if n := len(r.Players); n == 0 || n > MaxImport {
		return &ValidationError{"players", fmt.Sprintf("must hold 1 to %d players, not %d: Players.ImportAll takes any number", MaxImport, n)}
	}
	seen := make(map[string]int, len(r.Players))
	for i, p := range r.Players {
		place := fmt.Sprintf("players[%d]", i)
		if err := p.Validate(); err != nil {
			return within(place, err)
		}
		if first, ok := seen[p.ExternalID]; ok {
			return &ValidationError{place + ".external_id", fmt.Sprintf("must be unique in one import: players[%d] has it too", first)}
		}
		seen[p.ExternalID] = i
	}
	return nil
}

// ImportResult is the answer to Players.Import.
type ImportResult struct {
	Success  bool              `json:"success"`
	Imported int               `json:"imported"`
	Errors   []json.RawMessage `json:"errors"` // as they came; the vendor does not document their shape
	// Unaccounted is how many players the answer counts neither as imported nor as failed. It is no error: the vendor does not say
	// whether Imported counts players that existed and were updated.
	Unaccounted int `json:"-"`
}

// account counts the players of a request that the answer says nothing about; err is what locate made of it.
func (r *ImportResult) account(players int, err error) {
	failed := 0
	if partial, ok := errors.AsType[*PartialError](err); ok {
		failed = partial.failed()
	}
	r.Unaccounted = max(players-max(r.Imported, 0)-failed, 0)
}

// locate turns the errors of an import into one that names the caller's items, nil if there is none.
//
// Nothing about the shape of an error is promised. What names a player, by index or by external id, is used; an error that names
// nobody gets the index -1, because guessing would blame a player for another's fault.
func (r *ImportResult) locate(players []Player, secrets []string) error {
	if len(r.Errors) == 0 {
		return nil
	}
	byID := make(map[string]int, len(players))
	for i, p := range players {
		byID[p.ExternalID] = i
	}
	partial := &PartialError{Operation: opImportPlayers.name, Total: len(players)}
	for _, raw := range r.Errors {
		item := ItemError{Index: -1, Raw: raw}
		var in struct {
			Index      looseString `json:"index"`
			ExternalID looseString `json:"external_id"`
			Code       looseString `json:"code"`
			Message    looseString `json:"message"`
		}
		if json.Unmarshal(raw, &in) != nil {
			// Not an object: a text is still a message.
			var text looseString
			_ = json.Unmarshal(raw, &text)
			in.Message = text
		}
		if i, known := byID[string(in.ExternalID)]; known {
			item.Index = i
		} else if i, err := strconv.Atoi(string(in.Index)); err == nil && in.ExternalID == "" && i >= 0 && i < len(players) {
			item.Index = i
		}
		item.Code, item.Message = scrub(string(in.Code), secrets), scrub(string(in.Message), secrets)
		partial.Items = append(partial.Items, item)
	}
	// Errors that name nobody come last: -1 becomes the largest number.
	slices.SortStableFunc(partial.Items, func(a, b ItemError) int { return cmp.Compare(uint(a.Index), uint(b.Index)) })
	return partial
}
