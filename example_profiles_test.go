package playline_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/playline/playline-go"
)

// withProfile returns a client of an emulator whose Fyno knows the player ace.
func withProfile() *playline.Client {
	client, _ := newClient()
	_, err := client.Profiles.Create(context.Background(), playline.ProfileCreate{
		DistinctID: "ace",
		Channels: playline.ProfileChannels{
			SMS: "+61400000000", Email: "ace@example.com", Push: []playline.ProfileToken{{Token: "phone"}, {Token: "tablet"}},
		},
	})
	if err != nil {
		panic(err)
	}
	return client
}

func ExampleProfilesService_Create() {
	client, _ := newClient()
	profile := playline.ProfileCreate{
		DistinctID: "device-abc-123",
		Name:       "ace",
		Timezone:   "Australia/Sydney",
		Channels:   playline.ProfileChannels{SMS: "+61400000000", Push: []playline.ProfileToken{{Token: "fcm_token:phone"}}},
	}
	for range 2 {
		switch _, err := client.Profiles.Create(context.Background(), profile); {
		case errors.Is(err, playline.ErrConflict):
			fmt.Println("it is there already")
		case err != nil:
			fmt.Println(err)
		default:
			fmt.Println("created")
		}
	}
	// Output:
	// created
	// it is there already
}

func ExampleProfilesService_Get() {
	client := withProfile()
	profile, err := client.Profiles.Get(context.Background(), "ace")
	fmt.Println(profile.Channels.Email, profile.Status == playline.Active, err)

	_, err = client.Profiles.Get(context.Background(), "nobody") // Fyno answers 400
	fmt.Println(errors.Is(err, playline.ErrNotFound))
	// Output:
	// ace@example.com true <nil>
	// true
}

func ExampleProfilesService_Update() {
	ctx := context.Background()
	client := withProfile()
	_, err := client.Profiles.Update(ctx, "ace", playline.ProfileUpdate{
		Name:   new("Ace of Spades"), // nil leaves the name alone, new("") empties it
		Status: new(playline.Inactive),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	profile, err := client.Profiles.Get(ctx, "ace")
	fmt.Println(profile.Name, profile.Status, profile.Channels.SMS, err)
	// Output: Ace of Spades 0 +61400000000 <nil>
}

func ExampleProfilesService_Merge() {
	ctx := context.Background()
	client := withProfile()
	if _, err := client.Profiles.Create(ctx, playline.ProfileCreate{DistinctID: "guest-1"}); err != nil {
		fmt.Println(err)
		return
	}
	_, err := client.Profiles.Merge(ctx, "guest-1", "ace") // the guest has signed in as ace
	fmt.Println(err)
	profile, err := client.Profiles.Get(ctx, "ace")
	fmt.Println(profile.Channels.SMS, len(profile.IDList), "id merged", err)
	// Output:
	// <nil>
	// +61400000000 1 id merged <nil>
}

func ExampleProfilesService_Delete() {
	ctx := context.Background()
	client := withProfile()
	_, err := client.Profiles.Delete(ctx, []string{"ace"})
	fmt.Println(err)
	_, err = client.Profiles.Get(ctx, "ace")
	fmt.Println(errors.Is(err, playline.ErrNotFound))
	// Output:
	// <nil>
	// true
}

func ExampleProfilesService_UpdateChannels() {
	ctx := context.Background()
	client := withProfile()
	_, err := client.Profiles.UpdateChannels(ctx, "ace", playline.ProfileChannels{
		Email: "ace+new@example.com",                       // takes the place of the old one
		Push:  []playline.ProfileToken{{Token: "console"}}, // comes to those that are there
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	profile, err := client.Profiles.Get(ctx, "ace")
	fmt.Println(profile.Channels.Email, profile.Channels.SMS, len(profile.Channels.Push), "devices", err)
	// Output: ace+new@example.com +61400000000 3 devices <nil>
}

func ExampleProfilesService_DeleteChannels() {
	ctx := context.Background()
	client := withProfile()
	_, err := client.Profiles.DeleteChannels(ctx, "ace", []playline.Channel{playline.ChannelSMS, playline.ChannelPush})
	if err != nil {
		fmt.Println(err)
		return
	}
	profile, err := client.Profiles.Get(ctx, "ace")
	fmt.Printf("%q %q %d %v\n", profile.Channels.SMS, profile.Channels.Email, len(profile.Channels.Push), err)
	// Output: "" "ace@example.com" 0 <nil>
}

func ExampleProfilesService_DeleteTokens() {
	ctx := context.Background()
	client := withProfile()
	_, err := client.Profiles.DeleteTokens(ctx, "ace", playline.ProfileTokens{Push: []string{"tablet"}}) // signed out there
	if err != nil {
		fmt.Println(err)
		return
	}
	profile, err := client.Profiles.Get(ctx, "ace")
	fmt.Println(len(profile.Channels.Push), profile.Channels.Push[0].Token, err)
	// Output: 1 phone <nil>
}

func ExampleProfile_PropertyMap() {
	ctx := context.Background()
	client := withProfile()
	if _, err := client.Properties.Set(ctx, "ace", playline.Properties{"level": 42, "clan": "blue"}); err != nil {
		fmt.Println(err)
		return
	}
	profile, err := client.Profiles.Get(ctx, "ace")
	if err != nil {
		fmt.Println(err)
		return
	}
	properties, err := profile.PropertyMap()
	fmt.Println(properties["level"], properties["clan"], err)
	// Output: 42 blue <nil>
}
