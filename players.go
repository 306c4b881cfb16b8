package playline

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"
)

// PlayersService reaches the players of Smooven: who they are, and on which channels.
//
// Vendor: https://docs.smooven.io
type PlayersService service

// MaxImport is how many players one Players.Import may hold.
const MaxImport = 1000

// Channel is a way to reach a player. The set is open: a service may know more than the constants.
type Channel string

// The channels. Not every service has every one.
const (
	ChannelSMS      Channel = "sms"
	ChannelRCS      Channel = "rcs"
	ChannelPush     Channel = "push"
	ChannelEmail    Channel = "email"
	ChannelInApp    Channel = "inapp"
	ChannelWhatsApp Channel = "whatsapp"
	ChannelVoice    Channel = "voice"
	ChannelSlack    Channel = "slack"
	ChannelDiscord  Channel = "discord"
	ChannelTeams    Channel = "teams"
	ChannelWebPush  Channel = "webpush"
)

// Platform is where a push token comes from.
type Platform string

// The platforms.
const (
	PlatformAndroid Platform = "android"
	PlatformIOS     Platform = "ios"
	PlatformWeb     Platform = "web"
)

// Player is what Smooven is told about a player.
type Player struct {
	ExternalID  string             `json:"external_id"` // the game's own id of the player
	Channels    PlayerChannels     `json:"channels"`
	Tags        []string           `json:"tags,omitzero"` // nil: as they are; an empty list that is not nil: none
	Preferences *PlayerPreferences `json:"preferences,omitempty"`
}

// PlayerChannels are a player's addresses; empty ones are not sent.
type PlayerChannels struct {
	SMS   string       `json:"sms,omitempty"` // E.164, such as +61400000000
	Email string       `json:"email,omitempty"`
	Push  *PushChannel `json:"push,omitempty"`
}

// PushChannel is a device that takes push messages.
type PushChannel struct {
	Platform    Platform `json:"platform,omitempty"`
	DeviceToken string   `json:"device_token"` // for web the push subscription as JSON
}

// PlayerPreferences are how and when a player wants to be reached.
type PlayerPreferences struct {
	PreferredChannel Channel     `json:"preferred_channel,omitempty"` // sms, rcs, push, email or inapp
	QuietHours       *QuietHours `json:"quiet_hours,omitempty"`
}

// QuietHours are when a player is left alone.
type QuietHours struct {
	Start    string `json:"start"`    // HH:MM
	End      string `json:"end"`      // HH:MM
	Timezone string `json:"timezone"` // IANA name, such as Australia/Sydney
}

// Validate checks what the contract says of a player.
func (p Player) Validate() error {
	if err := firstOf(
		check{"external_id", textRule(p.ExternalID)},
		check{"channels.sms", e164Rule(p.Channels.SMS)},
		check{"channels.email", emailRule(p.Channels.Email)},
	); err != nil {
		return err
	}
	if push := p.Channels.Push; push != nil {
		if err := firstOf(
			check{"channels.push.device_token", textRule(push.DeviceToken)},
			check{"channels.push.platform", optionalText(string(push.Platform))},
		); err != nil {
			return err
		}
	}
	for i, tag := range p.Tags {
		if err := firstOf(check{fmt.Sprintf("tags[%d]", i), textRule(tag)}); err != nil {
			return err
		}
	}
	return p.Preferences.validate()
}

func (p *PlayerPreferences) validate() error {
	if p == nil {
		return nil
	}
	if err := firstOf(check{"preferences.preferred_channel", optionalText(string(p.PreferredChannel))}); err != nil || p.QuietHours == nil {
		return err
	}
	q := p.QuietHours
	return firstOf(
		check{"preferences.quiet_hours.start", ruleIf(!clock.MatchString(q.Start), "must be HH:MM, from 00:00 to 23:59")},
		check{"preferences.quiet_hours.end", ruleIf(!clock.MatchString(q.End), "must be HH:MM, from 00:00 to 23:59")},
		check{"preferences.quiet_hours.timezone", textRule(q.Timezone)},
		check{"preferences.quiet_hours.timezone", ruleIf(unknownZone(q.Timezone), "must be an IANA time zone, such as Australia/Sydney")},
	)
}

// unknownZone reports whether a time zone does not exist. A machine without zone data, such as a minimal container, cannot tell.
func unknownZone(name string) bool {
	if _, err := time.LoadLocation(name); err == nil {
		return name == "Local"
	}
	_, err := time.LoadLocation("Australia/Sydney")
	return err == nil
}

// RegisteredPlayer is the answer to Players.Register.
type RegisteredPlayer struct {
	Success            bool      `json:"success"`
	PlayerID           string    `json:"player_id"`
	ExternalID         string    `json:"external_id"`
	ChannelsRegistered []Channel `json:"channels_registered"`
	Created            bool      `json:"created"` // false: the player existed and was updated
}

// PlayerRecord is a player as Smooven keeps it. The vendor does not document its shape: what has another
// type than expected is left out, and Raw holds all of it.
type PlayerRecord struct {
	Player
	PlayerID           string          `json:"player_id"`
	ChannelsRegistered []Channel       `json:"channels_registered,omitempty"`
	Raw                json.RawMessage `json:"-"`
}

// UnmarshalJSON takes every field that it can read and fails only if the answer is not an object.
func (p *PlayerRecord) UnmarshalJSON(b []byte) error {
	type plain PlayerRecord
	return decodeLoosely(b, (*plain)(p))
}

func (p *PlayerRecord) keepRaw(b json.RawMessage) { p.Raw = b }

// DeletedPlayer is the answer to Players.Delete; it holds nothing.
type DeletedPlayer struct{}

// Register creates a player, or updates the channels of the one with that external id.
//
// Class safe. The public app id is enough for it, see WithSmoovenAppID.
// Vendor: https://docs.smooven.io
func (s *PlayersService) Register(ctx context.Context, player Player, opts ...RequestOption) (*RegisteredPlayer, error) {
	return call[RegisteredPlayer](ctx, (*service)(s), opRegisterPlayer, input{body: player}, opts)
}

// Get returns a player by its player id, not its external id.
//
// Class safe. An unknown id matches ErrNotFound.
// Vendor: https://docs.smooven.io
func (s *PlayersService) Get(ctx context.Context, playerID string, opts ...RequestOption) (*PlayerRecord, error) {
	return call[PlayerRecord](ctx, (*service)(s), opGetPlayer, input{path: []string{playerID}}, opts)
}

// Delete removes a player by its player id.
//
// Class safe. A 404 after an attempt of unknown outcome is a success: that attempt had worked.
// Vendor: https://docs.smooven.io
func (s *PlayersService) Delete(ctx context.Context, playerID string, opts ...RequestOption) (*DeletedPlayer, error) {
	return call[DeletedPlayer](ctx, (*service)(s), opDeletePlayer, input{path: []string{playerID}}, opts)
}

// Import registers 1 to 1000 players in one request. Players.ImportAll takes any number.
//
// Class unsent. Where the service takes some players and refuses others, the result comes with a *PartialError that names
// those by their place in players.
// Vendor: https://docs.smooven.io
func (s *PlayersService) Import(ctx context.Context, players []Player, opts ...RequestOption) (*ImportResult, error) {
	out, err := call[ImportResult](ctx, (*service)(s), opImportPlayers, input{body: importRequest{players}}, opts)
	if err != nil {
		return nil, err
	}
	err = out.locate(players, (*service)(s).secrets(opImportPlayers, opts))
	if out.account(len(players), err); out.Unaccounted > 0 {
		s.client.log.LogAttrs(ctx, slog.LevelWarn, "playline: the answer to an import does not account for all players",
			slog.String("service", string(Smooven)), slog.String("operation", opImportPlayers.name),
			slog.Int("players", len(players)), slog.Int("unaccounted", out.Unaccounted))
	}
	return out, err
}
