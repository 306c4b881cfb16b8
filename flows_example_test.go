package playline_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/emulator"
)

// Examples of what crosses the services.

func ExampleClient_Identify() {
	ctx := context.Background()
	client, err := playline.New(emulator.New().Options()...)
	if err != nil {
		fmt.Println(err)
		return
	}
	report, err := client.Identify(ctx, playline.Person{
		Identity:  playline.Identity{ID: "device-abc-123", Email: "ace@example.com", Phone: "+61400000000"},
		FirstName: "ace",
		Gate:      &playline.ContactGate{ChannelID: 1, Identifier: "61400000000"},
	})
	fmt.Println(report)
	fmt.Println(err)
	fmt.Println("learned:", report.Identity.SmoovenID, report.Identity.ContactID)
	// Output:
	// smooven: player: done: created
	// fyno: profile: done: created
	// smartsender: contact: done: contact 1, created
	// sunshine: user: impossible: users come from Sunshine's own SDKs and API; Messaging.CreateClient links a channel to one
	// playsmart: account: impossible: an account needs its player's password: Accounts.Register
	// <nil>
	// learned: ply_000001 1
}

func ExampleClient_Forget() {
	ctx := context.Background()
	service := emulator.New()
	client, err := playline.New(service.Options()...)
	if err != nil {
		fmt.Println(err)
		return
	}
	events, err := client.NewBatcher(batcher.Config{
		GameID: "com.example.stackblaster",
		Tokens: batcher.TokenFunc(func(_ context.Context, user string) (batcher.Token, error) {
			return batcher.Token{Value: batcher.Secret(service.Token(user, time.Hour))}, nil
		}),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer events.Close(ctx)

	service.AddContact(emulator.Contact{FirstName: "ace", Email: "ace@example.com"})
	ace := playline.Identity{ID: "device-abc-123", Email: "ace@example.com"}
	_, _ = client.Identify(ctx, playline.Person{Identity: ace})
	service.AddClient("device-abc-123", "whatsapp")
	_ = events.Track(ctx, "device-abc-123", batcher.Event{Type: batcher.AppOpen})
	service.Inject(emulator.Fault{Operation: "deleteProfiles", Status: 403, Times: 1})
	service.Inject(emulator.Fault{Operation: "deleteContact", Status: 405})

	o := playline.ForgetOptions{Events: []playline.EventEraser{events}}
	report, err := client.Forget(ctx, ace, o)
	for _, step := range report.Steps {
		fmt.Printf("%s: %s: %s\n", step.Service, step.What, step.Status)
	}
	fmt.Println(err != nil)

	report, err = client.Forget(ctx, report.Identity, o) // does the rest; with ace it would not find the contact, whose address is cleared
	switch {
	case err != nil:
		fmt.Println("not erased, call again:", err)
	case !report.Complete():
		fmt.Println("erased, but for", len(report.Impossible()), "steps that only the vendors can do")
	default:
		fmt.Println("erased")
	}
	// Output:
	// playsmart: events that wait: done
	// playsmart: account and stored events: impossible
	// sunshine: look for clients: found
	// sunshine: client 5f0000000000000000000001 (whatsapp): done
	// sunshine: user, conversations and messages: impossible
	// smartsender: contact: impossible
	// smartsender: contact's name and variables: done
	// smartsender: contact's e-mail address and phone number: done
	// smooven: player: done
	// fyno: suppressions: nothing there
	// fyno: profile: failed
	// fyno: messages that were sent: impossible
	// true
	// erased, but for 4 steps that only the vendors can do
}

func ExampleFlowReport_Impossible() {
	client, err := playline.New(emulator.New().Options()...)
	if err != nil {
		fmt.Println(err)
		return
	}
	report, err := client.Forget(context.Background(), playline.Identity{ID: "device-abc-123", Email: "ace@example.com"}, playline.ForgetOptions{DryRun: true})
	fmt.Println(err)
	for _, step := range report.Impossible() { // a nil error does not mean that nothing is left
		fmt.Println(step)
	}
	// Output:
	// <nil>
	// playsmart: account and stored events: impossible: the API has no operation for it, ask the vendor: https://doc.playsmart.api.dolly.gg
	// sunshine: user, conversations and messages: impossible: this library has no operation for it; the vendor's API deletes users: https://docs.smooch.io/rest/
	// fyno: messages that were sent: impossible: the API has no operation for it, ask the vendor: https://fyno.io/docs
}

// An address alone is not enough: two of the services know a person by an id only.
func ExampleFlowReport_Complete() {
	client, err := playline.New(emulator.New().Options()...)
	if err != nil {
		fmt.Println(err)
		return
	}
	report, err := client.Forget(context.Background(), playline.Identity{Email: "ace@example.com"}, playline.ForgetOptions{})
	fmt.Println(report.Complete(), errors.Is(err, playline.ErrNotAsked))
	for _, step := range report.Steps {
		if step.Status == playline.FlowNotAsked {
			fmt.Println(step)
		}
	}
	// Output:
	// false true
	// sunshine: clients: not asked: the identity holds no ID or SunshineID
	// smooven: player: not asked: the identity holds no ID or SmoovenID
	// fyno: profile: not asked: the identity holds no ID or FynoID
}

func ExampleClient_Find() {
	ctx := context.Background()
	service := emulator.New()
	client, err := playline.New(service.Options()...)
	if err != nil {
		fmt.Println(err)
		return
	}
	service.AddContact(emulator.Contact{FirstName: "ace", Email: "ace@example.com"})
	made, err := client.Identify(ctx, playline.Person{Identity: playline.Identity{ID: "device-abc-123", Email: "ace@example.com"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	found, err := client.Find(ctx, made.Identity)
	fmt.Println(found)
	fmt.Println(err)
	fmt.Println(found.Player.ExternalID, found.Profile.Channels.Email, found.Contact.FirstName)
	// Output:
	// playsmart: account and stored events: impossible: the API shows neither, ask the vendor: https://doc.playsmart.api.dolly.gg
	// sunshine: clients: nothing there
	// sunshine: user, conversations and messages: impossible: this library has no operation for it; the vendor's API shows users: https://docs.smooch.io/rest/
	// smartsender: contact: found: contact 1, found by its id
	// smartsender: contact's variables: found
	// smartsender: contact's chat: found
	// smartsender: contact's gates: nothing there
	// smooven: player: found
	// fyno: suppressions: nothing there
	// fyno: profile: found
	// fyno: preferences: found
	// <nil>
	// device-abc-123 ace@example.com ace
}
