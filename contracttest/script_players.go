package main

import (
	"context"
	"fmt"
	"iter"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/emulator"
)

// fullPlayer has every field of a player.
func fullPlayer(id string, platform playline.Platform, preferred playline.Channel) playline.Player {
	return playline.Player{
		ExternalID: id,
		Channels: playline.PlayerChannels{
			SMS: "+61400000000", Email: "ace@example.com", Push: &playline.PushChannel{Platform: platform, DeviceToken: "device-abc-123"},
		},
		Tags: []string{"beta", "clan"},
		Preferences: &playline.PlayerPreferences{
			PreferredChannel: preferred,
			QuietHours:       &playline.QuietHours{Start: "22:00", End: "07:00", Timezone: "Australia/Sydney"},
		},
	}
}

// players are the calls to Smooven.
func (s *script) players() []step {
	c := s.client
	var crowd []playline.Player
	platforms := []playline.Platform{playline.PlatformAndroid, playline.PlatformIOS, playline.PlatformWeb}
	channels := []playline.Channel{
		playline.ChannelSMS, playline.ChannelRCS, playline.ChannelPush, playline.ChannelEmail, playline.ChannelInApp,
	}
	for i, channel := range channels {
		crowd = append(crowd, fullPlayer(fmt.Sprintf("ace-%d", i), platforms[i%len(platforms)], channel))
	}
	var steps []step
	var id string
	for _, player := range crowd {
		steps = append(steps, step{"Players.Register", func(ctx context.Context) error {
			out, err := c.Players.Register(ctx, player)
			if err == nil {
				id = out.PlayerID
			}
			return err
		}, nil})
	}
	return append(steps, []step{
		{"Players.Get", func(ctx context.Context) error {
			out, err := c.Players.Get(ctx, id)
			if err == nil && out.PlayerID != id {
				return fmt.Errorf("asked for %s, got %s", id, out.PlayerID)
			}
			return err
		}, nil},
		{"Players.Get", func(ctx context.Context) error {
			_, err := c.Players.Get(ctx, "ply nobody/%2F")
			return err
		}, playline.ErrNotFound},
		{"Players.Import", func(ctx context.Context) error {
			_, err := c.Players.Import(ctx, crowd)
			return err
		}, nil},
		{"Players.ImportAll", func(ctx context.Context) error {
			_, err := c.Players.ImportAll(ctx, manyPlayers(playline.MaxImport+1), playline.ImportOptions{})
			return err
		}, nil},
		{"Players.Delete", func(ctx context.Context) error {
			_, err := c.Players.Delete(ctx, id)
			return err
		}, nil},
		{"Players.Delete", func(ctx context.Context) error {
			_, err := c.Players.Delete(ctx, id)
			return err
		}, playline.ErrNotFound},
	}...)
}

// manyPlayers yields n players.
func manyPlayers(n int) iter.Seq[playline.Player] {
	return func(yield func(playline.Player) bool) {
		for i := range n {
			if !yield(playline.Player{ExternalID: fmt.Sprintf("blitz-%d", i)}) {
				return
			}
		}
	}
}

// credentials are calls with the second kind of credentials, if a service has two, and with wrong
// ones.
func (s *script) credentials() []step {
	base := s.proxy.url
	return []step{
		{"Players.Register", func(ctx context.Context) error {
			c, err := playline.New(
				playline.WithSmoovenAppID(emulator.SmoovenAppID), playline.WithBaseURL(playline.Smooven, base+emulator.SmoovenPath))
			if err != nil {
				return err
			}
			_, err = c.Players.Register(ctx, fullPlayer("app-id", playline.PlatformWeb, playline.ChannelPush))
			return err
		}, nil},
		{"Messaging.ListClients", func(ctx context.Context) error {
			c, err := newClient(base, playline.FynoLive, playline.WithSunshineJWT(
				emulator.SunshineAppID, emulator.SunshineKeyID, emulator.SunshineSecret, playline.SunshineApp))
			if err != nil {
				return err
			}
			_, err = c.Messaging.ListClients(ctx, "ace", playline.ClientListOptions{})
			return err
		}, nil},
		{"Players.Get", func(ctx context.Context) error {
			c, err := newClient(base, playline.FynoLive, playline.WithSmooven("sk_live_wrong"))
			if err != nil {
				return err
			}
			_, err = c.Players.Get(ctx, "ply_1")
			return err
		}, playline.ErrUnauthorized},
		{"Profiles.Get", func(ctx context.Context) error {
			c, err := newClient(base, playline.FynoLive, playline.WithFyno(emulator.FynoWorkspace, playline.FynoLive, "wrong"))
			if err != nil {
				return err
			}
			_, err = c.Profiles.Get(ctx, "ace")
			return err
		}, playline.ErrUnauthorized},
		{"Contacts.List", func(ctx context.Context) error {
			c, err := newClient(base, playline.FynoLive, playline.WithSmartSender("wrong"))
			if err != nil {
				return err
			}
			_, err = c.Contacts.List(ctx, playline.PageOptions{})
			return err
		}, playline.ErrUnauthorized},
		{"Messaging.ListClients", func(ctx context.Context) error {
			c, err := newClient(base, playline.FynoLive, playline.WithSunshine(emulator.SunshineAppID, emulator.SunshineKeyID, "wrong"))
			if err != nil {
				return err
			}
			_, err = c.Messaging.ListClients(ctx, "ace", playline.ClientListOptions{})
			return err
		}, playline.ErrUnauthorized},
	}
}
