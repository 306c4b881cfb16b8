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

// What Forget makes of a list of clients that cannot be read to its end: the contract allows one, and the emulator sends none by itself.

// TestForgetRemovesTheClientsOfAListThatIsCut: a list that cannot be read to its end is a failure, and what could be read of it is removed
// all the same.
func TestForgetRemovesTheClientsOfAListThatIsCut(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, body string
		left       []string
		says       string
	}{
		{
			"behind one client", `{"clients":[{"id":"5f0000000000000000000001","type":"whatsapp"}],"meta":{"hasMore":true}}`,
			[]string{"telegram", "sdk"},
			"failed: 1 found: service unavailable: the service says that there is more and not where",
		},
		{"at its beginning", `{"clients":[],"meta":{"hasMore":true}}`, []string{"whatsapp", "telegram", "sdk"}, "failed: 0 found: service unavailable"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newFlowWorld(t)
				w.service.Inject(emulator.Fault{Operation: "listClients", Status: http.StatusOK, Body: tt.body})
				report, err := w.client.Forget(t.Context(), w.ace, w.options())
				require.ErrorIs(t, err, playline.ErrUnavailable)
				assert.Contains(t, stepOf(t, report, playline.Sunshine, "look for clients").String(), tt.says)
				stepOf(t, report, playline.Sunshine, "user, conversations and messages") // is told of all the same
				var left []string
				for _, client := range w.service.Clients(w.ace.ID) {
					left = append(left, client.Type)
				}
				assert.Equal(t, tt.left, left)
				w.untouched()
			})
		})
	}
}
