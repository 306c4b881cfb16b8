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

// TestForgetASuppressionWithoutAnID: the id is optional in the list, and one entry must not hold up those behind it.
func TestForgetASuppressionWithoutAnID(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newFlowWorld(t)
		remove := w.service.Inject(emulator.Fault{Operation: "listSuppressions", Status: http.StatusOK, Body: `[{"distinct_id":"device-abc-123","channel":"sms"},
			{"destination":"ace@example.com","channel":"email"},{"_id":"gone","distinct_id":"device-abc-123","channel":"push"}]`})
		o := w.options()
		o.LiftSuppressions = true
		report, err := w.client.Forget(t.Context(), w.ace, o)
		require.NoError(t, err)
		remove()
		step := stepOf(t, report, playline.Fyno, "suppressions")
		assert.Equal(t, playline.FlowDone, step.Status)
		assert.Equal(t, "3 removed", step.Detail)
		assert.Equal(t, 3, w.service.Calls("deleteSuppression"))
		for _, left := range w.ofAce() {
			assert.NotContains(t, left, "suppression")
		}
		w.untouched()
	})
}

// TestForgetWithAWrongWorkspace: what the configuration has wrong is not taken for a person who is gone.
func TestForgetWithAWrongWorkspace(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]playline.FlowStatus{
		"Workspace does not exist":                                        playline.FlowFailed,
		"the WORKSPACE was not found":                                     playline.FlowFailed,
		"Cannot delete non existing user: distinct_id 'x' does not exist": playline.FlowNothing,
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newFlowWorld(t)
			w.service.Inject(emulator.Fault{Operation: "deleteProfiles", Status: http.StatusBadRequest, Body: `{"status":"error","_message":"` + message + `"}`})
			report, err := w.client.Forget(t.Context(), w.ace, w.options())
			assert.Equal(t, want, stepOf(t, report, playline.Fyno, "profile").Status, message)
			assert.Equal(t, want == playline.FlowFailed, err != nil)
		})
	}
}
