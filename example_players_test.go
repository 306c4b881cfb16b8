package playline_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/playline/playline-go"
)

// Examples of PlayersService.

func ExamplePlayersService_Register() {
	client, _ := newClient()
	player := playline.Player{
		ExternalID: "device-abc-123",
		Channels: playline.PlayerChannels{
			SMS:   "+61400000000",
			Email: "ace@example.com",
			Push:  &playline.PushChannel{Platform: playline.PlatformAndroid, DeviceToken: "fcm-1"},
		},
		Tags: []string{"beta"},
		Preferences: &playline.PlayerPreferences{
			PreferredChannel: playline.ChannelPush,
			QuietHours:       &playline.QuietHours{Start: "22:00", End: "07:00", Timezone: "Australia/Sydney"},
		},
	}
	for range 2 { // registering again updates
		registered, err := client.Players.Register(context.Background(), player)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(registered.PlayerID, registered.Created)
	}
	// Output:
	// ply_000001 true
	// ply_000001 false
}

func ExamplePlayersService_Get() {
	ctx := context.Background()
	client, _ := newClient()
	registered, err := client.Players.Register(ctx, playline.Player{
		ExternalID: "device-abc-123", Channels: playline.PlayerChannels{SMS: "+61400000000"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	record, err := client.Players.Get(ctx, registered.PlayerID) // not the external id
	fmt.Println(record.ExternalID, record.Channels.SMS, err)
	// Output: device-abc-123 +61400000000 <nil>
}

func ExamplePlayersService_Delete() {
	ctx := context.Background()
	client, _ := newClient()
	registered, err := client.Players.Register(ctx, playline.Player{
		ExternalID: "device-abc-123", Channels: playline.PlayerChannels{SMS: "+61400000000"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = client.Players.Delete(ctx, registered.PlayerID)
	fmt.Println(err)
	_, err = client.Players.Delete(ctx, registered.PlayerID)
	fmt.Println(errors.Is(err, playline.ErrNotFound))
	// Output:
	// <nil>
	// true
}

func ExamplePlayersService_Import() {
	client, _ := newClient()
	result, err := client.Players.Import(context.Background(), []playline.Player{
		{ExternalID: "ace", Channels: playline.PlayerChannels{Email: "ace@example.com"}},
		{ExternalID: "blitz", Channels: playline.PlayerChannels{Email: "blitz@example.com"}},
	})
	if partial, ok := errors.AsType[*playline.PartialError](err); ok {
		for _, item := range partial.Items { // some were taken, these were not
			fmt.Println(item.Index, item.Message)
		}
	} else if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(result.Imported, "imported")
	// Output: 2 imported
}

func ExamplePlayersService_ImportAll() {
	client, services := newClient()
	players := func(yield func(playline.Player) bool) { // rows of a file, or of a database
		for i := range 2500 {
			player := playline.Player{
				ExternalID: fmt.Sprintf("device-%04d", i),
				Channels:   playline.PlayerChannels{Email: fmt.Sprintf("player%d@example.com", i)},
			}
			if i == 1234 {
				player.Channels.Email = "no address"
			}
			if !yield(player) {
				return
			}
		}
	}
	summary, err := client.Players.ImportAll(context.Background(), players, playline.ImportOptions{Concurrency: 2})
	fmt.Println(summary.Imported, "imported,", summary.Failed, "failed,", services.Calls("importPlayers"), "requests,", err)
	for _, failure := range summary.Failures {
		fmt.Println(failure)
	}
	// Output:
	// 2499 imported, 1 failed, 3 requests, <nil>
	// player 1234: playline: channels.email must be an e-mail address, as in ace@example.com
}

// An import keeps its place, so that another process can go on if this one is killed.
func ExampleImportOptions_resume() {
	client, services := newClient()
	players := func(yield func(playline.Player) bool) {
		for i := range 3000 {
			if !yield(playline.Player{ExternalID: fmt.Sprintf("device-%04d", i), Channels: playline.PlayerChannels{SMS: "+61400000000"}}) {
				return
			}
		}
	}
	ctx, kill := context.WithCancel(context.Background()) // stands for kill -9
	defer kill()
	var kept []byte // a file in production, replaced in one step
	_, err := client.Players.ImportAll(ctx, players, playline.ImportOptions{
		Concurrency: 1,
		Progress: func(p playline.ImportProgress) {
			kept, _ = json.Marshal(p.Resume)
			if p.Imported == 1000 {
				kill()
			}
		},
	})
	fmt.Println(errors.Is(err, context.Canceled), string(kept))

	var resume playline.ImportPoint
	if err := json.Unmarshal(kept, &resume); err != nil {
		fmt.Println(err)
		return
	}
	second, err := client.Players.ImportAll(context.Background(), players, playline.ImportOptions{Resume: resume})
	fmt.Println(second.Imported, "imported by the second process,", err)
	fmt.Println(len(services.Players()), "players")
	// Output:
	// true {"next":1000}
	// 2000 imported by the second process, <nil>
	// 3000 players
}
