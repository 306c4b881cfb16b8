package playline_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/emulator"
)

// What Find says of a person, and that it reads only.

// foundAce is a report of Find of somebody whom every service knows.
var foundAce = []string{
	"playsmart: account and stored events: impossible",
	"sunshine: clients: found",
	"sunshine: user, conversations and messages: impossible",
	"smartsender: contact: found",
	"smartsender: contact's variables: found",
	"smartsender: contact's chat: found",
	"smartsender: contact's gates: nothing there",
	"smooven: player: found",
	"fyno: suppressions: found",
	"fyno: profile: found",
	"fyno: preferences: found",
}

func TestFindReturnsWhatTheServicesKnow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newFlowWorld(t)
		player, known := w.service.Player(w.ace.ID)
		require.True(t, known)
		w.ace.SmoovenID = player.ID
		found, err := w.client.Find(t.Context(), w.ace)
		require.NoError(t, err)
		assert.Equal(t, foundAce, told(&found.FlowReport))
		assert.Empty(t, w.changes(), "a look-up reads only")
		w.discreet(&found.FlowReport)
		assert.Equal(t, w.ace.ID, found.Player.ExternalID)
		assert.Equal(t, w.ace.Email, found.Profile.Channels.Email)
		assert.NotNil(t, found.Preferences)
		assert.Equal(t, w.contact, found.Contact.ID)
		assert.Equal(t, map[string]any{"clan": "ace"}, found.ContactInfo.Values)
		assert.Equal(t, w.contact, found.Chat.Contact.OriginalID)
		assert.Empty(t, found.Gates)
		assert.Len(t, found.Suppressions, 3)
		assert.Len(t, found.Clients, 3)
		assert.Equal(t, w.contact, found.Identity.ContactID, "learned")
		for _, text := range []string{fmt.Sprint(found), fmt.Sprintf("%+v %#v %s", *found, *found, found)} {
			for _, hidden := range w.hidden {
				assert.NotContains(t, text, hidden)
			}
		}
		encoded, err := json.Marshal(found)
		require.NoError(t, err)
		assert.Contains(t, string(encoded), w.ace.Email, "as JSON it is what a person may ask for")
		assert.NotContains(t, string(encoded), emulator.FynoKey)
		w.untouched()
	})
}

func TestFindSaysWhomItCouldNotAsk(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newFlowWorld(t)
		found, err := w.client.Find(t.Context(), w.ace)
		require.ErrorIs(t, err, playline.ErrNotAsked)
		assert.Equal(t, playline.FlowNotAsked, stepOf(t, &found.FlowReport, playline.Smooven, "player").Status)
		assert.ErrorContains(t, err, "Smooven looks nobody up by the game's id")
		assert.Nil(t, found.Player)
		assert.NotNil(t, found.Profile, "it holds up nothing else")
		assert.Empty(t, w.changes(), "nobody is registered to be looked up")

		nobody := playline.Identity{ID: "device-nobody", SmoovenID: "ply_999999", Email: "nobody@example.com"}
		found, err = w.client.Find(t.Context(), nobody)
		require.NoError(t, err)
		for _, s := range found.Steps {
			assert.Contains(t, []playline.FlowStatus{playline.FlowNothing, playline.FlowImpossible}, s.Status, s)
		}
		assert.Equal(t, &playline.Found{FlowReport: found.FlowReport}, found)

		_, err = w.client.Find(t.Context(), playline.Identity{})
		require.ErrorIs(t, err, playline.ErrInvalid)
		w.service.AddContact(emulator.Contact{FirstName: "kelvin", Email: "k@example.com"})
		found, err = w.client.Find(t.Context(), playline.Identity{Email: "\u212a@example.com", ID: "device-nobody"})
		require.ErrorIs(t, err, playline.ErrNotAsked)
		assert.Nil(t, found.Contact, "the Kelvin sign is no k")
	})
}

// TestFindWithOneStepFailing: the other services are asked all the same.
func TestFindWithOneStepFailing(t *testing.T) {
	t.Parallel()
	for operation, step := range map[string]string{
		"listClients": "sunshine: clients", "searchContacts": "smartsender: contact", "getContactInfo": "smartsender: contact's variables",
		"getContactChat": "smartsender: contact's chat", "listContactGates": "smartsender: contact's gates", "getPlayer": "smooven: player",
		"listSuppressions": "fyno: suppressions", "getProfile": "fyno: profile", "getPreferences": "fyno: preferences",
	} {
		t.Run(operation, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newFlowWorld(t)
				player, _ := w.service.Player(w.ace.ID)
				w.ace.SmoovenID = player.ID
				w.service.Inject(emulator.Fault{Operation: operation, Status: http.StatusServiceUnavailable})
				found, err := w.client.Find(t.Context(), w.ace, playline.Retry(playline.RetryPolicy{MaxAttempts: 1}))
				require.ErrorIs(t, err, playline.ErrUnavailable)
				var want []string
				for _, line := range foundAce {
					if operation == "searchContacts" && len(line) > len(step) && line[:len(step)] == step && line != "smartsender: contact: found" {
						continue // without the contact its parts are not asked for
					}
					if len(line) > len(step) && line[:len(step)+1] == step+":" {
						line = step + ": failed"
					}
					want = append(want, line)
				}
				assert.Equal(t, want, told(&found.FlowReport))
				assert.False(t, found.Complete())
				w.discreet(&found.FlowReport)
			})
		})
	}
}
