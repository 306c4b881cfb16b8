package playline_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/emulator"
)

// TestDeletingWhileWalkingSkips shows what the comment of Contacts.All warns of, and that the loop of its example does not.
func TestDeletingWhileWalkingSkips(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		collect bool
		left    int
	}{
		{"while walking", false, 20},
		{"after the walk", true, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				service := emulator.New()
				client, err := playline.New(append(service.Options(), playline.WithLimiter(playline.SmartSender, nil))...)
				require.NoError(t, err)
				for range 60 {
					service.AddContact(emulator.Contact{FirstName: "player"})
				}
				var ids []int64
				remove := func(id int64) {
					_, err := client.Contacts.Delete(t.Context(), id)
					require.NoError(t, err)
				}
				for contact, err := range client.Contacts.All(t.Context(), playline.PageOptions{Size: 20}) {
					require.NoError(t, err)
					if ids = append(ids, contact.ID); !tt.collect {
						remove(contact.ID)
					}
				}
				if tt.collect {
					for _, id := range ids {
						remove(id)
					}
				}
				left, err := client.Contacts.List(t.Context(), playline.PageOptions{Size: 20})
				require.NoError(t, err)
				assert.Len(t, left.Contacts, tt.left)
			})
		})
	}
}
