package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/emulator"
)

// The evening itself, call by call.

const gameID = "com.example.stackblaster"

// player is one of the three people who play this evening.
type player struct {
	handle   string
	deviceID string // the user id of the recorded session
	email    string
	phone    string
	token    playline.HeldSecret
	playerID string
}

// evening is the state of one run.
type evening struct {
	client  *playline.Client
	server  *emulator.Server // nil: the real services
	players []*player
	calls   map[string]int // made by this program, by operation of the contracts
	sent    int            // gameplay events accepted
}

func (e *evening) play(ctx context.Context, events []playerEvent) error {
	e.players = []*player{
		{handle: "ace", deviceID: "device-ace-01", email: "ace@example.com", phone: "+61400000001"},
		{handle: "blitz", deviceID: "device-blitz-02", email: "blitz@example.com", phone: "+61400000002"},
		{handle: "nova", deviceID: "device-nova-03", email: "nova@example.com", phone: "+61400000003"},
	}
	steps := []struct {
		title string
		do    func(context.Context) (string, error)
	}{
		{"PlaySmart    accounts and tokens", e.accounts},
		{"Smooven      register players", e.register},
		{"Smooven      read one back", e.readBack},
		{"Fyno         profiles", e.profiles},
		{"Fyno         properties", e.properties},
		{"Fyno         a subscription change", e.subscription},
		{"Fyno         a suppression", e.suppression},
		{"Fyno         an event with an OTP", e.oneTimePassword},
		{"SmartSender  a contact", e.contact},
		{"Sunshine     a linked client", e.linkedClient},
		{"PlaySmart    1,000 gameplay events", func(ctx context.Context) (string, error) { return e.session(ctx, events) }},
	}
	for _, s := range steps {
		if err := e.step(ctx, s.title, s.do); err != nil {
			return err
		}
	}
	return nil
}

// count notes a call that was made, to be compared with the emulator's record.
func (e *evening) count(operation string) { e.calls[operation]++ }

func (e *evening) accounts(ctx context.Context) (string, error) {
	for _, p := range e.players {
		e.count("registerAccount")
		session, err := e.client.Accounts.Register(ctx, playline.AccountCreate{Email: p.email, Password: "correct-horse-9", DeviceID: p.deviceID})
		if errors.Is(err, playline.ErrConflict) { // a second evening against the real service
			e.count("login")
			session, err = e.client.Accounts.Login(ctx, playline.Credentials{Email: p.email, Password: "correct-horse-9"})
		}
		if err != nil {
			return "", err
		}
		p.token = session.AccessToken
	}
	return fmt.Sprintf("%d accounts; a token prints as %v", len(e.players), e.players[0].token), nil
}

func (e *evening) register(ctx context.Context) (string, error) {
	created := 0
	for _, p := range e.players {
		e.count("registerPlayer")
		out, err := e.client.Players.Register(ctx, playline.Player{
			ExternalID: p.deviceID,
			Channels:   playline.PlayerChannels{SMS: p.phone, Email: p.email},
			Tags:       []string{"beta"},
			Preferences: &playline.PlayerPreferences{
				PreferredChannel: playline.ChannelSMS,
				QuietHours:       &playline.QuietHours{Start: "22:00", End: "07:00", Timezone: "Australia/Sydney"},
			},
		})
		if err != nil {
			return "", err
		}
		p.playerID = out.PlayerID
		if out.Created {
			created++
		}
	}
	return fmt.Sprintf("%d registered, %d of them new", len(e.players), created), nil
}

func (e *evening) readBack(ctx context.Context) (string, error) {
	e.count("getPlayer")
	record, err := e.client.Players.Get(ctx, e.players[0].playerID)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s is %s", record.PlayerID, record.ExternalID), nil
}

func (e *evening) contact(ctx context.Context) (string, error) {
	e.count("createContactGate")
	gate, err := e.client.Contacts.Create(ctx, 1, playline.ContactCreate{Identifier: "61400000001", FirstName: "ace", Phone: e.players[0].phone})
	if err != nil {
		return "", err
	}
	e.count("searchContacts")
	page, err := e.client.Contacts.Search(ctx, "ace", playline.PageOptions{})
	if err != nil {
		return "", err
	}
	if len(page.Contacts) == 0 {
		return "", errors.New("the new contact was not found")
	}
	id := page.Contacts[0].ID
	e.count("updateContact")
	if _, err := e.client.Contacts.Update(ctx, id, map[string]any{"favourite_mode": "rush"}); err != nil {
		return "", err
	}
	e.count("fireContactEvent")
	if _, err := e.client.Contacts.Fire(ctx, id, "SeasonStart"); err != nil {
		return "", err
	}
	return fmt.Sprintf("contact %d over gate %d (%s), a variable set, an event fired", id, gate.ID, gate.Channel.Type), nil
}

func (e *evening) linkedClient(ctx context.Context) (string, error) {
	e.count("createClient")
	created, err := e.client.Messaging.CreateClient(ctx, e.players[0].deviceID, playline.ClientCreate{
		MatchCriteria: playline.MatchCriteria{Type: playline.MatchWhatsApp, IntegrationID: "5d8cff3cd55b040010928b5c", PhoneNumber: e.players[0].phone},
		Confirmation:  playline.Confirmation{Type: playline.ConfirmImmediate},
		Target:        playline.ClientTarget{ConversationID: "5d8cff3cd55b040010928b5d"},
	})
	if err != nil {
		return "", err
	}
	e.count("listClients")
	clients := 0
	for _, err := range e.client.Messaging.AllClients(ctx, e.players[0].deviceID, playline.ClientListOptions{}) {
		if err != nil {
			return "", err
		}
		clients++
	}
	return fmt.Sprintf("%s by %s; in the list: %d", created.Status, created.Type, clients), nil
}
