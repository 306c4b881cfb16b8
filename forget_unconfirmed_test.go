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

// What Forget makes of answers that say yes and prove nothing: the vendors document no shape for some, so anything between
// here and there can send them.

func TestForgetDoesNotReportWhatNobodyConfirmed(t *testing.T) {
	t.Parallel()
	yes := func(operation, body string) emulator.Fault {
		return emulator.Fault{Operation: operation, Status: http.StatusOK, Body: body}
	}
	noDeletion := emulator.Fault{Operation: "deleteContact", Status: http.StatusMethodNotAllowed}
	for _, tt := range []struct {
		name    string
		faults  []emulator.Fault
		service playline.Service
		step    string
		says    string
		left    string // what the services still have of ace
	}{
		{
			"a player that is still there",
			[]emulator.Fault{yes("deletePlayer", `{}`)},
			playline.Smooven, "player", "still shows the player", "player",
		},
		{
			"a player of whom nothing is said",
			[]emulator.Fault{yes("deletePlayer", `{"success":true}`), yes("getPlayer", `{}`)},
			playline.Smooven, "player", "neither that it is gone nor who it is", "player",
		},
		{
			"another player",
			[]emulator.Fault{yes("deletePlayer", `{}`), yes("getPlayer", `{"player_id":"ply_000002"}`)},
			playline.Smooven, "player", "neither that it is gone nor who it is", "player",
		},
		{
			"clients that are still there",
			[]emulator.Fault{yes("removeClient", `{}`)},
			playline.Sunshine, "client 5f0000000000000000000001 (whatsapp)", "still lists the client", "client whatsapp",
		},
		{
			"a contact whose variables nobody shows",
			[]emulator.Fault{noDeletion, yes("getContactInfo", `{}`)},
			playline.SmartSender, "contact's name and variables", "does not name it", "contact",
		},
		{
			"a contact whose variables are another's",
			[]emulator.Fault{noDeletion, yes("getContactInfo", `{"id":2}`)},
			playline.SmartSender, "contact's name and variables", "does not name it", "contact",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newFlowWorld(t)
				var remove []func()
				for _, fault := range tt.faults {
					remove = append(remove, w.service.Inject(fault))
				}
				report, err := w.client.Forget(t.Context(), w.ace, w.options())
				require.ErrorIs(t, err, playline.ErrUnconfirmed)
				step := stepOf(t, report, tt.service, tt.step)
				assert.Equal(t, playline.FlowUnconfirmed, step.Status, step)
				assert.Contains(t, step.Detail, tt.says)
				require.NoError(t, step.Err)
				assert.False(t, report.Complete())
				assert.Contains(t, w.ofAce(), tt.left)
				w.discreet(report)
				for _, r := range remove {
					r()
				}
				_, err = w.client.Forget(t.Context(), w.ace, w.options())
				require.NoError(t, err, "the second call does the rest")
				assert.Equal(t, leftOver, w.ofAce())
				w.untouched()
			})
		})
	}
}

// TestForgetLooksAgainAndFails: a deletion that worked and cannot be looked at is not known to have worked.
func TestForgetLooksAgainAndFails(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		operation string
		skip      int
		service   playline.Service
		step      string
	}{
		{"getPlayer", 0, playline.Smooven, "player"},
		{"listClients", 1, playline.Sunshine, "client 5f0000000000000000000001 (whatsapp)"},
		{"getContact", 0, playline.SmartSender, "contact"},
	} {
		t.Run(tt.operation, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newFlowWorld(t)
				remove := w.service.Inject(emulator.Fault{Operation: tt.operation, Skip: tt.skip, Status: http.StatusServiceUnavailable})
				report, err := w.client.Forget(t.Context(), w.ace, w.options())
				require.ErrorIs(t, err, playline.ErrUnavailable)
				step := stepOf(t, report, tt.service, tt.step)
				assert.Equal(t, playline.FlowFailed, step.Status)
				assert.Contains(t, step.Detail, "is not known")
				remove()
				_, err = w.client.Forget(t.Context(), w.ace, w.options())
				require.NoError(t, err)
				assert.Equal(t, leftOver, w.ofAce())
				w.untouched()
			})
		})
	}
}

// TestForgetAContactByAnIDThatLeadsElsewhere: the service answers with another contact, which is not erased.
func TestForgetAContactByAnIDThatLeadsElsewhere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newFlowWorld(t)
		w.ace.ContactID = w.contact
		w.service.Inject(emulator.Fault{Operation: "getContact", Status: http.StatusOK, Body: `{"id":2,"email":"ace@example.com.au"}`})
		report, err := w.client.Forget(t.Context(), w.ace, w.options())
		var ambiguous *playline.AmbiguousError
		require.ErrorAs(t, err, &ambiguous)
		assert.Equal(t, []int64{2}, ambiguous.Candidates)
		assert.NotContains(t, w.changes(), "deleteContact")
		w.discreet(report)
		w.untouched()
	})
}

// TestForgetWhereEverythingAnswersAnEmptyObject: each step whose answer the vendor documents fails, and each of the others says
// that nobody confirmed it. Nothing is reported as done or as not there.
func TestForgetWhereEverythingAnswersAnEmptyObject(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		who  playline.Identity
		dry  bool
	}{
		{"by the game's id and an address", playline.Identity{ID: "device-abc-123", Email: "ace@example.com"}, false},
		{"by every id", playline.Identity{ID: "device-abc-123", SmoovenID: "ply_000001", ContactID: 1}, false},
		{"a dry run", playline.Identity{ID: "device-abc-123", SmoovenID: "ply_000001", ContactID: 1}, true},
	} {
		for _, body := range []string{`{}`, `[]`, `"ok"`} {
			t.Run(tt.name+"/"+body, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := newFlowWorld(t)
					for _, service := range []string{emulator.Smooven, emulator.Fyno, emulator.SmartSender, emulator.Sunshine} {
						w.service.Inject(emulator.Fault{Service: service, Status: http.StatusOK, Body: body})
					}
					report, err := w.client.Forget(t.Context(), tt.who, playline.ForgetOptions{DryRun: tt.dry}, playline.Retry(playline.RetryPolicy{MaxAttempts: 1}))
					require.Error(t, err)
					assert.False(t, report.Complete())
					for _, s := range report.Steps {
						if body == `[]` && s.What == "suppressions" {
							continue // an empty list is Fyno's own shape
						}
						assert.NotContains(t, []playline.FlowStatus{playline.FlowDone, playline.FlowNothing, playline.FlowFound}, s.Status, s)
					}
					for step, service := range map[string]playline.Service{
						"look for clients": playline.Sunshine, "contact": playline.SmartSender, "suppressions": playline.Fyno, "profile": playline.Fyno,
					} {
						if body == `[]` && step == "suppressions" {
							continue
						}
						assert.Equal(t, playline.FlowFailed, stepOf(t, report, service, step).Status, step)
					}
					player := stepOf(t, report, playline.Smooven, "player").Status
					assert.Contains(t, []playline.FlowStatus{playline.FlowFailed, playline.FlowUnconfirmed}, player)
					w.discreet(report)
				})
			})
		}
	}
}
