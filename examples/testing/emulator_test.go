package rewards

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/emulator"
)

// Recipe 1: the emulator. Start a server, point a client at it with its Options, run your code, and
// look at what the services have. The emulator checks every request of your code against the
// services' contracts.

func TestLevelsArriveInOrder(t *testing.T) {
	server := emulator.Start(t) // on a free loopback port, closed when the test ends
	client, err := playline.New(server.Options()...)
	require.NoError(t, err)
	_, err = client.Profiles.Create(t.Context(), playline.ProfileCreate{
		DistinctID: "device-abc-123", Channels: playline.ProfileChannels{SMS: "+61400000000"},
	})
	require.NoError(t, err)
	rewards, err := New(client, tokensOf(server.Emulator), func(o batcher.Outcome) { t.Errorf("%s: %v", o.Result, o.Err) })
	require.NoError(t, err)

	for level := range 20 {
		require.NoError(t, rewards.LevelCompleted(t.Context(), "device-abc-123", level+1))
	}
	report, err := rewards.Close(t.Context())
	require.NoError(t, err)
	assert.EqualValues(t, 20, report.Delivered)

	// The events that PlaySmart has.
	events := server.Events("device-abc-123")
	require.Len(t, events, 20)
	for i, event := range events {
		assert.Equal(t, "LevelCompleted", event.Type)
		assert.JSONEq(t, fmt.Sprintf(`{"level":%d}`, i+1), string(event.CustomData))
	}
	// The messages that Fyno would have sent.
	messages := server.Messages()
	require.Len(t, messages, 2)
	assert.JSONEq(t, `{"level":20}`, string(messages[1].Data))
	// And how often it was asked.
	assert.Equal(t, 2, server.Calls("fireEvent"))
}

func TestAPlayerWhoWantsNoMessages(t *testing.T) {
	server := emulator.Start(t)
	client, err := playline.New(server.Options()...)
	require.NoError(t, err)
	// State is made the way your program would make it.
	_, err = client.Profiles.Create(t.Context(), playline.ProfileCreate{
		DistinctID: "device-abc-123", Channels: playline.ProfileChannels{SMS: "+61400000000"},
	})
	require.NoError(t, err)
	_, err = client.Suppressions.Add(t.Context(), playline.SuppressionCreate{DistinctID: "device-abc-123", Channel: playline.ChannelSMS, Description: "asked for quiet"})
	require.NoError(t, err)
	rewards, err := New(client, tokensOf(server.Emulator), func(batcher.Outcome) {})
	require.NoError(t, err)

	require.NoError(t, rewards.LevelCompleted(t.Context(), "device-abc-123", 10))
	_, err = rewards.Close(t.Context())
	require.NoError(t, err)
	require.Len(t, server.Messages(), 1)
	assert.False(t, server.Messages()[0].Sent)
	assert.Equal(t, 1, server.EventCount(), "the level counts all the same")
}

// TestALostAnswerDoesNotPayTwice shows a fault: the event is stored, and then the connection
// breaks.
func TestALostAnswerDoesNotPayTwice(t *testing.T) {
	server := emulator.Start(t)
	client, err := playline.New(server.Options()...)
	require.NoError(t, err)
	server.Inject(emulator.Fault{Operation: "ingestEvents", Mode: emulator.ResetAfter, Times: 1})
	var reported []batcher.Result // by one player's events, so never two at once, and Close waits for it
	rewards, err := New(client, tokensOf(server.Emulator), func(o batcher.Outcome) { reported = append(reported, o.Result) })
	require.NoError(t, err)

	require.NoError(t, rewards.LevelCompleted(t.Context(), "device-abc-123", 1))
	report, err := rewards.Close(t.Context())
	require.NoError(t, err)
	assert.EqualValues(t, 1, report.Unknown)
	assert.Equal(t, []batcher.Result{batcher.Unknown}, reported)
	assert.Len(t, server.Events("device-abc-123"), 1, "and not two")
}

// tokensOf makes the tokens that players would have from a login.
func tokensOf(services *emulator.Emulator) batcher.TokenSource {
	return batcher.TokenFunc(func(_ context.Context, player string) (batcher.Token, error) {
		return batcher.Token{Value: batcher.Secret(services.Token(player, time.Hour))}, nil
	})
}
