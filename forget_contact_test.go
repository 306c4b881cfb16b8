package playline_test

import (
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/emulator"
)

// TestFlowsFindAContactOnlyWhereItIsSure holds Forget and Identify against look-ups that find nobody, several, or somebody else.
func TestFlowsFindAContactOnlyWhereItIsSure(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		others []emulator.Contact // beside the two of the world
		who    playline.Identity
		want   playline.FlowStatus
		among  int // candidates
	}{
		{"by address and number", nil, playline.Identity{Email: "ace@example.com", Phone: "+61400000000"}, playline.FlowDone, 0},
		{"by the address, in other letters", nil, playline.Identity{Email: "Ace@Example.com"}, playline.FlowDone, 0},
		{"by the number", nil, playline.Identity{Phone: "+61400000000"}, playline.FlowDone, 0},
		{"an address that begins with the Kelvin sign, and somebody's with a k", []emulator.Contact{{FirstName: "kelvin", Email: "k@example.com"}}, playline.Identity{Email: "\u212a@example.com"}, playline.FlowNothing, 0},
		{"an address with a k, and somebody's with the Kelvin sign", []emulator.Contact{{FirstName: "kelvin", Email: "\u212a@example.com"}}, playline.Identity{Email: "k@example.com"}, playline.FlowNothing, 0},
		{"an address with an s, and somebody's with the long one", []emulator.Contact{{FirstName: "long", Email: "\u017f@example.com"}}, playline.Identity{Email: "s@example.com"}, playline.FlowNothing, 0},
		{"an address with an umlaut in the other case", []emulator.Contact{{FirstName: "other", Email: "\u00e4@example.com"}}, playline.Identity{Email: "\u00c4@example.com"}, playline.FlowNothing, 0},
		{"a number, and somebody's in other digits", []emulator.Contact{{FirstName: "other", Phone: "+61\u0664\u0660\u0660000003"}}, playline.Identity{Phone: "+61440000003"}, playline.FlowNothing, 0},
		{"an address that is only a part of others'", nil, playline.Identity{Email: "ce@example.com"}, playline.FlowNothing, 0},
		{"a number that is only a part of others'", nil, playline.Identity{Phone: "+6140000000"}, playline.FlowNothing, 0},
		{"an address that is somebody's name", []emulator.Contact{{FirstName: "comet@example.com"}}, playline.Identity{Email: "comet@example.com"}, playline.FlowNothing, 0},
		{"two with the address", []emulator.Contact{{FirstName: "comet", Email: "ace@example.com"}}, playline.Identity{Email: "ace@example.com"}, playline.FlowFailed, 2},
		{"two with the number, written otherwise", []emulator.Contact{{FirstName: "comet", Phone: "61400000000"}}, playline.Identity{Phone: "+61400000000"}, playline.FlowFailed, 2},
		{
			"one has the address and another the number",
			[]emulator.Contact{{FirstName: "comet", Email: "comet@example.com"}},
			playline.Identity{Email: "comet@example.com", Phone: "+61400000000"},
			playline.FlowFailed, 2,
		},
		{"one has the address and another number", nil, playline.Identity{Email: "ace@example.com", Phone: "+61400000009"}, playline.FlowFailed, 1},
		{"one has the number and another address", nil, playline.Identity{Email: "comet@example.com", Phone: "+61400000000"}, playline.FlowFailed, 1},
		{
			"two with the address, and the id says which",
			[]emulator.Contact{{FirstName: "comet", Email: "ace@example.com"}},
			playline.Identity{ContactID: 1, Email: "ace@example.com"},
			playline.FlowDone, 0,
		},
		{"an id that is gone, and the address is there", nil, playline.Identity{ContactID: 999, Email: "ace@example.com"}, playline.FlowFailed, 1},
		{"an id that is gone, and the number is there", nil, playline.Identity{ContactID: 999, Phone: "+61400000000"}, playline.FlowFailed, 1},
		{
			"an id that is gone, and two have the address",
			[]emulator.Contact{{FirstName: "comet", Email: "ace@example.com"}},
			playline.Identity{ContactID: 999, Email: "ace@example.com"},
			playline.FlowFailed, 2,
		},
		{"an id that is gone, and so is the address", nil, playline.Identity{ContactID: 999, Email: "ce@example.com"}, playline.FlowNothing, 0},
		{"an id that is gone, and nothing else", nil, playline.Identity{ContactID: 999}, playline.FlowNothing, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newFlowWorld(t)
				require.Equal(t, int64(1), w.contact)
				for _, c := range tt.others {
					w.service.AddContact(c)
				}
				identified, identifyErr := w.client.Identify(t.Context(), playline.Person{Identity: tt.who})
				changes := len(w.changes())
				report, err := w.client.Forget(t.Context(), tt.who, playline.ForgetOptions{})
				step := stepOf(t, report, playline.SmartSender, "contact")
				assert.Equal(t, tt.want, step.Status, step)
				w.discreet(report)
				w.discreet(identified)
				w.untouched()
				if tt.want == playline.FlowDone {
					nothingFailed(t, identified, identifyErr)
					nothingFailed(t, report, err)
					assert.Zero(t, w.contactOf("ace"))
					assert.Equal(t, int64(1), report.Identity.ContactID, "learned")
					assert.Equal(t, int64(1), identified.Identity.ContactID, "learned")
					return
				}
				if tt.want == playline.FlowNothing && tt.who.ContactID != 0 {
					require.ErrorIs(t, identifyErr, playline.ErrNotFound)
				}
				assert.NotZero(t, w.contactOf("ace"), "nothing is erased where it is not sure")
				assert.Len(t, w.changes(), changes)
				assert.NotContains(t, w.changes(), "updateContact")
				if tt.want == playline.FlowFailed {
					for _, err := range []error{err, identifyErr} {
						var ambiguous *playline.AmbiguousError
						require.ErrorAs(t, err, &ambiguous)
						require.ErrorIs(t, err, playline.ErrConflict)
						assert.Len(t, ambiguous.Candidates, tt.among)
						assert.Contains(t, ambiguous.Error(), "ContactID")
					}
				}
			})
		})
	}
}

// TestForgetAContactWhoseIDIsGone: the id of a contact that was united into another one says nothing of where the data are now, and neither does
// that of a contact which a call before has erased: whoever shares its address must not be erased by the next one.
func TestForgetAContactWhoseIDIsGone(t *testing.T) {
	t.Parallel()
	t.Run("united into another", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			w := newFlowWorld(t)
			learned, err := w.client.Identify(t.Context(), playline.Person{Identity: w.ace})
			require.NoError(t, err)
			who := learned.Identity
			other := w.service.AddContact(emulator.Contact{FirstName: "ace"})
			_, err = w.client.Contacts.Unite(t.Context(), other, who.ContactID)
			require.NoError(t, err)
			for _, dry := range []bool{true, false} {
				report, err := w.client.Forget(t.Context(), who, playline.ForgetOptions{DryRun: dry})
				var ambiguous *playline.AmbiguousError
				require.ErrorAs(t, err, &ambiguous)
				assert.Equal(t, []int64{other}, ambiguous.Candidates)
				require.ErrorContains(t, err, "contact 1 is gone")
				w.discreet(report)
				who.ContactID = report.Identity.ContactID
				assert.Equal(t, other, w.contactOf("ace"))
			}
			who.ContactID = other
			report, err := w.client.Forget(t.Context(), who, playline.ForgetOptions{})
			require.NoError(t, err)
			assert.Equal(t, playline.FlowDone, stepOf(t, report, playline.SmartSender, "contact").Status)
			assert.Zero(t, w.contactOf("ace"))
			w.untouched()
		})
	})
	t.Run("erased before, and the address is shared", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			w := newFlowWorld(t)
			w.service.AddContact(emulator.Contact{FirstName: "comet", Email: w.ace.Email, Phone: w.ace.Phone})
			w.ace.ContactID = w.contact
			_, err := w.client.Forget(t.Context(), w.ace, playline.ForgetOptions{})
			require.NoError(t, err)
			require.Zero(t, w.contactOf("ace"))
			_, err = w.client.Forget(t.Context(), w.ace, playline.ForgetOptions{})
			require.ErrorIs(t, err, playline.ErrConflict)
			assert.NotZero(t, w.contactOf("comet"))
			assert.Equal(t, 1, w.service.Calls("deleteContact"))
		})
	})
}

// TestForgetAContactThatCannotBeDeleted: the path of the deletion is an assumption, so a service that does not know it, or says yes and
// does nothing, must not be taken for one that deleted.
func TestForgetAContactThatCannotBeDeleted(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		fault emulator.Fault
	}{
		{"no such operation", emulator.Fault{Status: http.StatusNotFound}},
		{"no such method", emulator.Fault{Status: http.StatusMethodNotAllowed}},
		{"not implemented", emulator.Fault{Status: http.StatusNotImplemented}},
		{"a yes without a deed", emulator.Fault{Status: http.StatusOK, Body: `{"state":true}`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newFlowWorld(t)
				tt.fault.Operation = "deleteContact"
				w.service.Inject(tt.fault)
				report, err := w.client.Forget(t.Context(), w.ace, w.options())
				require.NoError(t, err)
				assert.Equal(t, playline.FlowImpossible, stepOf(t, report, playline.SmartSender, "contact").Status)
				assert.Contains(t, stepOf(t, report, playline.SmartSender, "contact").Detail, "only the id in FlowReport.Identity finds it")
				assert.Equal(t, playline.FlowDone, stepOf(t, report, playline.SmartSender, "contact's name and variables").Status)
				assert.Equal(t, playline.FlowDone, stepOf(t, report, playline.SmartSender, "contact's e-mail address and phone number").Status)
				info, err := w.client.Contacts.Info(t.Context(), w.contact)
				require.NoError(t, err)
				assert.Equal(t, "-", info.FullName)
				assert.Equal(t, map[string]any{"clan": nil}, info.Values)
				assert.Empty(t, info.Email+info.Phone+info.LastName)
				w.discreet(report)
				w.untouched()

				given := w.ace
				w.ace = report.Identity // with the contact's id
				report, err = w.client.Forget(t.Context(), w.ace, w.options())
				require.NoError(t, err)
				assert.Contains(t, report.Impossible(), stepOf(t, report, playline.SmartSender, "contact"), "it is said each time that it is there")

				report, err = w.client.Forget(t.Context(), given, w.options())
				require.NoError(t, err)
				step := stepOf(t, report, playline.SmartSender, "contact")
				assert.Equal(t, playline.FlowNothing, step.Status)
				assert.Contains(t, step.Detail, "ContactID", "what has no address any more is not found by it")
			})
		})
	}
}
