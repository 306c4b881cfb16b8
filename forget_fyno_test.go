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

// What Forget makes of Fyno's answers, which tell less than one would like.

// TestForgetRemovesEachSuppression: an entry without an id, or one that cannot be removed, holds up none of those behind it.
func TestForgetRemovesEachSuppression(t *testing.T) {
	t.Parallel()
	const blitz = "suppression device-def-456"
	for _, tt := range []struct {
		name    string
		lift    bool
		list    string          // "": as it is
		fault   *emulator.Fault // of the deletions
		removed string
		left    []string
	}{
		{
			"no ids", false,
			`[{"distinct_id":"device-abc-123","channel":"sms"},{"distinct_id":"device-def-456","channel":"sms"},{"distinct_id":"device-abc-123","channel":"push"}]`,
			nil, "2 removed",
			[]string{"suppression ace@example.com"},
		},
		{
			"no ids, and the address", true,
			`[{"destination":"ace@example.com","channel":"email"},{"distinct_id":"device-abc-123","channel":"push"},{"destination":"ace@example.com.au"}]`,
			nil, "2 removed", nil,
		},
		{
			"no ids, and the address stays", false,
			`[{"destination":"ace@example.com","channel":"email"},{"distinct_id":"device-abc-123","channel":"push"}]`,
			nil, "1 removed; 1 of the address or the number stay, see ForgetOptions.LiftSuppressions",
			[]string{"suppression ace@example.com"},
		},
		{
			"the first one is refused", false, "", &emulator.Fault{Status: http.StatusForbidden, Times: 1}, "1 removed",
			[]string{"suppression device-abc-123", "suppression ace@example.com"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newFlowWorld(t)
				remove := func() {}
				if tt.list != "" {
					remove = w.service.Inject(emulator.Fault{Operation: "listSuppressions", Status: http.StatusOK, Body: tt.list})
				}
				if tt.fault != nil {
					tt.fault.Operation = "deleteSuppression"
					w.service.Inject(*tt.fault)
				}
				o := w.options()
				o.LiftSuppressions = tt.lift
				report, err := w.client.Forget(t.Context(), w.ace, o)
				remove()
				step := stepOf(t, report, playline.Fyno, "suppressions")
				assert.Equal(t, tt.removed, step.Detail)
				assert.Equal(t, tt.fault != nil, err != nil, err)
				var left []string
				list, err := w.client.Suppressions.List(t.Context())
				require.NoError(t, err)
				for _, s := range list.Suppressions {
					if what := "suppression " + s.DistinctID + s.Destination; s.Destination != "ace@example.com.au" && what != blitz {
						left = append(left, what)
					}
				}
				assert.Equal(t, tt.left, left)
				w.untouched()
			})
		})
	}
}

// TestForgetTellsAProfileThatIsGoneFromAWrongWorkspace: Fyno refuses both with a 400, and only the profile's absence is what Forget wants.
func TestForgetTellsAProfileThatIsGoneFromAWrongWorkspace(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, id, message string
		want              playline.FlowStatus
	}{
		{"as documented of a deletion", "ace", "Cannot delete non existing user: distinct_id 'ace' does not exist", playline.FlowNothing},
		{"as documented of a look-up", "ace", "incorrect/non existing distinct_id provided", playline.FlowNothing},
		{"a profile", "ace", "Profile not found", playline.FlowNothing},
		{"an id with a word of the configuration", "version-7", "distinct_id 'version-7' does not exist", playline.FlowNothing},
		{"a workspace", "ace", "Workspace does not exist", playline.FlowFailed},
		{"a workspace, in other letters", "ace", "the WORKSPACE of this user was not found", playline.FlowFailed},
		{"a workspace, by its short name", "ace", "no profile: WSID does not exist", playline.FlowFailed},
		{"a version", "ace", "version not found for this user", playline.FlowFailed},
		{"an id that is a word of the profile's", "user", "Account of user not found", playline.FlowFailed},
		{"an id that is a part of a word", "work", "Workspace not found, user work", playline.FlowFailed},
		{"nothing that is named", "ace", "Not found", playline.FlowFailed},
		{"a path with profiles in it", "ace", "/profiles/delete not found", playline.FlowFailed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newFlowWorld(t)
				for operation, dry := range map[string]bool{"deleteProfiles": false, "getProfile": true} {
					w.service.Inject(emulator.Fault{
						Operation: operation, Status: http.StatusBadRequest, Body: `{"status":"error","_message":"` + tt.message + `"}`,
					})
					report, err := w.client.Forget(t.Context(), playline.Identity{FynoID: tt.id}, playline.ForgetOptions{DryRun: dry})
					assert.Equal(t, tt.want, stepOf(t, report, playline.Fyno, "profile").Status)
					assert.Equal(t, tt.want == playline.FlowFailed, stepOf(t, report, playline.Fyno, "profile").Err != nil)
					require.ErrorIs(t, err, playline.ErrNotAsked, "of the other services")
				}
			})
		})
	}
}
