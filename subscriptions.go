package playline

import (
	"context"
	"maps"
	"slices"
)

// SubscriptionsService reaches what the users of Fyno want to be told about, and on which channels.
//
// Vendor: https://fyno.io/docs/user-preferences
type SubscriptionsService service

// AllTopics stands for every topic at once, in place of a subscription id.
const AllTopics = "all"

// Consent is whether a user takes a topic's messages on a channel.
type Consent string

// The consents.
const (
	OptedIn  Consent = "opted-in"
	OptedOut Consent = "opted-out"
)

// ChannelConsents are the consents of one topic by channel.
type ChannelConsents map[Channel]Consent

// TopicConsents are consents by subscription id, or AllTopics.
type TopicConsents map[string]ChannelConsents

// Preferences are what a user wants.
type Preferences struct {
	Meta   PreferencesMeta    `json:"meta"`
	Topics map[string][]Topic `json:"result"` // by the name of their section
}

// PreferencesMeta is what goes beyond single topics.
type PreferencesMeta struct {
	All struct {
		Consents  ChannelConsents       `json:"preference"` // the channels that are opted out of everything
		UpdatedAt map[Channel]Timestamp `json:"updated_at"`
	} `json:"all"`
}

// Topic is one kind of message that a user can take or leave.
type Topic struct {
	SubscriptionID     string                `json:"subscription_id"`
	Name               string                `json:"name"`
	Description        string                `json:"description"`
	ChannelConfig      map[Channel]string    `json:"channel_config"` // on, off or required: the topic's own setting
	Consents           ChannelConsents       `json:"preference"`
	IsGlobalOptedOut   map[Channel]bool      `json:"is_global_opted_out"`
	NotificationEvents []NotificationEvent   `json:"notification_events"`
	UpdatedAt          map[Channel]Timestamp `json:"updated_at"`
}

// NotificationEvent is an event that sends a topic's messages.
type NotificationEvent struct {
	ID   string `json:"event_id"`
	Name string `json:"event_name"`
}

// PreferencesOptions change what Subscriptions.Preferences returns.
type PreferencesOptions struct {
	EventList bool // with the notification events of each topic
}

// Preferences returns what a user wants, topics by the name of their section.
//
// Class safe.
// Vendor: https://fyno.io/docs/user-preferences
func (s *SubscriptionsService) Preferences(ctx context.Context, distinctID string, o PreferencesOptions, opts ...RequestOption) (*Preferences, error) {
	return call[Preferences](ctx, (*service)(s), opGetPreferences, input{query: preferencesQuery{distinctID, o.EventList}}, opts)
}

type preferencesQuery struct {
	DistinctID string `url:"distinct_id"`
	EventList  bool   `url:"event_list,omitempty"`
}

func (q preferencesQuery) Validate() error {
	return firstOf(check{"distinct_id", textRule(q.DistinctID)})
}

// Update sets consents for topics, or for AllTopics, and returns them as they are after that.
//
// Class safe.
// Vendor: https://fyno.io/docs/user-preferences
func (s *SubscriptionsService) Update(ctx context.Context, distinctID string, consents TopicConsents, opts ...RequestOption) (*TopicConsents, error) {
	return call[TopicConsents](ctx, (*service)(s), opUpdatePreferences, input{
		query: preferencesQuery{DistinctID: distinctID},
		body:  preferencesUpdate{consents},
	}, opts)
}

type preferencesUpdate struct {
	Consents TopicConsents `json:"user_preference"`
}

func (r preferencesUpdate) Validate() error {
	if len(r.Consents) == 0 {
		return &ValidationError{"user_preference", "must not be empty"}
	}
	for _, topic := range slices.Sorted(maps.Keys(r.Consents)) {
		if err := firstOf(check{"user_preference", textRule(topic)}); err != nil {
			return err
		}
		field := "user_preference." + topic
		if r.Consents[topic] == nil {
			return &ValidationError{field, "must not be nil, which would be sent as null; {} changes nothing"}
		}
		for channel, consent := range r.Consents[topic] {
			if err := firstOf(check{field, textRule(string(channel))}, check{field + "." + string(channel), consentRule(consent)}); err != nil {
				return err
			}
		}
	}
	return nil
}

func consentRule(c Consent) string {
	return ruleIf(c != OptedIn && c != OptedOut, "must be opted-in or opted-out")
}

// TopicConsent is one consent of one user.
type TopicConsent struct {
	DistinctID string  `json:"distinct_id"`
	Channel    Channel `json:"channel"`
	Consent    Consent `json:"status"`
}

// Validate checks that nothing is missing.
func (c TopicConsent) Validate() error {
	return firstOf(
		check{"distinct_id", textRule(c.DistinctID)},
		check{"channel", textRule(string(c.Channel))},
		check{"status", consentRule(c.Consent)},
	)
}

// UpdateTopic sets one user's consent for one topic, or AllTopics, on one channel.
//
// Class safe.
// Vendor: https://fyno.io/docs/user-preferences
func (s *SubscriptionsService) UpdateTopic(ctx context.Context, subscriptionID string, consent TopicConsent, opts ...RequestOption) (*TopicConsents, error) {
	return call[TopicConsents](ctx, (*service)(s), opUpdatePreference, input{path: []string{subscriptionID}, body: consent}, opts)
}
