package emulator

import (
	"maps"
	"net/http"
	"slices"
	"time"
)

// Fyno's topics, and who has opted in or out of them on which channel.

const (
	optedIn  = "opted-in"
	optedOut = "opted-out"
	// allTopics stands for every topic at once where a subscription id is asked for.
	allTopics = "all"
)

// fynoChoices are what one user chose: for all topics at once, and topic by topic.
type fynoChoices struct {
	all    map[string]fynoChoice // by channel
	topics map[string]map[string]fynoChoice
}

type fynoChoice struct {
	status string // optedIn or optedOut
	at     time.Time
}

func newFynoChoices() fynoChoices {
	return fynoChoices{all: map[string]fynoChoice{}, topics: map[string]map[string]fynoChoice{}}
}

func (ch fynoChoices) fill(other fynoChoices) {
	fill := func(mine, theirs map[string]fynoChoice) map[string]fynoChoice {
		merged := maps.Clone(theirs)
		maps.Copy(merged, mine)
		return merged
	}
	maps.Copy(ch.all, fill(ch.all, other.all))
	for topic, theirs := range other.topics {
		ch.topics[topic] = fill(ch.topics[topic], theirs)
	}
}

// choose notes a choice for a topic. A required channel of a topic cannot be chosen.
func (ch fynoChoices) choose(topic Topic, channel, status string) {
	if topic.Channels[channel] == "required" {
		return
	}
	if ch.topics[topic.ID] == nil {
		ch.topics[topic.ID] = map[string]fynoChoice{}
	}
	ch.topics[topic.ID][channel] = fynoChoice{status: status, at: time.Now()}
}

// preference is what holds for a topic by channel: the user's choice, or what the topic starts
// with.
func (ch fynoChoices) preference(topic Topic) map[string]string {
	out := map[string]string{}
	for channel, config := range topic.Channels {
		out[channel] = optedIn
		if config == "off" {
			out[channel] = optedOut
		}
	}
	for channel, choice := range ch.topics[topic.ID] {
		out[channel] = choice.status
	}
	return out
}

// refuses tells whether the user opted out of an event on a channel. Out of all wins over a topic
// that was chosen after it, and holds for events without a topic too; what a topic requires is
// always sent.
func (ch fynoChoices) refuses(topics []Topic, event, channel string) bool {
	out := ch.all[channel].status == optedOut
	for _, topic := range topics {
		if !slices.Contains(topic.Events, event) {
			continue
		}
		if topic.Channels[channel] == "required" {
			return false
		}
		out = out || ch.preference(topic)[channel] == optedOut
	}
	return out
}

func updatedAt(choices map[string]fynoChoice) map[string]string {
	out := map[string]string{}
	for channel, choice := range choices {
		out[channel] = fynoMoment(choice.at)
	}
	return out
}

// The answer of getPreferences.
type (
	fynoPreferencesBody struct {
		Meta   fynoPreferencesMeta        `json:"meta"`
		Result map[string][]fynoTopicBody `json:"result"`
	}
	fynoPreferencesMeta struct {
		All fynoGlobalPreference `json:"all"`
	}
	fynoGlobalPreference struct {
		Preference map[string]string `json:"preference"`
		UpdatedAt  map[string]string `json:"updated_at"`
	}
	fynoTopicBody struct {
		SubscriptionID     string                  `json:"subscription_id"`
		Name               string                  `json:"name"`
		Description        string                  `json:"description"`
		ChannelConfig      map[string]string       `json:"channel_config"`
		Preference         map[string]string       `json:"preference"`
		IsGlobalOptedOut   map[string]bool         `json:"is_global_opted_out"`
		NotificationEvents []fynoNotificationEvent `json:"notification_events"`
		UpdatedAt          map[string]string       `json:"updated_at"`
	}
	fynoNotificationEvent struct {
		EventID   string `json:"event_id"`
		EventName string `json:"event_name"`
	}
)

func (f *fyno) getPreferences(c *call) reply {
	p := f.version(c).profiles[c.query.Get("distinct_id")]
	if p == nil {
		return fynoBad(fynoNoSuchProfile)
	}
	body := fynoPreferencesBody{Result: map[string][]fynoTopicBody{}}
	body.Meta.All = fynoGlobalPreference{Preference: map[string]string{}, UpdatedAt: updatedAt(p.choices.all)}
	globally := map[string]bool{}
	for channel, choice := range p.choices.all {
		if choice.status == optedOut {
			body.Meta.All.Preference[channel], globally[channel] = optedOut, true
		}
	}
	for _, topic := range f.topics {
		shown := fynoTopicBody{
			SubscriptionID: topic.ID, Name: topic.Name, Description: topic.Description,
			ChannelConfig:    map[string]string{},
			Preference:       p.choices.preference(topic),
			IsGlobalOptedOut: map[string]bool{}, NotificationEvents: []fynoNotificationEvent{},
			UpdatedAt: updatedAt(p.choices.topics[topic.ID]),
		}
		maps.Copy(shown.ChannelConfig, topic.Channels)
		maps.Copy(shown.IsGlobalOptedOut, globally)
		maps.DeleteFunc(shown.IsGlobalOptedOut, func(channel string, _ bool) bool { return topic.Channels[channel] == "required" })
		if c.query.Get("event_list") == "true" {
			for _, event := range topic.Events {
				shown.NotificationEvents = append(shown.NotificationEvents, fynoNotificationEvent{EventID: "E-" + event, EventName: event})
			}
		}
		body.Result[topic.Section] = append(body.Result[topic.Section], shown)
	}
	return reply{status: http.StatusOK, body: body}
}

type fynoPreferencesInput struct {
	UserPreference map[string]map[string]string `json:"user_preference"`
}

func (f *fyno) updatePreferences(c *call, in fynoPreferencesInput) reply {
	return f.choose(c, c.query.Get("distinct_id"), in.UserPreference)
}

type fynoPreferenceInput struct {
	Channel    string `json:"channel"`
	DistinctID string `json:"distinct_id"`
	Status     string `json:"status"`
}

func (f *fyno) updatePreference(c *call, in fynoPreferenceInput) reply {
	wanted := map[string]map[string]string{c.path["subscription_id"]: {in.Channel: in.Status}}
	return f.choose(c, in.DistinctID, wanted)
}

// choose takes a user's choices by topic id and channel, all of them or none, and answers with what
// holds now for every topic that was named; all names every one. All is applied before single
// topics, so that one request can say all but one.
func (f *fyno) choose(c *call, distinctID string, wanted map[string]map[string]string) reply {
	p := f.version(c).profiles[distinctID]
	if p == nil {
		return fynoBad(fynoNoSuchProfile)
	}
	named := map[string]Topic{}
	for id, channels := range wanted {
		if id == allTopics {
			for _, topic := range f.topics {
				named[topic.ID] = topic
			}
			continue
		}
		i := slices.IndexFunc(f.topics, func(t Topic) bool { return t.ID == id })
		if i < 0 {
			return fynoBad("subscription '" + id + "' does not exist")
		}
		named[id] = f.topics[i]
		for channel, status := range channels {
			if status == optedOut && f.topics[i].Channels[channel] == "required" {
				return fynoBad("the preference of channel " + channel + " of subscription '" + id + "' is required and cannot be updated")
			}
		}
	}
	for channel, status := range wanted[allTopics] {
		p.choices.all[channel] = fynoChoice{status: status, at: time.Now()}
		for _, topic := range f.topics {
			p.choices.choose(topic, channel, status)
		}
	}
	answer := map[string]map[string]string{}
	for id, topic := range named {
		for channel, status := range wanted[id] {
			p.choices.choose(topic, channel, status)
		}
		answer[id] = p.choices.preference(topic)
	}
	p.updatedAt = time.Now()
	return reply{status: http.StatusOK, body: answer}
}
