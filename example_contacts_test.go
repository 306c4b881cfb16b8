package playline_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/emulator"
)

// withContact returns a client of an emulator whose SmartSender knows one contact, and that contact's id.
func withContact() (*playline.Client, *emulator.Emulator, int64) {
	client, services := newClient()
	gate, err := client.Contacts.Create(context.Background(), 1, playline.ContactCreate{
		Identifier: "61400000000", FirstName: "ace", Phone: "+61400000000", Parameters: map[string]any{"clan": "blue"},
	})
	if err != nil {
		panic(err)
	}
	id := services.GateContact(gate.ID)
	return client, services, id
}

func ExampleContactsService_Create() {
	client, _ := newClient()
	contact := playline.ContactCreate{Identifier: "61400000000", FirstName: "ace", Phone: "+61400000000"}
	first, err := client.Contacts.Create(context.Background(), 1, contact) // through the project's channel 1
	if err != nil {
		fmt.Println(err)
		return
	}
	second, err := client.Contacts.Create(context.Background(), 1, contact) // is there already: the same gate
	fmt.Println(first.Channel.Type, first.ID == second.ID, err)
	// Output: whatsapp true <nil>
}

func ExampleContactsService_Get() {
	client, _, id := withContact()
	contact, err := client.Contacts.Get(context.Background(), id)
	fmt.Println(contact.FirstName, contact.Phone, err)
	_, err = client.Contacts.Get(context.Background(), 404404)
	fmt.Println(errors.Is(err, playline.ErrNotFound))
	// Output:
	// ace +61400000000 <nil>
	// true
}

func ExampleContactsService_Info() {
	client, _, id := withContact()
	info, err := client.Contacts.Info(context.Background(), id)
	fmt.Println(info.FirstName, info.Values["clan"], err)
	// Output: ace blue <nil>
}

func ExampleContactsService_Update() {
	ctx := context.Background()
	client, _, id := withContact()
	if _, err := client.Contacts.Update(ctx, id, map[string]any{"email": "ace@example.com", "clan": "red"}); err != nil {
		fmt.Println(err)
		return
	}
	info, err := client.Contacts.Info(ctx, id)
	fmt.Println(info.Email, info.Values["clan"], err)
	// Output: ace@example.com red <nil>
}

func ExampleContactsService_List() {
	client, services := newClient()
	for i := range 30 {
		services.AddContact(emulator.Contact{FirstName: fmt.Sprintf("player-%02d", i)})
	}
	page, err := client.Contacts.List(context.Background(), playline.PageOptions{Page: 2, Size: 20})
	fmt.Println(len(page.Contacts), page.Contacts[0].FirstName, page.Cursor, err)
	// Output: 10 player-20 {2 2} <nil>
}

func ExampleContactsService_All() {
	client, services := newClient()
	for i := range 30 {
		services.AddContact(emulator.Contact{FirstName: fmt.Sprintf("player-%02d", i)})
	}
	count := 0
	for contact, err := range client.Contacts.All(context.Background(), playline.PageOptions{Size: 20}) {
		if err != nil { // the first error ends the loop
			fmt.Println(err)
			return
		}
		if count++; contact.FirstName == "player-25" {
			break // no further page is asked for
		}
	}
	fmt.Println(count, "contacts,", services.Calls("listContacts"), "pages")
	// Output: 26 contacts, 2 pages
}

// To delete while walking skips contacts: what was deleted moves the rest of the list to pages that were
// read already. So the ids come first, and the deletions after the walk.
func ExampleContactsService_All_delete() {
	services := emulator.New()
	client, err := playline.New(append(services.Options(), playline.WithLimiter(playline.SmartSender, nil))...) // only against an emulator
	if err != nil {
		fmt.Println(err)
		return
	}
	for i := range 60 {
		services.AddContact(emulator.Contact{FirstName: fmt.Sprintf("player-%02d", i)})
	}
	ctx := context.Background()
	var ids []int64
	for contact, err := range client.Contacts.All(ctx, playline.PageOptions{Size: 20}) {
		if err != nil { // without the whole list nothing is deleted
			fmt.Println(err)
			return
		}
		ids = append(ids, contact.ID)
	}
	for _, id := range ids {
		if _, err := client.Contacts.Delete(ctx, id); err != nil && !errors.Is(err, playline.ErrNotFound) {
			fmt.Println(err)
			return
		}
	}
	left, err := client.Contacts.List(ctx, playline.PageOptions{})
	fmt.Println(len(ids), "deleted,", len(left.Contacts), "left,", err)
	// Output: 60 deleted, 0 left, <nil>
}

func ExampleContactsService_Search() {
	client, services := newClient()
	services.AddContact(emulator.Contact{FirstName: "blitz", Email: "blitz@example.com"})
	services.AddContact(emulator.Contact{FirstName: "nova", Email: "nova@example.com"})
	page, err := client.Contacts.Search(context.Background(), "nova", playline.PageOptions{})
	fmt.Println(len(page.Contacts), page.Contacts[0].Email, err)
	// Output: 1 nova@example.com <nil>
}

func ExampleContactsService_SearchAll() {
	client, services := newClient()
	for i := range 45 {
		services.AddContact(emulator.Contact{FirstName: fmt.Sprintf("guild-%02d", i)})
	}
	found := 0
	for _, err := range client.Contacts.SearchAll(context.Background(), "guild", playline.PageOptions{Size: 20}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		found++
	}
	fmt.Println(found, "in", services.Calls("searchContacts"), "pages")
	// Output: 45 in 3 pages
}

func ExampleContactsService_Fire() {
	client, services, id := withContact()
	_, err := client.Contacts.Fire(context.Background(), id, "SeasonStart") // case-sensitive; starts what the project has for it
	fmt.Println(services.Fired(id)[0].Name, err)
	// Output: SeasonStart <nil>
}
