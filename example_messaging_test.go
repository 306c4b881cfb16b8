package playline_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/playline/playline-go"
)

// Examples of MessagingService.

func ExampleMessagingService_CreateClient() {
	client, services := newClient()
	linked, err := client.Messaging.CreateClient(context.Background(), "device-abc-123", playline.ClientCreate{
		MatchCriteria: playline.MatchCriteria{
			Type: playline.MatchWhatsApp, IntegrationID: "5d8cff3cd55b040010928b5c", PhoneNumber: "+61 400 000 000",
		},
		Confirmation: playline.Confirmation{
			Type: playline.ConfirmPrompt,
			Message: &playline.MessagePost{
				Author:  playline.MessageAuthor{Type: "business"},
				Content: playline.MessageContent{Type: "text", Text: "Link this phone to your game?"},
			},
		},
		Target: playline.ClientTarget{ConversationID: "5d8cff3cd55b040010928b5d"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(linked.Type, linked.Status)
	err = services.ConfirmClient("device-abc-123", linked.ID) // the player says yes
	fmt.Println(services.Clients("device-abc-123")[0].Status, err)
	// Output:
	// whatsapp pending
	// active <nil>
}

func ExampleMessagingService_ListClients() {
	client, services := newClient()
	for range 3 {
		services.AddClient("device-abc-123", "whatsapp")
	}
	page, err := client.Messaging.ListClients(context.Background(), "device-abc-123", playline.ClientListOptions{Size: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(page.Clients), page.Meta.HasMore)
	next, err := client.Messaging.ListClients(context.Background(), "device-abc-123",
		playline.ClientListOptions{Size: 2, After: page.Meta.AfterCursor})
	fmt.Println(len(next.Clients), next.Meta.HasMore, err)
	// Output:
	// 2 true
	// 1 false <nil>
}

func ExampleMessagingService_AllClients() {
	client, services := newClient()
	services.AddClient("device-abc-123", "whatsapp")
	services.AddClient("device-abc-123", "twilio")
	for linked, err := range client.Messaging.AllClients(context.Background(), "device-abc-123", playline.ClientListOptions{}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(linked.Type, linked.Status)
	}
	// Output:
	// whatsapp active
	// twilio active
}

func ExampleMessagingService_RemoveClient() {
	ctx := context.Background()
	client, services := newClient()
	id := services.AddClient("device-abc-123", "twilio")
	_, err := client.Messaging.RemoveClient(ctx, "device-abc-123", id, playline.BrandOptions{})
	fmt.Println(len(services.Clients("device-abc-123")), err)
	_, err = client.Messaging.RemoveClient(ctx, "device-abc-123", id, playline.BrandOptions{})
	fmt.Println(errors.Is(err, playline.ErrNotFound))
	// Output:
	// 0 <nil>
	// true
}
