package emulator

import "slices"

// fynoOptions are the settings of the emulated Fyno workspace.
type fynoOptions struct {
	seed   uint64
	topics []Topic
	events []string
}

// Topic is a subscription topic of the emulated Fyno workspace: users opt in and out of it channel
// by channel.
type Topic struct {
	ID          string // what the API calls subscription_id; distinct within a workspace and never "all"
	Section     string // topics are listed by section
	Name        string
	Description string
	// Channels says by channel what holds for a user who has not chosen: "on", "off", or "required"
	// (no opting out). A channel that is not named is on.
	Channels map[string]string
	Events   []string // names of the notification events that belong to the topic
}

// WithFynoSeed seeds what Fyno draws at random (OTPs and ids), so that two runs of the same calls
// give the same answers. Without it the seed is 1.
func WithFynoSeed(seed uint64) Option {
	return func(o *options) { o.fyno.seed = seed }
}

// WithFynoTopics replaces the subscription topics that the workspace starts with.
func WithFynoTopics(topics ...Topic) Option {
	return func(o *options) { o.fyno.topics = slices.Clone(topics) }
}

// WithFynoEvents declares the notification events that the workspace has. Fyno answers 400 to an
// event with another name, single or bulk. Without this option the workspace has every event, and
// without a name it has none.
func WithFynoEvents(names ...string) Option {
	events := append([]string{}, names...) // not nil: then every event would be there
	return func(o *options) { o.fyno.events = events }
}

// defaultTopics is a small game's workspace: two sections, and a channel of each configuration.
func defaultTopics() []Topic {
	return []Topic{
		{
			ID: "SDAILYREWARD", Section: "Game", Name: "Daily rewards", Description: "A reward waits to be collected",
			Channels: map[string]string{"push": "on", "inapp": "on", "email": "on", "sms": "on"},
			Events:   []string{"daily_reward", "reward_reminder"},
		},
		{
			ID: "STOURNAMENT", Section: "Game", Name: "Tournaments", Description: "Starts, results and invitations",
			Channels: map[string]string{"push": "on", "email": "on", "sms": "off"},
			Events:   []string{"tournament_start", "tournament_result"},
		},
		{
			ID: "SSECURITY", Section: "Account", Name: "Security", Description: "Sign-in codes and warnings",
			Channels: map[string]string{"sms": "required", "email": "required", "push": "on"},
			Events:   []string{"login_otp", "new_device"},
		},
		{
			ID: "SNEWS", Section: "Account", Name: "News", Description: "Updates and offers",
			Channels: map[string]string{"email": "on", "push": "on"},
			Events:   []string{"newsletter"},
		},
	}
}
