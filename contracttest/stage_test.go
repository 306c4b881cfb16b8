package main

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/emulator"
)

// stage is a client, a proxy that spoils, and an emulator.
type stage struct {
	emulator *emulator.Server
	proxy    *proxy
	client   *playline.Client
}

// loaded are the contracts, which take a while to read.
func loaded(t *testing.T) contracts {
	t.Helper()
	cs, err := loadContracts(t.Context(), contractsDir)
	require.NoError(t, err)
	return cs
}

func newStage(t *testing.T, cs contracts) *stage {
	t.Helper()
	e := emulator.Start(t)
	p, err := newProxy(t.Context(), cs, e.URL)
	require.NoError(t, err)
	t.Cleanup(p.close)
	client, err := newClient(p.url, playline.FynoLive)
	require.NoError(t, err)
	return &stage{e, p, client}
}

// send makes one valid call of the SDK.
type send func(context.Context, *stage) error

func register(ctx context.Context, s *stage) error {
	_, err := s.client.Players.Register(ctx, fullPlayer("ace", playline.PlatformIOS, playline.ChannelSMS))
	return err
}

func ingest(ctx context.Context, s *stage) error {
	token := playline.Secret(s.emulator.Token("ace", time.Hour))
	_, err := s.client.Ingest.Send(ctx, token, playline.IngestBatch{UserID: "ace", GameID: gameID, Events: fullEvents()})
	return err
}

func fire(ctx context.Context, s *stage) error {
	_, err := s.client.Events.Fire(ctx, "season", fullRecipient())
	return err
}

func create(ctx context.Context, s *stage) error {
	_, err := s.client.Profiles.Create(ctx, playline.ProfileCreate{DistinctID: "ace", Timezone: "Australia/Sydney"})
	return err
}

func search(ctx context.Context, s *stage) error {
	_, err := s.client.Contacts.Search(ctx, "ace", playline.PageOptions{Size: 20})
	return err
}

func newContact(ctx context.Context, s *stage) error {
	_, err := s.client.Contacts.Create(ctx, 1, playline.ContactCreate{Identifier: "1", FirstName: "ace"})
	return err
}

func link(ctx context.Context, s *stage) error {
	_, err := s.client.Messaging.CreateClient(ctx, "ace", fullClients()[0])
	return err
}

func login(ctx context.Context, s *stage) error {
	_, err := s.client.Accounts.Login(ctx, playline.Credentials{Email: "ace@example.com", Password: "correct-horse-9"})
	return err
}

// body edits a request's body.
func body(edit func(map[string]any)) func(*http.Request, []byte) []byte {
	return func(_ *http.Request, raw []byte) []byte { return edited(raw, edit) }
}

func edited(raw []byte, edit func(map[string]any)) []byte {
	var object map[string]any
	if err := json.Unmarshal(raw, &object); err != nil {
		panic(err)
	}
	edit(object)
	out, err := json.Marshal(object)
	if err != nil {
		panic(err)
	}
	return out
}

// head edits a request without its body.
func head(edit func(*http.Request)) func(*http.Request, []byte) []byte {
	return func(r *http.Request, raw []byte) []byte {
		edit(r)
		return raw
	}
}

// inside returns the object at some keys of an object; of a list the first item.
func inside(object map[string]any, keys ...string) map[string]any {
	for _, key := range keys {
		switch next := object[key].(type) {
		case map[string]any:
			object = next
		case []any:
			object = next[0].(map[string]any)
		}
	}
	return object
}
