package playline

import (
	"context"
	"encoding/json"
	"net/http"
)

// SmartSender's contacts: what is sent and what is read, operation by operation.

const contactReply = `{"id":101,"photo":null,"state":"active","fullName":"Ace A","firstName":"Ace","lastName":null,"email":"ace@example.com",
	"phone":"+61400000000","createdAt":"2019-10-23 16:16:38","tags":[{"id":1,"name":"vip","color":"red"}],
	"funnels":[{"id":2,"name":"onboarding","serviceKey":"k1"}],
	"variables":[{"id":3,"name":"level","content":["7"],"value":"7","description":null,"createdAt":"c","updatedAt":"u"}]}`

var contactResult = Contact{
	ID: 101, State: "active", FullName: "Ace A", FirstName: "Ace", Email: "ace@example.com", Phone: "+61400000000",
	CreatedAt: "2019-10-23 16:16:38",
	Tags:      []ContactTag{{ID: 1, Name: "vip", Color: "red"}},
	Funnels:   []ContactFunnel{{ID: 2, Name: "onboarding", ServiceKey: "k1"}},
	Variables: []ContactVariable{{
		ID: 3, Name: "level", Content: []json.RawMessage{json.RawMessage(`"7"`)}, Value: "7", CreatedAt: "c", UpdatedAt: "u",
	}},
}

const gateReply = `{"id":5,"subscribed":true,"unreadMessages":2,"channel":{"id":6,"active":true,"occupied":true,"type":"whatsapp",
	"name":"WA","app":"cloud","link":"https://example.com/wa","referrer":null,"createdAt":"c","updatedAt":"u"}}`

var gateResult = Gate{
	ID: 5, Subscribed: true, UnreadMessages: 2,
	Channel: ContactChannel{ID: 6, Active: true, Occupied: true, Type: "whatsapp", Name: "WA", App: "cloud", Link: "https://example.com/wa", CreatedAt: "c", UpdatedAt: "u"},
}

// contactRow fills in what most operations of a contact share.
func contactRow(o *op, class, path string, call func(ctx context.Context, c *Client, id int64, opts ...RequestOption) (any, error)) row {
	return row{
		op: o, class: class, path: path, status: http.StatusOK,
		call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return call(ctx, c, 101, opts...)
		},
		hostileID: map[string]func(context.Context, *Client, int64) error{
			"contactId": func(ctx context.Context, c *Client, id int64) error { _, err := call(ctx, c, id); return err },
		},
	}
}

func (r row) with(query, body, reply string, result any) row {
	r.query, r.body, r.reply, r.result = query, body, reply, result
	return r
}

const stateReply = `{"state":true}`

var stateResult = &ContactState{State: true}

var contactRows = []row{
	{
		op: opListContacts, class: "safe",
		call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return c.Contacts.List(ctx, PageOptions{Page: 2, Size: 20}, opts...)
		},
		path: "/contacts", query: "limitation=20&page=2", status: http.StatusOK,
		reply:  `{"cursor":{"page":2,"pages":3},"collection":[` + contactReply + `]}`,
		result: &ContactPage{Cursor: Cursor{Page: 2, Pages: 3}, Contacts: []Contact{contactResult}},
	},
	{
		op: opListContacts, class: "safe", variant: "of the first page",
		call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return c.Contacts.List(ctx, PageOptions{}, opts...)
		},
		path: "/contacts", status: http.StatusOK, reply: `{"cursor":{"page":1,"pages":1},"collection":[]}`,
		result: &ContactPage{Cursor: Cursor{Page: 1, Pages: 1}, Contacts: []Contact{}},
	},
	{
		op: opSearchContacts, class: "safe",
		call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return c.Contacts.Search(ctx, "ace & blitz", PageOptions{Page: 1, Size: 5}, opts...)
		},
		path: "/contacts/search", query: "limitation=5&page=1&term=ace+%26+blitz", status: http.StatusOK,
		reply:  `{"cursor":{"page":1,"pages":1},"collection":[{"id":7}]}`,
		result: &ContactPage{Cursor: Cursor{Page: 1, Pages: 1}, Contacts: []Contact{{ID: 7}}},
	},
	contactRow(opGetContact, "safe", "/contacts/101", func(ctx context.Context, c *Client, id int64, opts ...RequestOption) (any, error) {
		return c.Contacts.Get(ctx, id, opts...)
	}).with("", "", contactReply, &contactResult),
	contactRow(opGetContactInfo, "safe", "/contacts/101/info", func(ctx context.Context, c *Client, id int64, opts ...RequestOption) (any, error) {
		return c.Contacts.Info(ctx, id, opts...)
	}).with("", "", `{"id":101,"firstName":"Ace","variables":{"level":7,"clan":"red"}}`, &ContactInfo{
		Contact: Contact{ID: 101, FirstName: "Ace"}, Values: map[string]any{"level": json.Number("7"), "clan": "red"},
		Raw: json.RawMessage(`{"id":101,"firstName":"Ace","variables":{"level":7,"clan":"red"}}`),
	}),
	contactRow(opGetContactChat, "safe", "/contacts/101/chat", func(ctx context.Context, c *Client, id int64, opts ...RequestOption) (any, error) {
		return c.Contacts.Chat(ctx, id, opts...)
	}).with("", "", `{"id":9,"name":"Ace","image":null,"contact":{"id":77,"originalId":101},"gates":[`+gateReply+`],"createdAt":"c","updatedAt":"u"}`,
		&Chat{ID: 9, Name: "Ace", Contact: ChatContact{ID: 77, OriginalID: 101}, Gates: []Gate{gateResult}, CreatedAt: "c", UpdatedAt: "u"}),
	contactRow(opListContactGates, "safe", "/contacts/101/gates", func(ctx context.Context, c *Client, id int64, opts ...RequestOption) (any, error) {
		return c.Contacts.Gates(ctx, id, PageOptions{Page: 1, Size: 20}, opts...)
	}).with("limitation=20&page=1", "", `{"cursor":{"page":1,"pages":1},"collection":[`+gateReply+`]}`,
		&GatePage{Cursor: Cursor{Page: 1, Pages: 1}, Gates: []Gate{gateResult}}),
	contactRow(opUpdateContact, "safe", "/contacts/101", func(ctx context.Context, c *Client, id int64, opts ...RequestOption) (any, error) {
		return c.Contacts.Update(ctx, id, map[string]any{"firstName": "Ace", "level": 7, "tags": []string{"a"}}, opts...)
	}).with("", `{"values":{"firstName":"Ace","level":7,"tags":["a"]}}`, stateReply, stateResult),
	contactRow(opFireContactEvent, "unsent", "/contacts/101/fire", func(ctx context.Context, c *Client, id int64, opts ...RequestOption) (any, error) {
		return c.Contacts.Fire(ctx, id, "LevelUp", opts...)
	}).with("", `{"name":"LevelUp"}`, stateReply, stateResult),
	{
		op: opUniteContacts, class: "unsent",
		call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return c.Contacts.Unite(ctx, 101, 102, opts...)
		},
		path: "/contacts/101/unite/102", status: http.StatusOK, reply: stateReply, result: stateResult,
		hostileID: map[string]func(context.Context, *Client, int64) error{
			"contactId": func(ctx context.Context, c *Client, id int64) error {
				_, err := c.Contacts.Unite(ctx, id, 102)
				return err
			},
			"targetContactId": func(ctx context.Context, c *Client, id int64) error {
				_, err := c.Contacts.Unite(ctx, 101, id)
				return err
			},
		},
	},
	{
		op: opCreateContactGate, class: "safe",
		call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return c.Contacts.Create(ctx, 6, ContactCreate{
				Identifier: "61400000000", FirstName: "Ace", LastName: "A", Email: "ace@example.com", Phone: "+61 400 000-000",
				Parameters: map[string]any{"level": 7},
			}, opts...)
		},
		path: "/channels/6/gates",
		body: `{"identifier":"61400000000","firstName":"Ace","lastName":"A","email":"ace@example.com","phone":"+61 400 000-000",
			"parameters":{"level":7}}`,
		status: http.StatusOK, reply: gateReply, result: &gateResult,
		hostileID: map[string]func(context.Context, *Client, int64) error{
			"channelId": func(ctx context.Context, c *Client, id int64) error {
				_, err := c.Contacts.Create(ctx, id, ContactCreate{Identifier: "1", FirstName: "Ace"})
				return err
			},
		},
	},
	contactRow(opDeleteContact, "safe", "/contacts/101", func(ctx context.Context, c *Client, id int64, opts ...RequestOption) (any, error) {
		return c.Contacts.Delete(ctx, id, opts...)
	}).with("", "", stateReply, stateResult),
}
