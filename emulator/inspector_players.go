package emulator

import (
	"slices"
	"time"
)

// playerRows is how many players the list shows.
const playerRows = 200

// playerView is a person as a row: whoever has the same id in several services is one person.
type playerView struct {
	ID         string   `json:"id"`
	Name       string   `json:"name,omitzero"`
	Services   []string `json:"services"` // that know the id
	Channels   []string `json:"channels"` // by which the person can be reached
	Suppressed int      `json:"suppressed,omitzero"`
	Events     int      `json:"events"`
	Last       int64    `json:"last,omitzero"` // when the newest of them came, Unix time in milliseconds
}

// playerIDs returns the ids that any service knows: Smooven's external ids, Fyno's distinct ids,
// the users of PlaySmart and Sunshine. SmartSender's contacts have no id in common with them.
func (e *Emulator) playerIDs() map[string]bool {
	ids := make(map[string]bool)
	e.smooven.mu.Lock()
	for id := range e.smooven.byExternal {
		ids[id] = true
	}
	e.smooven.mu.Unlock()
	e.fyno.mu.Lock()
	for _, version := range e.fyno.versions {
		for id := range version.profiles {
			ids[id] = true
		}
	}
	e.fyno.mu.Unlock()
	e.playSmart.mu.Lock()
	for id := range e.playSmart.events {
		ids[id] = true
	}
	for _, account := range e.playSmart.accounts {
		ids[account.deviceID] = true
	}
	e.playSmart.mu.Unlock()
	e.sunshine.mu.Lock()
	for id := range e.sunshine.users {
		ids[id] = true
	}
	e.sunshine.mu.Unlock()
	return ids
}

// playerRows returns the first persons that a filter takes, and how many come after them. They are
// in the order of their ids or, for the choice recent, by their last event, the newest first.
func (e *Emulator) playerRows(ids map[string]bool, f filter) (rows []playerView, more int) {
	rows = []playerView{}
	accounts := e.playSmart.accountsByID()
	sorted := sortedKeys(ids)
	if f.only == "recent" {
		last := e.playSmart.lastEvents()
		slices.SortStableFunc(sorted, func(a, b string) int { return last[b].Compare(last[a]) })
	}
	for _, id := range sorted {
		if f.player != "" && f.player != id {
			continue
		}
		if len(f.words) == 0 && len(rows) == playerRows {
			more++
			continue
		}
		row, reach := e.playerRow(id, accounts)
		switch {
		case !f.takes(append(append(reach, id, row.Name), row.Services...)...):
		case len(rows) == playerRows:
			more++
		default:
			rows = append(rows, row)
		}
	}
	return rows, more
}

// playerRow collects one person, and the addresses to look for them by.
func (e *Emulator) playerRow(id string, accounts map[string]*playSmartAccount) (row playerView, reach []string) {
	row = playerView{ID: shownID(id), Services: []string{}, Channels: []string{}}
	e.playSmart.mu.Lock()
	events := e.playSmart.events[id]
	if row.Events = len(events); row.Events > 0 {
		row.Last = events[row.Events-1].Received.UnixMilli()
	}
	e.playSmart.mu.Unlock()
	if row.Events > 0 || accounts[id] != nil {
		row.Services = append(row.Services, PlaySmart)
	}
	if player, ok := e.Player(id); ok {
		row.Services = append(row.Services, Smooven)
		for channel, address := range map[string]string{"sms": player.Channels.SMS, "email": player.Channels.Email} {
			if address != "" {
				row.Channels, reach = append(row.Channels, channel), append(reach, address)
			}
		}
		if player.Channels.Push != nil {
			row.Channels = append(row.Channels, "push")
		}
	}
	e.fyno.mu.Lock()
	known := false
	for _, version := range e.fyno.versions {
		p := version.profiles[id]
		if p == nil {
			continue
		}
		known = true
		row.Name = clipped(p.name, 200)
		for channel, address := range p.channels.single {
			row.Channels, reach = append(row.Channels, channel), append(reach, address)
		}
		for channel, tokens := range p.channels.tokens {
			if len(tokens) > 0 {
				row.Channels = append(row.Channels, channel)
			}
		}
		row.Suppressed = len(e.fyno.suppressionsOf(p))
	}
	e.fyno.mu.Unlock()
	if known {
		row.Services = append(row.Services, Fyno)
	}
	if len(e.Clients(id)) > 0 {
		row.Services = append(row.Services, Sunshine)
	}
	slices.Sort(row.Channels)
	row.Channels = slices.Compact(row.Channels)
	return row, reach
}

// lastEvents returns by player when the newest event came.
func (p *playSmart) lastEvents() map[string]time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := make(map[string]time.Time, len(p.events))
	for id, events := range p.events {
		if len(events) > 0 {
			last[id] = events[len(events)-1].Received
		}
	}
	return last
}

// accountsByID returns the accounts by the id that their players have.
func (p *playSmart) accountsByID() map[string]*playSmartAccount {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make(map[string]*playSmartAccount, len(p.accounts))
	for _, account := range p.accounts {
		out[account.deviceID] = account
	}
	return out
}

// suppressionsOf returns what keeps messages from a profile, by its id or by one of its addresses.
// The caller holds mu.
func (f *fyno) suppressionsOf(p *fynoProfile) []fynoSuppression {
	var out []fynoSuppression
	for _, s := range f.suppressions {
		address, reachable := p.channels.single[s.Channel]
		if s.DistinctID != "" && p.answersTo(s.DistinctID) || s.DistinctID == "" && reachable && sameDestination(s.Destination, address) {
			out = append(out, s)
		}
	}
	return out
}

// survey lists the players for a viewer where that is due: it looks at all of them, so it is not
// done with every frame, and where there are very many, so seldom that it takes a tenth of the time
// at most.
func (v *viewer) survey(f *frame, now time.Time, changed bool) {
	every := 2 * time.Second
	if v.view == "players" || v.view == "refusals" {
		every = time.Second
	}
	every = max(every, 10*v.surveying)
	if f.Reset || changed && now.Sub(v.surveyed) >= every || now.Sub(v.surveyed) >= 2*every {
		defer func() { v.surveyed, v.surveying = now, time.Since(now) }()
		ids := v.inspector.emulator.playerIDs()
		v.players = len(ids)
		switch v.view {
		case "players":
			f.Rows, f.More = v.inspector.emulator.playerRows(ids, v.filter)
		case "refusals":
			f.Rows, f.More = v.inspector.emulator.record.refusals(v.filter)
		}
	}
	f.Players = v.players
}
