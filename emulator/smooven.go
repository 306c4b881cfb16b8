package emulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/mail"
	"regexp"
	"strings"
	"sync"
)

// smooven is the players API. Only a player's id finds it: whether the real service takes an
// external id in its place is not documented.
type smooven struct {
	mu         sync.Mutex
	players    map[string]*Player // by player id
	byExternal map[string]*Player
	lastID     int
}

func newSmooven() *smooven {
	return &smooven{players: make(map[string]*Player), byExternal: make(map[string]*Player)}
}

// smoovenRegistration is a player as register and import take it; what is nil was not sent.
type smoovenRegistration struct {
	ExternalID string `json:"external_id"`
	Channels   struct {
		SMS   *string     `json:"sms"`
		Email *string     `json:"email"`
		Push  *PlayerPush `json:"push"`
	} `json:"channels"`
	Tags        []string           `json:"tags"`
	Preferences *PlayerPreferences `json:"preferences"`
}

// e164 is an international phone number.
var e164 = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// problem says why the service would not register this player; "" where it would.
func (r smoovenRegistration) problem() string {
	if sms := r.Channels.SMS; sms != nil && !e164.MatchString(*sms) {
		return "channels.sms must be an E.164 number, such as +61400000000"
	}
	if email := r.Channels.Email; email != nil {
		if address, err := mail.ParseAddress(*email); err != nil || address.Address != *email {
			return "channels.email must be an email address"
		}
	}
	return ""
}

func (s *smooven) authorize(r *http.Request, operation string) (string, *reply) {
	header, appID := r.Header.Get("Authorization"), r.Header.Get("X-App-ID")
	switch {
	case header == "" && appID == SmoovenAppID && operation == "registerPlayer":
		return appID, nil
	case header == "" && appID == SmoovenAppID:
		return "", new(s.refuse(http.StatusForbidden, "forbidden", "the app id registers players; this takes the secret key"))
	case header != "Bearer "+SmoovenKey:
		return "", new(s.refuse(http.StatusUnauthorized, "unauthorized", "the secret key or the app id is missing or wrong"))
	}
	return SmoovenKey, nil
}

func (s *smooven) refuse(status int, code, message string) reply {
	return reply{status: status, body: map[string]any{
		"success": false,
		"error":   map[string]any{"code": code, "message": message},
	}}
}

func (s *smooven) invalid(_ string, v violation) reply {
	return s.refuse(http.StatusBadRequest, "invalid_request", v.String())
}

func (s *smooven) refusal(status int, message string) reply {
	return s.refuse(status, codeOf(status), message)
}

// codeOf spells a status as an error code: not_found.
func codeOf(status int) string {
	return strings.ReplaceAll(strings.ToLower(http.StatusText(status)), " ", "_")
}

func (s *smooven) handle(c *call) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch c.operation {
	case "registerPlayer":
		return s.registerPlayer(c)
	case "importPlayers":
		return s.importPlayers(c)
	case "getPlayer":
		return s.getPlayer(c)
	case "deletePlayer":
		return s.deletePlayer(c)
	}
	return s.refusal(http.StatusNotFound, "no operation "+c.operation)
}

func (s *smooven) registerPlayer(c *call) reply {
	var in smoovenRegistration
	if err := json.Unmarshal(c.body, &in); err != nil {
		return s.invalid(c.operation, violation{"body", err.Error()})
	}
	if problem := in.problem(); problem != "" {
		return s.refuse(http.StatusBadRequest, "invalid_recipient", problem)
	}
	player, created := s.register(in)
	channels := []string{}
	if in.Channels.SMS != nil {
		channels = append(channels, "sms")
	}
	if in.Channels.Email != nil {
		channels = append(channels, "email")
	}
	if in.Channels.Push != nil {
		channels = append(channels, "push")
	}
	return reply{status: http.StatusOK, body: map[string]any{
		"success": true, "player_id": player.ID, "external_id": player.ExternalID,
		"channels_registered": channels, "created": created,
	}}
}

// register creates a player, or changes what the registration holds of one that exists: each
// channel by itself, the tags and the preferences as a whole.
func (s *smooven) register(in smoovenRegistration) (player *Player, created bool) {
	player = s.byExternal[in.ExternalID]
	if player == nil {
		s.lastID++
		player = &Player{ID: fmt.Sprintf("ply_%06d", s.lastID), ExternalID: in.ExternalID, Tags: []string{}}
		s.players[player.ID], s.byExternal[in.ExternalID] = player, player
		created = true
	}
	if in.Channels.SMS != nil {
		player.Channels.SMS = *in.Channels.SMS
	}
	if in.Channels.Email != nil {
		player.Channels.Email = *in.Channels.Email
	}
	if in.Channels.Push != nil {
		player.Channels.Push = in.Channels.Push
	}
	if in.Tags != nil {
		player.Tags = in.Tags
	}
	if in.Preferences != nil {
		player.Preferences = in.Preferences
	}
	return player, created
}

// importPlayers registers the players that the service takes, and lists the others by their place
// from 0.
func (s *smooven) importPlayers(c *call) reply {
	var in struct {
		Players []smoovenRegistration `json:"players"`
	}
	if err := json.Unmarshal(c.body, &in); err != nil {
		return s.invalid(c.operation, violation{"body", err.Error()})
	}
	imported, failed := 0, []map[string]any{}
	for i, player := range in.Players {
		if problem := player.problem(); problem != "" {
			failed = append(failed, map[string]any{
				"index": i, "external_id": player.ExternalID, "code": "invalid_recipient", "message": problem,
			})
			continue
		}
		s.register(player)
		imported++
	}
	return reply{status: http.StatusOK, body: map[string]any{"success": true, "imported": imported, "errors": failed}}
}

func (s *smooven) getPlayer(c *call) reply {
	player := s.players[c.path["player_id"]]
	if player == nil {
		return s.unknown(c)
	}
	return reply{status: http.StatusOK, body: player.clone()}
}

func (s *smooven) deletePlayer(c *call) reply {
	player := s.players[c.path["player_id"]]
	if player == nil {
		return s.unknown(c)
	}
	delete(s.players, player.ID)
	delete(s.byExternal, player.ExternalID)
	return reply{status: http.StatusOK, body: map[string]any{"success": true}}
}

func (s *smooven) unknown(c *call) reply {
	return s.refuse(http.StatusNotFound, "player_not_found", fmt.Sprintf("no player %q", c.path["player_id"]))
}
