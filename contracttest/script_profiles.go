package main

import (
	"context"

	"github.com/playline/playline-go"
)

// fullChannels has every destination of a profile.
func fullChannels() playline.ProfileChannels {
	tokens := []playline.ProfileToken{
		{Token: "device-abc-123", IntegrationID: "IN-1", Status: new(playline.Active)},
		{Token: "device-abc-124", Status: new(playline.Inactive)},
	}
	return playline.ProfileChannels{
		Discord: "discord-1", Email: "ace@example.com", Slack: "C012345", SMS: "+61400000000", Teams: "general",
		Voice: "+61400000000", WhatsApp: "+61400000000", InApp: tokens, Push: tokens,
	}
}

// fyno are the calls to one version of a Fyno workspace.
func (s *script) fyno(c *playline.Client) []step {
	steps := s.profiles(c)
	steps = append(steps, s.properties(c)...)
	steps = append(steps, s.subscriptions(c)...)
	return append(steps, s.events(c)...)
}

// profiles leaves a profile "ace" behind.
func (s *script) profiles(c *playline.Client) []step {
	steps := []step{
		{"Profiles.Create", func(ctx context.Context) error {
			_, err := c.Profiles.Create(ctx, playline.ProfileCreate{
				DistinctID: "ace", Name: "ace", Status: new(playline.Active), Channels: fullChannels(),
			})
			return err
		}, nil},
		{"Profiles.Create", func(ctx context.Context) error {
			_, err := c.Profiles.Create(ctx, playline.ProfileCreate{DistinctID: "ace"})
			return err
		}, playline.ErrConflict},
		{"Profiles.Create", func(ctx context.Context) error {
			_, err := c.Profiles.Create(ctx, playline.ProfileCreate{DistinctID: "blitz/7", Status: new(playline.Inactive)})
			return err
		}, nil},
		{"Profiles.Update", func(ctx context.Context) error {
			_, err := c.Profiles.Update(ctx, "blitz/7", playline.ProfileUpdate{
				DistinctID: "blitz", Name: new("blitz"), Status: new(playline.Inactive), Channels: new(fullChannels()),
			})
			return err
		}, nil},
		{"Profiles.Update", func(ctx context.Context) error {
			_, err := c.Profiles.Update(ctx, "blitz", playline.ProfileUpdate{Status: new(playline.Active)})
			return err
		}, nil},
		{"Profiles.Get", func(ctx context.Context) error {
			_, err := c.Profiles.Get(ctx, "blitz")
			return err
		}, nil},
		{"Profiles.Get", func(ctx context.Context) error {
			_, err := c.Profiles.Get(ctx, "nobody")
			return err
		}, playline.ErrNotFound},
		{"Profiles.Merge", func(ctx context.Context) error {
			_, err := c.Profiles.Merge(ctx, "blitz", "ace")
			return err
		}, nil},
		{"Profiles.DeleteTokens", func(ctx context.Context) error {
			token := []string{"device-abc-124"}
			_, err := c.Profiles.DeleteTokens(ctx, "ace", playline.ProfileTokens{InApp: token, Push: token})
			return err
		}, nil},
		{"Profiles.DeleteChannels", func(ctx context.Context) error {
			_, err := c.Profiles.DeleteChannels(ctx, "ace", []playline.Channel{
				playline.ChannelSMS, playline.ChannelWhatsApp, playline.ChannelEmail, playline.ChannelSlack, playline.ChannelDiscord,
				playline.ChannelTeams, playline.ChannelVoice, playline.ChannelPush, playline.ChannelInApp,
			})
			return err
		}, nil},
		{"Profiles.UpdateChannels", func(ctx context.Context) error {
			_, err := c.Profiles.UpdateChannels(ctx, "ace", fullChannels())
			return err
		}, nil},
	}
	return append(steps, s.timezones(c)...)
}

// timezones makes a profile in each zone of the contract, moves it to the next one, and deletes
// them all.
func (s *script) timezones(c *playline.Client) []step {
	if c != s.client {
		return []step{{"Profiles.Create", func(ctx context.Context) error {
			_, err := c.Profiles.Create(ctx, playline.ProfileCreate{DistinctID: "nova"})
			return err
		}, nil}, {"Profiles.Delete", func(ctx context.Context) error {
			_, err := c.Profiles.Delete(ctx, []string{"nova"})
			return err
		}, nil}, {"Profiles.Delete", func(ctx context.Context) error {
			_, err := c.Profiles.Delete(ctx, []string{"nobody"})
			return err
		}, playline.ErrNotFound}}
	}
	var steps []step
	for i, zone := range s.zones {
		next := s.zones[(i+1)%len(s.zones)]
		steps = append(steps, step{"Profiles.Create", func(ctx context.Context) error {
			_, err := c.Profiles.Create(ctx, playline.ProfileCreate{DistinctID: "in-" + zone, Timezone: zone})
			return err
		}, nil}, step{"Profiles.Update", func(ctx context.Context) error {
			_, err := c.Profiles.Update(ctx, "in-"+zone, playline.ProfileUpdate{Timezone: next})
			return err
		}, nil})
	}
	return append(steps, step{"Profiles.Delete", func(ctx context.Context) error {
		ids := make([]string, len(s.zones))
		for i, zone := range s.zones {
			ids[i] = "in-" + zone
		}
		_, err := c.Profiles.Delete(ctx, ids)
		return err
	}, nil})
}
