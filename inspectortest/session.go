package inspectortest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/emulator"
)

// Session is a game that is played against an emulator, so that there is something to see.
type Session struct {
	server  *emulator.Server
	client  *playline.Client
	batcher *batcher.Batcher
	draw    *rand.Rand
}

// handles are who plays; the rest of the players are devices.
var handles = []string{"ace", "blitz", "nova", "ember", "pixel", "rook"}

// NewSession prepares a game; Close ends it.
func NewSession(server *emulator.Server) (*Session, error) {
	client, err := playline.New(server.Options()...)
	if err != nil {
		return nil, err
	}
	b, err := client.NewBatcher(batcher.Config{
		GameID: "com.example.stackblaster",
		Tokens: batcher.TokenFunc(func(_ context.Context, userID string) (batcher.Token, error) {
			return batcher.Token{Value: batcher.Secret(server.Token(userID, time.Hour))}, nil
		}),
		Linger: 4 * time.Second,
	})
	if err != nil {
		return nil, err
	}
	return &Session{server: server, client: client, batcher: b, draw: rand.New(rand.NewPCG(7, 7))}, nil
}

// Close delivers what is left.
func (s *Session) Close(ctx context.Context) error {
	_, err := s.batcher.Close(ctx)
	return err
}

// Flip turns a switch of the inspector, as its page does.
func Flip(ctx context.Context, server *emulator.Server, service, name string, on bool) error {
	body := fmt.Sprintf(`{"service":%q,"switch":%q,"on":%t}`, service, name, on)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL+emulator.InspectorPath+"/switches", strings.NewReader(body))
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("switch %s of %s: status %s", name, service, answer.Status)
	}
	return nil
}

func deviceOf(handle string) string { return "device-" + handle + "-01" }

// Register makes the players known to every service, with profiles, properties, preferences and a
// suppression.
func (s *Session) Register(ctx context.Context) error {
	for i, handle := range handles {
		id, phone, mail := deviceOf(handle), fmt.Sprintf("+6140000000%d", i), handle+"@example.com"
		steps := []func() error{
			func() error {
				_, err := s.client.Accounts.Register(ctx, playline.AccountCreate{Email: mail, Password: "correct-horse-9", DeviceID: id})
				return err
			},
			func() error {
				_, err := s.client.Players.Register(ctx, playline.Player{
					ExternalID: id, Channels: playline.PlayerChannels{SMS: phone, Email: mail}, Tags: []string{"beta"},
				})
				return err
			},
			func() error {
				_, err := s.client.Profiles.Create(ctx, playline.ProfileCreate{
					DistinctID: id, Name: handle, Timezone: "Australia/Sydney", Channels: playline.ProfileChannels{
						SMS: phone, Email: mail, Push: []playline.ProfileToken{{Token: "fcm-token-of-" + handle}},
					},
				})
				return err
			},
			func() error {
				_, err := s.client.Properties.Set(ctx, id, playline.Properties{
					"level": 12 + 7*i, "clan": "Night Owls", "coins": 480 * (i + 1), "tutorial_done": true, "favourite_modes": []any{"rush", "zen"},
				})
				return err
			},
		}
		for _, step := range steps {
			if err := step(); err != nil {
				return err
			}
		}
	}
	if _, err := s.client.Suppressions.Add(ctx, playline.SuppressionCreate{
		DistinctID: deviceOf("nova"), Channel: playline.ChannelSMS, Description: "asked support to stop",
	}); err != nil {
		return err
	}
	_, err := s.client.Subscriptions.UpdateTopic(ctx, "STOURNAMENT", playline.TopicConsent{
		DistinctID: deviceOf("blitz"), Channel: playline.ChannelEmail, Consent: playline.OptedOut,
	})
	return err
}

// Notify sends what a game sends: codes, rewards, news of a tournament.
func (s *Session) Notify(ctx context.Context) error {
	handle := handles[s.draw.IntN(len(handles))]
	event, data := "daily_reward", map[string]any{"coins": 50 * (1 + s.draw.IntN(6))}
	switch s.draw.IntN(3) {
	case 0:
		event, data = "login_otp", nil
	case 1:
		event, data = "tournament_start", map[string]any{"name": "Night Cup", "starts_in_min": 15}
	}
	_, err := s.client.Events.Fire(ctx, event, playline.Recipient{DistinctID: deviceOf(handle), Data: data})
	var partial *playline.PartialError // a suppressed channel is one; that is what there is to see
	if errors.As(err, &partial) {
		return nil
	}
	return err
}

// Visit makes one call to a service that has no events: Smooven, SmartSender or Sunshine.
func (s *Session) Visit(ctx context.Context, service string, n int) error {
	handle := handles[n%len(handles)]
	var err error
	switch service {
	case emulator.Smooven:
		_, err = s.client.Players.Register(ctx, playline.Player{ExternalID: deviceOf(handle), Tags: []string{"beta", "evening"}})
	case emulator.SmartSender:
		_, err = s.client.Contacts.Create(ctx, 1, playline.ContactCreate{Identifier: fmt.Sprintf("6140000000%d", n%len(handles)), FirstName: handle})
	case emulator.Sunshine:
		_, err = s.client.Messaging.ListClients(ctx, deviceOf(handle), playline.ClientListOptions{})
	}
	return err
}

// Play tracks events of so many players at so many a second until ctx ends. The rate swells and
// ebbs, as rounds begin and end.
func (s *Session) Play(ctx context.Context, players, perSecond int) error {
	const ticks = 20 // a second
	ticker := time.NewTicker(time.Second / ticks)
	defer ticker.Stop()
	for n := 0; ; n++ {
		swell := 0.55 + 0.45*float64((n/ticks)%17)/16
		for range int(swell*float64(perSecond)/ticks) + 1 {
			if err := s.track(ctx, s.draw.IntN(players)); err != nil && ctx.Err() == nil {
				return err
			}
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// track is one event of a player.
func (s *Session) track(ctx context.Context, player int) error {
	id := fmt.Sprintf("guest-%05d", player)
	if player < len(handles) {
		id = deviceOf(handles[player])
	}
	p := s.batcher.Player(id)
	level := 1 + s.draw.IntN(60)
	switch s.draw.IntN(24) {
	case 0:
		err := p.TrackAttrs(ctx, batcher.LevelCompleted, slog.Int("level", level), slog.Int("score", 310*level+s.draw.IntN(900)), slog.Int("stars", 1+s.draw.IntN(3)))
		p.Signal(batcher.LevelEnd) //nolint:contextcheck // the request that it sets off belongs to the batcher, not to this event
		return err
	case 1:
		return p.TrackAttrs(ctx, batcher.AppOpen, slog.String("mode", "rush"), slog.String("build", "2.4.1"))
	case 2, 3:
		return p.TrackAttrs(ctx, batcher.AdImpression, slog.String("placement", "between_levels"), slog.Bool("skipped", s.draw.IntN(2) == 0))
	case 4, 5, 6, 7, 8:
		return p.TrackCustom(ctx, "PowerUpUsed", slog.String("power", "bomb"), slog.Int("level", level))
	default:
		return p.TrackCustom(ctx, "ComboReached", slog.Int("combo", 2+s.draw.IntN(8)), slog.Float64("multiplier", 1+float64(s.draw.IntN(90))/10), slog.Int("level", level))
	}
}
