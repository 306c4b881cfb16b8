package emulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Client is a client of a Sunshine user: a channel that is linked, or about to be. Status is as of
// when it was asked for.
type Client struct {
	ID             string
	Type           string // mailgun, messagebird, twilio, whatsapp; AddClient takes any
	Status         string // pending or active
	IntegrationID  string
	ExternalID     string    // the address or the phone number
	Confirmation   string    // immediate, userActivity or prompt; "" for one of AddClient
	Primary        bool      // true by default
	ConversationID string    // where the client is to be linked; "" for one of AddClient
	Created        time.Time // when the link was asked for
	LinkedAt       time.Time // zero while pending
}

// sunshineTime is how Sunshine prints a moment.
const sunshineTime = "2006-01-02T15:04:05.000Z"

// sunshineCreate is the body of createClient.
type sunshineCreate struct {
	MatchCriteria struct {
		Type          string `json:"type"`
		IntegrationID string `json:"integrationId"`
		Primary       *bool  `json:"primary"`
		Address       string `json:"address"`
		PhoneNumber   string `json:"phoneNumber"`
	} `json:"matchCriteria"`
	Confirmation struct {
		Type    string `json:"type"`
		Message struct {
			Metadata json.RawMessage `json:"metadata"`
		} `json:"message"`
	} `json:"confirmation"`
	Target struct {
		ConversationID string `json:"conversationId"`
	} `json:"target"`
}

// sunshinePhone is a phone number with its country code; spaces and dashes are allowed.
var sunshinePhone = regexp.MustCompile(`^\+[0-9]([ -]?[0-9]){6,14}$`)

// violation is the first rule that in breaks of those that the contract states in words; nil for
// none.
func (in sunshineCreate) violation() *violation {
	match := in.MatchCriteria
	if match.Type != "mailgun" && !sunshinePhone.MatchString(match.PhoneNumber) {
		return &violation{"body.matchCriteria.phoneNumber", "must start with + and the country code, such as +1 212-555-2368"}
	}
	if len(in.Confirmation.Message.Metadata) > 4096 {
		return &violation{"body.confirmation.message.metadata", "must be at most 4 kB"}
	}
	return nil
}

func (s *sunshine) createClient(c *call) reply {
	var in sunshineCreate
	if err := json.Unmarshal(c.body, &in); err != nil {
		return s.invalid(c.operation, violation{"body", err.Error()})
	}
	if v := in.violation(); v != nil {
		return s.invalid(c.operation, *v)
	}
	match := in.MatchCriteria
	client := s.add(c.path["userIdOrExternalId"], Client{
		Type: match.Type, IntegrationID: match.IntegrationID, ExternalID: match.Address + match.PhoneNumber,
		Confirmation: in.Confirmation.Type, Primary: match.Primary == nil || *match.Primary,
		ConversationID: in.Target.ConversationID,
	})
	// the answer says pending even where the link takes no time at all
	client.Status, client.LinkedAt = "pending", time.Time{}
	return reply{status: http.StatusCreated, body: map[string]any{"client": sunshineBody(client)}}
}

// add numbers a client and keeps it. The ids rise, so that a cursor stays a place when its client
// is removed.
func (s *sunshine) add(user string, client Client) Client {
	s.lastID++
	client.ID = fmt.Sprintf("5f%022x", s.lastID)
	client.Created = time.Now()
	s.users[user] = append(s.users[user], &client)
	return client
}

// at returns a client as it is at a time: an immediate confirmation links it after the link delay,
// another one when ConfirmClient was called.
func (s *sunshine) at(client *Client, now time.Time) Client {
	out := *client
	linked := out.LinkedAt
	if linked.IsZero() && out.Confirmation == "immediate" {
		linked = out.Created.Add(s.options.linkDelay)
	}
	out.Status, out.LinkedAt = "pending", time.Time{}
	if !linked.IsZero() && !linked.After(now) {
		out.Status, out.LinkedAt = "active", linked
	}
	return out
}

// sunshineBody is a client as the API shows it.
func sunshineBody(client Client) map[string]any {
	var linkedAt, integration any
	if client.IntegrationID != "" {
		integration = client.IntegrationID
	}
	if !client.LinkedAt.IsZero() {
		linkedAt = client.LinkedAt.UTC().Format(sunshineTime)
	}
	return map[string]any{
		"id": client.ID, "type": client.Type, "status": client.Status, "integrationId": integration,
		"externalId": client.ExternalID, "lastSeen": linkedAt, "linkedAt": linkedAt,
		"displayName": nil, "avatarUrl": nil, "info": nil, "raw": nil,
	}
}

// sunshineCursor is a client's id, which is what a cursor is.
var sunshineCursor = regexp.MustCompile(`^[0-9a-f]{24}$`)

func (s *sunshine) listClients(c *call) reply {
	after, before := c.query.Get("page[after]"), c.query.Get("page[before]")
	size := 25
	if text := c.query.Get("page[size]"); text != "" {
		size, _ = strconv.Atoi(text) // the contract made sure
	}
	for _, cursor := range []string{after, before} {
		if cursor != "" && !sunshineCursor.MatchString(cursor) {
			return s.refuse(http.StatusBadRequest, "bad_request", "Invalid page query parameters: this list does not have the cursor")
		}
	}
	if after != "" && before != "" {
		return s.refuse(http.StatusBadRequest, "bad_request", "Invalid page query parameters: page[after] or page[before], not both")
	}
	all := s.users[c.path["userIdOrExternalId"]]
	place := func(cursor string) (int, bool) {
		return slices.BinarySearchFunc(all, cursor, func(client *Client, id string) int { return strings.Compare(client.ID, id) })
	}
	from, to := 0, min(size, len(all))
	switch {
	case after != "":
		at, found := place(after)
		if found {
			at++
		}
		from, to = at, min(at+size, len(all))
	case before != "":
		to, _ = place(before)
		from = max(0, to-size)
	}
	clients := []map[string]any{}
	for _, client := range all[from:to] {
		clients = append(clients, sunshineBody(s.at(client, time.Now())))
	}
	meta := map[string]any{"hasMore": to < len(all)}
	if before != "" {
		meta["hasMore"] = from > 0 // more in the direction of travel
	}
	if from < to && to < len(all) {
		meta["afterCursor"] = all[to-1].ID
	}
	if from < to && from > 0 {
		meta["beforeCursor"] = all[from].ID
	}
	return reply{status: http.StatusOK, body: map[string]any{"clients": clients, "meta": meta}}
}

func (s *sunshine) removeClient(c *call) reply {
	user := c.path["userIdOrExternalId"]
	i := s.index(user, c.path["clientId"])
	if i < 0 {
		return s.refuse(http.StatusNotFound, "client_not_found", "Client not found")
	}
	if s.users[user][i].Type == "sdk" {
		return s.refuse(http.StatusBadRequest, "bad_request", "Cannot remove a client of type 'sdk'")
	}
	s.users[user] = slices.Delete(s.users[user], i, i+1)
	return reply{status: http.StatusOK, body: map[string]any{}}
}

// index returns a client's place among its user's, -1 for none.
func (s *sunshine) index(user, clientID string) int {
	return slices.IndexFunc(s.users[user], func(client *Client) bool { return client.ID == clientID })
}

// Clients returns a Sunshine user's clients in the order of creation.
func (e *Emulator) Clients(user string) []Client {
	s := e.sunshine
	s.mu.Lock()
	defer s.mu.Unlock()
	clients := make([]Client, 0, len(s.users[user]))
	for _, client := range s.users[user] {
		clients = append(clients, s.at(client, time.Now()))
	}
	return clients
}

// AddClient gives a Sunshine user an active client of any type, as if it had come in over its
// channel, and returns its id.
func (e *Emulator) AddClient(user, clientType string) string {
	s := e.sunshine
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.add(user, Client{Type: clientType, LinkedAt: time.Now()}).ID
}

// ConfirmClient makes a pending Sunshine client active, as the user's activity or answer to a
// prompt does. It is an error where there is no such client.
func (e *Emulator) ConfirmClient(user, clientID string) error {
	s := e.sunshine
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.index(user, clientID)
	if i < 0 {
		return fmt.Errorf("emulator: user %q has no Sunshine client %q", user, clientID)
	}
	if client := s.users[user][i]; s.at(client, time.Now()).Status == "pending" {
		client.LinkedAt = time.Now()
	}
	return nil
}
