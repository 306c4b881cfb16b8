package playline_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/emulator"
)

// flowWorld is an emulator in which two people are known to every service: ace, and blitz, whom no flow about ace may touch. It is to be
// made inside a bubble.
type flowWorld struct {
	t       *testing.T
	service *emulator.Emulator
	client  *playline.Client
	batcher *batcher.Batcher
	ace     playline.Identity
	contact int64
	hidden  []string // what no report may show
}

func newFlowWorld(t *testing.T) *flowWorld {
	t.Helper()
	w := &flowWorld{
		t: t, service: emulator.New(),
		ace: playline.Identity{ID: "device-abc-123", Email: "ace@example.com", Phone: "+61400000000"},
		hidden: []string{
			"ace@example.com", "61400000000", "secret-push-token", emulator.SmoovenKey, emulator.FynoKey, emulator.SmartSenderToken, emulator.SunshineSecret,
		},
	}
	var err error
	w.client, err = playline.New(w.service.Options()...)
	require.NoError(t, err)
	w.batcher, err = w.client.NewBatcher(batcher.Config{
		GameID: "com.example.stackblaster", Linger: time.Hour,
		Tokens: batcher.TokenFunc(func(_ context.Context, user string) (batcher.Token, error) {
			return batcher.Token{Value: batcher.Secret(w.service.Token(user, time.Hour))}, nil
		}),
	})
	require.NoError(t, err)
	t.Cleanup(func() { _, _ = w.batcher.Close(t.Context()) })
	w.settle("device-abc-123", "ace@example.com", "+61400000000", "ace")
	w.settle("device-def-456", "ace@example.com.au", "+614000000001", "blitz")
	w.contact = w.contactOf("ace")
	w.service.ResetRecord()
	return w
}

// settle makes a person in every service.
func (w *flowWorld) settle(id, email, phone, handle string) {
	ctx, t := w.t.Context(), w.t
	_, err := w.client.Players.Register(ctx, playline.Player{ExternalID: id, Channels: playline.PlayerChannels{
		Email: email, SMS: phone, Push: &playline.PushChannel{DeviceToken: "secret-push-token"},
	}})
	require.NoError(t, err)
	_, err = w.client.Profiles.Create(ctx, playline.ProfileCreate{DistinctID: id, Name: handle, Channels: playline.ProfileChannels{
		Email: email, SMS: phone, Push: []playline.ProfileToken{{Token: "secret-push-token"}},
	}})
	require.NoError(t, err)
	_, err = w.client.Properties.Set(ctx, id, playline.Properties{"level": 5})
	require.NoError(t, err)
	for _, s := range []playline.SuppressionCreate{
		{DistinctID: id, Channel: playline.ChannelSMS}, {DistinctID: id, Channel: playline.ChannelPush}, {Destination: email, Channel: playline.ChannelEmail},
	} {
		_, err = w.client.Suppressions.Add(ctx, s)
		require.NoError(t, err)
	}
	w.service.AddContact(emulator.Contact{FirstName: handle, LastName: "x", Email: email, Phone: phone, Variables: map[string]string{"clan": handle}})
	w.service.AddClient(id, "whatsapp")
	w.service.AddClient(id, "telegram")
	w.service.AddClient(id, "sdk")
	for range 3 {
		require.NoError(t, w.batcher.Player(id).TrackAttrs(ctx, batcher.LevelCompleted, slog.Int("level", 5)))
	}
}

// known lists what the services and the batcher have of somebody, as the services' own look-ups tell.
func (w *flowWorld) known(id, email, handle string) []string {
	ctx, t := w.t.Context(), w.t
	var out []string
	if _, found := w.service.Player(id); found {
		out = append(out, "player")
	}
	_, err := w.client.Profiles.Get(ctx, id)
	if err == nil {
		out = append(out, "profile")
	} else {
		require.ErrorIs(t, err, playline.ErrNotFound)
	}
	list, err := w.client.Suppressions.List(ctx)
	require.NoError(t, err)
	for _, s := range list.Suppressions {
		if s.DistinctID == id || s.Destination == email {
			out = append(out, "suppression "+s.DistinctID+s.Destination)
		}
	}
	if w.contactOf(handle) != 0 {
		out = append(out, "contact")
	}
	for _, client := range w.service.Clients(id) {
		out = append(out, "client "+client.Type)
	}
	if n := w.batcher.Player(id).Stats().Pending; n > 0 {
		out = append(out, fmt.Sprintf("%d events", n))
	}
	return out
}

func (w *flowWorld) ofAce() []string { return w.known("device-abc-123", "ace@example.com", "ace") }

// untouched checks that nothing of blitz was changed.
func (w *flowWorld) untouched() {
	assert.Equal(w.t, []string{
		"player", "profile", "suppression device-def-456", "suppression device-def-456", "suppression ace@example.com.au", "contact",
		"client whatsapp", "client telegram", "client sdk", "3 events",
	}, w.known("device-def-456", "ace@example.com.au", "blitz"), "another person was touched")
}

// contactOf returns the id of the contact with that first name, 0 where there is none.
func (w *flowWorld) contactOf(handle string) int64 {
	for c, err := range w.client.Contacts.All(w.t.Context(), playline.PageOptions{}) {
		require.NoError(w.t, err)
		if c.FirstName == handle {
			return c.ID
		}
	}
	return 0
}

// changes lists the requests that were no reads.
func (w *flowWorld) changes() []string {
	var out []string
	for _, r := range w.service.Requests() {
		if r.Method != http.MethodGet {
			out = append(out, r.Operation)
		}
	}
	return out
}

// discreet checks that a report shows no address, number or credential, however it is printed.
func (w *flowWorld) discreet(r *playline.FlowReport) {
	encoded, err := json.Marshal(r)
	require.NoError(w.t, err)
	for _, text := range []string{
		string(encoded), r.String(), fmt.Sprintf("%v %+v %#v %+v %#v %#v", r, r, r, *r, *r, r.Steps), fmt.Sprint(r.Err()), fmt.Sprint(r.Impossible()),
	} {
		for _, hidden := range w.hidden {
			assert.NotContains(w.t, text, hidden)
		}
	}
}

// nothingFailed checks that a flow's error speaks of nothing but services that the identity holds no key
// for.
func nothingFailed(t *testing.T, report *playline.FlowReport, err error) {
	t.Helper()
	if err != nil {
		require.ErrorIs(t, err, playline.ErrNotAsked)
	}
	for _, s := range report.Steps {
		require.NotContains(t, []playline.FlowStatus{playline.FlowFailed, playline.FlowUnconfirmed}, s.Status, s)
	}
}

// told is a report as lines of "service: what: status".
func told(r *playline.FlowReport) []string {
	var out []string
	for _, s := range r.Steps {
		what := s.What
		if name, _, ok := strings.Cut(what, " 5f"); ok { // a client's id
			what = name + what[strings.LastIndex(what, " "):]
		}
		out = append(out, fmt.Sprintf("%s: %s: %s", s.Service, what, s.Status))
	}
	return out
}

// stepOf returns a step by what it is about.
func stepOf(t *testing.T, r *playline.FlowReport, s playline.Service, what string) playline.FlowStep {
	t.Helper()
	for _, step := range r.Steps {
		if step.Service == s && step.What == what {
			return step
		}
	}
	require.Fail(t, "no such step", "%s: %s in\n%s", s, what, r)
	return playline.FlowStep{}
}
