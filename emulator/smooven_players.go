package emulator

import (
	"maps"
	"slices"
)

// Player is a Smooven player.
type Player struct {
	ID          string             `json:"player_id"`
	ExternalID  string             `json:"external_id"`
	Channels    PlayerChannels     `json:"channels"`
	Tags        []string           `json:"tags"`
	Preferences *PlayerPreferences `json:"preferences,omitempty"`
}

// PlayerChannels are the ways to reach a Smooven player; an empty one is not there.
type PlayerChannels struct {
	SMS   string      `json:"sms,omitempty"`
	Email string      `json:"email,omitempty"`
	Push  *PlayerPush `json:"push,omitempty"`
}

// PlayerPush is a device of a Smooven player.
type PlayerPush struct {
	Platform    string `json:"platform,omitempty"`
	DeviceToken string `json:"device_token"`
}

// PlayerPreferences say how and when a Smooven player wants to be reached.
type PlayerPreferences struct {
	PreferredChannel string      `json:"preferred_channel,omitempty"`
	QuietHours       *QuietHours `json:"quiet_hours,omitempty"`
}

// QuietHours are when a Smooven player wants silence: HH:MM to HH:MM in an IANA time zone.
type QuietHours struct {
	Start    string `json:"start"`
	End      string `json:"end"`
	Timezone string `json:"timezone"`
}

// clone returns a copy that shares no memory with p.
func (p Player) clone() Player {
	if p.Channels.Push != nil {
		p.Channels.Push = new(*p.Channels.Push)
	}
	p.Tags = slices.Clone(p.Tags)
	if p.Preferences != nil {
		p.Preferences = new(*p.Preferences)
		if p.Preferences.QuietHours != nil {
			p.Preferences.QuietHours = new(*p.Preferences.QuietHours)
		}
	}
	return p
}

// Players returns Smooven's players in the order of their ids.
func (e *Emulator) Players() []Player {
	s := e.smooven
	s.mu.Lock()
	defer s.mu.Unlock()
	players := make([]Player, 0, len(s.players))
	for _, id := range slices.Sorted(maps.Keys(s.players)) {
		players = append(players, s.players[id].clone())
	}
	return players
}

// Player returns the Smooven player with an external id, and whether there is one.
func (e *Emulator) Player(externalID string) (Player, bool) {
	s := e.smooven
	s.mu.Lock()
	defer s.mu.Unlock()
	player := s.byExternal[externalID]
	if player == nil {
		return Player{}, false
	}
	return player.clone(), true
}
