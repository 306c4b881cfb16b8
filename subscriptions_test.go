package playline

import (
	"context"
	"net/http"
	"time"
)

// Fyno's subscriptions: what is sent and what is read, operation by operation.

const consentsReply = `{"topic-1":{"push":"opted-in","email":"opted-out"}}`

var consentsResult = &TopicConsents{"topic-1": {ChannelPush: OptedIn, ChannelEmail: OptedOut}}

func preferencesResult() *Preferences {
	at := Timestamp{time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), "2026-01-02T03:04:05Z"}
	p := &Preferences{Topics: map[string][]Topic{"News": {{
		SubscriptionID: "topic-1", Name: "Events", Description: "Game events",
		ChannelConfig:      map[Channel]string{ChannelPush: "on", ChannelEmail: "required"},
		Consents:           ChannelConsents{ChannelPush: OptedIn},
		IsGlobalOptedOut:   map[Channel]bool{ChannelSMS: true},
		NotificationEvents: []NotificationEvent{{ID: "e1", Name: "level_up"}},
		UpdatedAt:          map[Channel]Timestamp{ChannelPush: at},
	}}}}
	p.Meta.All.Consents = ChannelConsents{ChannelSMS: OptedOut}
	p.Meta.All.UpdatedAt = map[Channel]Timestamp{ChannelSMS: at}
	return p
}

var subscriptionRows = []row{
	{
		op: opGetPreferences, class: "safe",
		call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return c.Subscriptions.Preferences(ctx, "ace & co", PreferencesOptions{EventList: true}, opts...)
		},
		path: "/FYTEST/live/subscriptions/preference", query: "distinct_id=ace+%26+co&event_list=true",
		status: http.StatusOK,
		reply: `{"meta":{"all":{"preference":{"sms":"opted-out"},"updated_at":{"sms":"2026-01-02T03:04:05Z"}}},
			"result":{"News":[{"subscription_id":"topic-1","name":"Events","description":"Game events",
			"channel_config":{"push":"on","email":"required"},"preference":{"push":"opted-in"},"is_global_opted_out":{"sms":true},
			"notification_events":[{"event_id":"e1","event_name":"level_up"}],"updated_at":{"push":"2026-01-02T03:04:05Z"}}]}}`,
		result: preferencesResult(),
	},
	{
		op: opGetPreferences, class: "safe", variant: "without the events",
		call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return c.Subscriptions.Preferences(ctx, "ace", PreferencesOptions{}, opts...)
		},
		path: "/FYTEST/live/subscriptions/preference", query: "distinct_id=ace",
		status: http.StatusOK, reply: `{"result":{}}`, result: &Preferences{Topics: map[string][]Topic{}},
	},
	{
		op: opUpdatePreferences, class: "safe",
		call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return c.Subscriptions.Update(ctx, "ace", TopicConsents{
				"topic-1": {ChannelPush: OptedIn, ChannelEmail: OptedOut}, AllTopics: {ChannelWebPush: OptedOut},
			}, opts...)
		},
		path: "/FYTEST/live/subscriptions/preference", query: "distinct_id=ace",
		body:   `{"user_preference":{"topic-1":{"push":"opted-in","email":"opted-out"},"all":{"webpush":"opted-out"}}}`,
		status: http.StatusOK, reply: consentsReply, result: consentsResult,
	},
	{
		op: opUpdatePreference, class: "safe",
		call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return c.Subscriptions.UpdateTopic(ctx, "topic-1", TopicConsent{DistinctID: "ace", Channel: ChannelPush, Consent: OptedIn}, opts...)
		},
		path: "/FYTEST/live/subscriptions/list/topic-1/user", body: `{"distinct_id":"ace","channel":"push","status":"opted-in"}`,
		status: http.StatusOK, reply: consentsReply, result: consentsResult,
		hostile: map[string]func(context.Context, *Client, string) error{
			"subscription_id": func(ctx context.Context, c *Client, id string) error {
				_, err := c.Subscriptions.UpdateTopic(ctx, id, TopicConsent{DistinctID: "ace", Channel: ChannelPush, Consent: OptedIn})
				return err
			},
		},
	},
}
