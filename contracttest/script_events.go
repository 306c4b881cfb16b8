package main

import (
	"context"
	"errors"

	"github.com/playline/playline-go"
)

// subscriptions are the choices of "ace", and the suppressions.
func (s *script) subscriptions(c *playline.Client) []step {
	channels := []playline.Channel{
		playline.ChannelDiscord, playline.ChannelEmail, playline.ChannelInApp, playline.ChannelPush, playline.ChannelSlack,
		playline.ChannelSMS, playline.ChannelTeams, playline.ChannelVoice, playline.ChannelWebPush, playline.ChannelWhatsApp,
	}
	const topic = "SDAILYREWARD" // one of the emulator's topics
	var steps []step
	// Out first: the choices must not stay, or the events after them would not be sent.
	for _, consent := range []playline.Consent{playline.OptedOut, playline.OptedIn} {
		every := playline.ChannelConsents{}
		for _, channel := range channels {
			every[channel] = consent
			steps = append(steps, step{"Subscriptions.UpdateTopic", func(ctx context.Context) error {
				_, err := c.Subscriptions.UpdateTopic(ctx, topic, playline.TopicConsent{DistinctID: "ace", Channel: channel, Consent: consent})
				return err
			}, nil})
		}
		steps = append(steps, step{"Subscriptions.Update", func(ctx context.Context) error {
			_, err := c.Subscriptions.Update(ctx, "ace", playline.TopicConsents{topic: every, playline.AllTopics: every})
			return err
		}, nil}, step{"Subscriptions.Preferences", func(ctx context.Context) error {
			_, err := c.Subscriptions.Preferences(ctx, "ace", playline.PreferencesOptions{EventList: true})
			return err
		}, nil})
	}
	return append(steps, suppressions(c)...)
}

func suppressions(c *playline.Client) []step {
	add := func(suppression playline.SuppressionCreate) step {
		return step{"Suppressions.Add", func(ctx context.Context) error {
			_, err := c.Suppressions.Add(ctx, suppression)
			return err
		}, nil}
	}
	remove := func(key playline.SuppressionKey) step {
		return step{"Suppressions.Delete", func(ctx context.Context) error {
			_, err := c.Suppressions.Delete(ctx, key)
			return err
		}, nil}
	}
	return []step{
		add(playline.SuppressionCreate{DistinctID: "nova", Destination: "+61400000001", Channel: playline.ChannelSMS, Description: "DND"}),
		add(playline.SuppressionCreate{Destination: "+61400000002", Channel: playline.ChannelSMS}),
		add(playline.SuppressionCreate{DistinctID: "blitz", Channel: playline.ChannelEmail}),
		{"Suppressions.List", func(ctx context.Context) error {
			list, err := c.Suppressions.List(ctx)
			if err != nil {
				return err
			}
			if len(list.Suppressions) != 3 {
				return errors.New("there are not three suppressions")
			}
			_, err = c.Suppressions.Delete(ctx, playline.SuppressionKey{ID: list.Suppressions[2].ID})
			return err
		}, nil},
		remove(playline.SuppressionKey{DistinctID: "nova"}),
		remove(playline.SuppressionKey{Destination: "+61400000002"}),
		{"Suppressions.Delete", func(ctx context.Context) error {
			_, err := c.Suppressions.Delete(ctx, playline.SuppressionKey{DistinctID: "nova"})
			return err
		}, playline.ErrNotFound},
	}
}

// fullRecipient has every field of a recipient.
func fullRecipient() playline.Recipient {
	return playline.Recipient{
		DistinctID: "ace",
		To: playline.Destinations{
			Discord: "discord-1", Email: "ace@example.com", InApp: "device-abc-123", Push: "fcm_token:device-abc-123", Slack: "C012345",
			SMS: "+61400000000", Teams: "general", Voice: "+61400000000", WhatsApp: "+61400000000",
		},
		Data: map[string]any{"name": "ace", "rewards": []any{1, "bow"}},
		Callback: &playline.Callback{
			CustomID: "id-1", Custom1: "a", Custom2: "b", Custom3: "c", Enable: new(true), AllowlistURL: []string{"hook-1", "hook-2"},
		},
	}
}

// events are the notification events, and the one-time passwords that they send.
func (s *script) events(c *playline.Client) []step {
	var requestID string
	validate := func(check func() playline.OTPCheck, want error) step {
		return step{"Verify.Validate", func(ctx context.Context) error {
			_, err := c.Verify.Validate(ctx, check())
			return err
		}, want}
	}
	code := func() playline.Secret {
		messages := s.emulator.Messages()
		return playline.Secret(messages[len(messages)-1].OTP)
	}
	fire := step{"Events.Fire", func(ctx context.Context) error {
		out, err := c.Events.Fire(ctx, "season-otp", fullRecipient())
		if err == nil {
			requestID = out.RequestID
		}
		return err
	}, nil}
	return []step{
		fire,
		validate(func() playline.OTPCheck { return playline.OTPCheck{RequestID: requestID, OTP: "wrong"} }, playline.ErrInvalid),
		validate(func() playline.OTPCheck { return playline.OTPCheck{RequestID: requestID, OTP: code()} }, nil),
		fire,
		validate(func() playline.OTPCheck { return playline.OTPCheck{Destination: "+61400000000", OTP: code()} }, nil),
		{"Events.Fire", func(ctx context.Context) error {
			_, err := c.Events.Fire(ctx, "season", playline.Recipient{DistinctID: "nobody"})
			return err
		}, playline.ErrNotFound},
		{"Events.FireBulk", func(ctx context.Context) error {
			to := []playline.Recipient{fullRecipient(), {DistinctID: "ace"}, {To: playline.Destinations{Email: "nova@example.com"}}}
			_, err := c.Events.FireBulk(ctx, "season", to)
			return err
		}, nil},
	}
}
