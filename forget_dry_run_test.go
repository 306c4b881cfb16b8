package playline_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/batcher"
)

// Forget's dry runs: what they say, and that they change nothing.

func TestForgetDryRunChangesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newFlowWorld(t)
		before := w.ofAce()
		o := w.options()
		o.DryRun = true
		player, found := w.service.Player(w.ace.ID)
		require.True(t, found)
		for _, smooven := range []string{"", player.ID} {
			w.ace.SmoovenID = smooven
			w.service.ResetRecord()
			report, err := w.client.Forget(t.Context(), w.ace, o)
			require.NoError(t, err)
			assert.Positive(t, w.service.TotalCalls())
			assert.Empty(t, w.changes(), "a dry run reads only")
			want := make([]string, len(forgotten))
			for i, line := range forgotten {
				want[i] = strings.Replace(line, ": done", ": would do", 1)
			}
			assert.Equal(t, want, told(report))
			assert.True(t, report.DryRun)
			assert.Equal(t, before, w.ofAce())
			w.discreet(report)
		}
		w.untouched()
		require.NoError(t, w.batcher.Track(t.Context(), w.ace.ID, batcher.Event{Type: batcher.AppOpen}), "events are still taken")
	})
}

func TestForgetDryRunOfSomebodyUnknown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newFlowWorld(t)
		nobody := playline.Identity{FynoID: "device-nobody", SunshineID: "device-nobody", PlaySmartID: "device-nobody", SmoovenID: "ply_999999", ContactID: 999}
		report, err := w.client.Forget(t.Context(), nobody, playline.ForgetOptions{DryRun: true})
		require.NoError(t, err)
		assert.Equal(t, []string{
			"playsmart: events that wait: not configured",
			"playsmart: account and stored events: impossible",
			"sunshine: look for clients: nothing there",
			"sunshine: user, conversations and messages: impossible",
			"smartsender: contact: nothing there",
			"smooven: player: nothing there",
			"fyno: suppressions: nothing there",
			"fyno: profile: nothing there",
			"fyno: messages that were sent: impossible",
		}, told(report))
		assert.Empty(t, w.changes())
	})
}

func TestForgetDryRunOfAPlayerWhoCameBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newFlowWorld(t)
		w.ace.SmoovenID = "ply_999999"
		report, err := w.client.Forget(t.Context(), w.ace, playline.ForgetOptions{DryRun: true})
		require.NoError(t, err)
		step := stepOf(t, report, playline.Smooven, "player")
		assert.Equal(t, playline.FlowPlanned, step.Status, "as it is then done")
		assert.Contains(t, step.Detail, "register the external id")
		report, err = w.client.Forget(t.Context(), w.ace, playline.ForgetOptions{})
		require.NoError(t, err)
		assert.Equal(t, playline.FlowDone, stepOf(t, report, playline.Smooven, "player").Status)
		_, found := w.service.Player(w.ace.ID)
		assert.False(t, found)
	})
}
