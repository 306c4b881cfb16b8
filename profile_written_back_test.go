package playline_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/emulator"
)

// TestWhatGetReturnsUpdateTakes: Fyno documents phone numbers with their country code, and shows some with spaces. A profile
// that was read can be written back as it is, and the same number in another spelling is the same person's.
func TestWhatGetReturnsUpdateTakes(t *testing.T) {
	t.Parallel()
	for _, number := range []string{"+61400000000", "+61 40000 0000", "61400000000", "+61-400-000-000", "(+61) 400 000 000", "+61 (400) 000.000"} {
		t.Run(number, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client, err := playline.New(emulator.New().Options()...)
				require.NoError(t, err)
				channels := playline.ProfileChannels{
					SMS: number, Voice: number, WhatsApp: number, Email: "ace@example.com", Push: []playline.ProfileToken{{Token: "t"}},
				}
				_, err = client.Profiles.Create(t.Context(), playline.ProfileCreate{DistinctID: "ace", Channels: channels})
				require.NoError(t, err)
				before, err := client.Profiles.Get(t.Context(), "ace")
				require.NoError(t, err)
				assert.Equal(t, number, before.Channels.SMS)
				_, err = client.Profiles.Update(t.Context(), "ace", playline.ProfileUpdate{Name: &before.Name, Timezone: before.Timezone, Channels: &before.Channels})
				require.NoError(t, err)
				after, err := client.Profiles.Get(t.Context(), "ace")
				require.NoError(t, err)
				assert.Equal(t, before.Channels, after.Channels)
				_, err = client.Events.Fire(t.Context(), "level_up", playline.Recipient{To: playline.Destinations{SMS: before.Channels.SMS}})
				require.NoError(t, err)

				_, err = client.Suppressions.Add(t.Context(), playline.SuppressionCreate{Destination: number, Channel: playline.ChannelSMS})
				require.NoError(t, err)
				found, err := client.Find(t.Context(), playline.Identity{ID: "ace", Phone: "+61400000000"})
				require.ErrorIs(t, err, playline.ErrNotAsked, "of Smooven, which needs an id of its own")
				assert.Len(t, found.Suppressions, 1)
			})
		})
	}
}
