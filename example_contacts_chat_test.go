package playline_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/emulator"
)

// Examples of ContactsService: chats, gates, uniting, deleting.

func ExampleContactsService_Chat() {
	client, _, id := withContact()
	chat, err := client.Contacts.Chat(context.Background(), id)
	fmt.Println(chat.Name, len(chat.Gates), chat.Contact.OriginalID == id, err)
	// Output: ace 1 true <nil>
}

func ExampleContactsService_Gates() {
	client, _, id := withContact()
	page, err := client.Contacts.Gates(context.Background(), id, playline.PageOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, gate := range page.Gates { // the ways to reach this contact
		fmt.Println(gate.Channel.Type, gate.Subscribed)
	}
	// Output: whatsapp true
}

func ExampleContactsService_AllGates() {
	client, _, id := withContact()
	for gate, err := range client.Contacts.AllGates(context.Background(), id, playline.PageOptions{Size: 20}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(gate.Channel.Name, gate.UnreadMessages, "unread")
	}
	// Output: Support 0 unread
}

func ExampleContactsService_Unite() {
	ctx := context.Background()
	client, services, id := withContact()
	other := services.AddContact(emulator.Contact{FirstName: "ace2", Email: "ace@example.com"})
	if _, err := client.Contacts.Unite(ctx, id, other); err != nil { // the first one stays
		fmt.Println(err)
		return
	}
	contact, err := client.Contacts.Get(ctx, id)
	fmt.Println(contact.FirstName, contact.Phone, contact.Email, err)
	_, err = client.Contacts.Get(ctx, other)
	fmt.Println(errors.Is(err, playline.ErrNotFound))
	// Output:
	// ace +61400000000 ace@example.com <nil>
	// true
}

func ExampleContactsService_Delete() {
	ctx := context.Background()
	client, _, id := withContact()
	_, err := client.Contacts.Delete(ctx, id) // deprecated by the vendor, and still the only way
	fmt.Println(err)
	_, err = client.Contacts.Get(ctx, id)
	fmt.Println(errors.Is(err, playline.ErrNotFound))
	// Output:
	// <nil>
	// true
}
