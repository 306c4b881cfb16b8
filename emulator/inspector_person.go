package emulator

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// personView is all that the services hold of one person.
type personView struct {
	id           string
	ID           string            `json:"id"`
	Facts        []namedValue      `json:"facts"` // of PlaySmart, Smooven and Sunshine
	Profiles     []profileView     `json:"profiles"`
	Suppressions []suppressionView `json:"suppressions"`
	EventCount   int               `json:"eventCount"`
	Events       []eventView       `json:"events"`   // the newest
	Messages     []messageView     `json:"messages"` // the newest
}

// profileView is a profile in one version of the Fyno workspace.
type profileView struct {
	Version    string         `json:"version"`
	Facts      []namedValue   `json:"facts"`
	Channels   []namedValue   `json:"channels"`
	Properties []propertyView `json:"properties"`
	Topics     []topicView    `json:"topics"`
}

type propertyView struct {
	Name  string `json:"name"`
	Kind  string `json:"kind"`
	Value string `json:"value"`
}

// topicView is what a person gets of one topic, by channel: in, out, or required.
type topicView struct {
	Section  string       `json:"section"`
	Name     string       `json:"name"`
	Channels []namedValue `json:"channels"`
}

type suppressionView struct {
	Channel string `json:"channel"`
	Of      string `json:"of"` // the person, or an address
	Why     string `json:"why,omitzero"`
}

const personRows = 12 // newest events and messages in the details of a person

// person collects what the services hold of an id. The lists are empty where they know none.
func (e *Emulator) person(shown string) *personView {
	id := e.idOf(shown)
	view := &personView{
		id: id, ID: shown, Facts: []namedValue{}, Profiles: []profileView{}, Suppressions: []suppressionView{}, Events: []eventView{}, Messages: []messageView{},
	}
	fact := func(name, format string, args ...any) {
		view.Facts = append(view.Facts, namedValue{name, clipped(fmt.Sprintf(format, args...), 300)})
	}
	if account := e.playSmart.accountsByID()[id]; account != nil {
		fact("PlaySmart account", "%s, %s", account.id, account.email)
	}
	if player, ok := e.Player(id); ok {
		fact("Smooven player", "%s", player.ID)
		for name, value := range map[string]string{"SMS": player.Channels.SMS, "Email": player.Channels.Email} {
			if value != "" {
				fact(name, "%s", value)
			}
		}
		if push := player.Channels.Push; push != nil {
			fact("Push", "%s, one device", push.Platform)
		}
		if len(player.Tags) > 0 {
			fact("Tags", "%s", strings.Join(player.Tags, ", "))
		}
		if p := player.Preferences; p != nil && p.PreferredChannel != "" {
			fact("Prefers", "%s", p.PreferredChannel)
		}
		if p := player.Preferences; p != nil && p.QuietHours != nil {
			fact("Quiet hours", "%s to %s, %s", p.QuietHours.Start, p.QuietHours.End, p.QuietHours.Timezone)
		}
	}
	for _, client := range e.Clients(id) {
		fact("Sunshine client", "%s, %s, %s", client.Type, client.Status, client.ExternalID)
	}
	slices.SortStableFunc(view.Facts, func(a, b namedValue) int { return strings.Compare(a.Name, b.Name) })
	e.fyno.describe(view)
	byPlayer := filter{player: id}
	view.Events, _, view.EventCount = e.eventRows(byPlayer, 0, true)
	view.Messages, _, _ = e.messageRows(byPlayer, 0, true)
	view.Events = view.Events[:min(personRows, len(view.Events))]
	view.Messages = view.Messages[:min(personRows, len(view.Messages))]
	return view
}

// describe adds the profiles of a person, and what is suppressed.
func (f *fyno) describe(view *personView) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, name := range []string{"live", "test"} {
		version := f.versions[name]
		p := version.profiles[view.id]
		if p == nil {
			continue
		}
		view.Profiles = append(view.Profiles, f.profileView(version, p))
		for _, s := range f.suppressionsOf(p) {
			of := s.Destination
			if s.DistinctID != "" {
				of = "the player"
			}
			shown := suppressionView{Channel: s.Channel, Of: clipped(of, 100), Why: clipped(s.Description, 200)}
			if !slices.Contains(view.Suppressions, shown) {
				view.Suppressions = append(view.Suppressions, shown)
			}
		}
	}
}

func (f *fyno) profileView(version *fynoVersion, p *fynoProfile) profileView {
	status := "active"
	if p.status == 0 {
		status = "inactive: gets no messages"
	}
	view := profileView{
		Version:  version.name,
		Facts:    []namedValue{{"Name", clipped(p.name, 200)}, {"Status", status}, {"Time zone", p.timezone + " (" + offsetOf(p.timezone) + ")"}},
		Channels: []namedValue{}, Properties: []propertyView{}, Topics: []topicView{},
	}
	if len(p.aliases) > 0 {
		view.Facts = append(view.Facts, namedValue{"Merged from", clipped(strings.Join(p.aliases, ", "), 300)})
	}
	for _, channel := range sortedKeys(p.channels.single) {
		view.Channels = append(view.Channels, namedValue{channel, clipped(p.channels.single[channel], 200)})
	}
	for _, channel := range sortedKeys(p.channels.tokens) {
		active := 0
		for _, token := range p.channels.tokens[channel] {
			if token.active() {
				active++
			}
		}
		view.Channels = append(view.Channels, namedValue{channel, fmt.Sprintf("devices: %d, active: %d", len(p.channels.tokens[channel]), active)})
	}
	for _, name := range sortedKeys(p.properties) {
		value := hidden
		if raw, err := json.Marshal(p.properties[name]); err == nil && !isSecret(name) {
			value = inOneLine(raw, 300)
		}
		view.Properties = append(view.Properties, propertyView{clipped(name, 100), string(version.kinds[name]), value})
	}
	for _, topic := range f.topics {
		shown := topicView{Section: topic.Section, Name: topic.Name, Channels: []namedValue{}}
		chosen := p.choices.preference(topic)
		for _, channel := range sortedKeys(chosen) {
			state := "in"
			switch {
			case topic.Channels[channel] == "required":
				state = "required"
			case chosen[channel] == optedOut || p.choices.all[channel].status == optedOut:
				state = "out"
			}
			shown.Channels = append(shown.Channels, namedValue{channel, state})
		}
		view.Topics = append(view.Topics, shown)
	}
	return view
}
