package playline

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// Sunshine's clients: what is sent and what is read, operation by operation.

const clientReply = `{"id":"c1","type":"whatsapp","status":"pending","integrationId":"int-1","externalId":null,
	"lastSeen":"2019-01-14T16:55:59.364Z","linkedAt":null,"displayName":"Ace","avatarUrl":null,"info":{"os":"x"},"raw":{"from":"y"}}`

var clientResult = MessagingClient{
	ID: "c1", Type: "whatsapp", Status: ClientPending, IntegrationID: "int-1",
	LastSeen:    Timestamp{time.Date(2019, 1, 14, 16, 55, 59, 364e6, time.UTC), "2019-01-14T16:55:59.364Z"},
	DisplayName: "Ace", Info: json.RawMessage(`{"os":"x"}`), Raw: json.RawMessage(`{"from":"y"}`),
}

const usersPath = "/v2/apps/5d8cff3cd55b040010928b5b/users/"

// smallClient is the least that CreateClient takes.
var smallClient = ClientCreate{
	MatchCriteria: MatchCriteria{Type: MatchTwilio, IntegrationID: "int-1", PhoneNumber: "+1 212-555-2368"},
	Confirmation:  Confirmation{Type: ConfirmImmediate},
	Target:        ClientTarget{ConversationID: "conv-1"},
}

func mailClient() ClientCreate {
	return ClientCreate{
		BrandID: "brand 1",
		MatchCriteria: MatchCriteria{
			Type: MatchMailgun, IntegrationID: "int-1", Primary: new(false), Address: "ace@example.com", Subject: "Hello",
		},
		Confirmation: Confirmation{Type: ConfirmPrompt, Message: &MessagePost{
			Author: MessageAuthor{
				Type: "business", Subtypes: []string{"bot"}, UserID: "u1", UserExternalID: "ace", DisplayName: "Ace",
				AvatarURL: "https://example.com/a.png",
			},
			Content: MessageContent{
				Type: "text", Text: "Join?", HTMLText: "<b>Join?</b>", MarkdownText: "**Join?**",
				Actions: []LinkAction{{URI: "https://example.com", Text: "Open", Default: true, Metadata: map[string]any{"a": 1}}},
			},
			Metadata: map[string]any{"level": 7, "vip": true, "clan": "red"},
		}},
		Target: ClientTarget{ConversationID: "conv-1"},
	}
}

var messagingRows = []row{
	{
		op: opCreateClient, class: "unsent",
		call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return c.Messaging.CreateClient(ctx, "ace", mailClient(), opts...)
		},
		path: usersPath + "ace/clients", query: "brandId=brand+1",
		body: `{"matchCriteria":{"type":"mailgun","integrationId":"int-1","primary":false,"address":"ace@example.com","subject":"Hello"},
			"confirmation":{"type":"prompt","message":{
				"author":{"type":"business","subtypes":["bot"],"userId":"u1","userExternalId":"ace","displayName":"Ace",
					"avatarUrl":"https://example.com/a.png"},
				"content":{"type":"text","text":"Join?","htmlText":"<b>Join?</b>","markdownText":"**Join?**",
					"actions":[{"type":"link","uri":"https://example.com","text":"Open","default":true,"metadata":{"a":1}}]},
				"metadata":{"level":7,"vip":true,"clan":"red"}}},
			"target":{"conversationId":"conv-1"}}`,
		status: http.StatusCreated, reply: `{"client":` + clientReply + `}`, result: &clientResult,
		hostile: map[string]func(context.Context, *Client, string) error{
			"userIdOrExternalId": func(ctx context.Context, c *Client, id string) error {
				_, err := c.Messaging.CreateClient(ctx, id, smallClient)
				return err
			},
		},
	},
	{
		op: opCreateClient, class: "unsent", variant: "by phone",
		call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return c.Messaging.CreateClient(ctx, "ace", smallClient, opts...)
		},
		path: usersPath + "ace/clients",
		body: `{"matchCriteria":{"type":"twilio","integrationId":"int-1","phoneNumber":"+1 212-555-2368"},
			"confirmation":{"type":"immediate"},"target":{"conversationId":"conv-1"}}`,
		status: http.StatusCreated, reply: `{"client":` + clientReply + `}`, result: &clientResult,
	},
	{
		op: opListClients, class: "safe",
		call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return c.Messaging.ListClients(ctx, "ace", ClientListOptions{BrandID: "b1", After: "aaaaaaaaaaaaaaaaaaaaaaaa", Size: 100}, opts...)
		},
		path: usersPath + "ace/clients", query: "brandId=b1&page%5Bafter%5D=aaaaaaaaaaaaaaaaaaaaaaaa&page%5Bsize%5D=100",
		status: http.StatusOK,
		reply: `{"clients":[` + clientReply + `],"meta":{"hasMore":true,"afterCursor":"cccccccccccccccccccccccc","beforeCursor":"b"},
			"links":{"prev":null,"next":"https://example.com/next"}}`,
		result: &ClientPage{
			Clients: []MessagingClient{clientResult},
			Meta:    ClientPageMeta{HasMore: true, AfterCursor: "cccccccccccccccccccccccc", BeforeCursor: "b"},
			Links:   ClientPageLinks{Next: "https://example.com/next"},
		},
		hostile: map[string]func(context.Context, *Client, string) error{
			"userIdOrExternalId": func(ctx context.Context, c *Client, id string) error {
				_, err := c.Messaging.ListClients(ctx, id, ClientListOptions{})
				return err
			},
		},
	},
	{
		op: opRemoveClient, class: "safe",
		call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return c.Messaging.RemoveClient(ctx, "ace", "c1", BrandOptions{BrandID: "b1"}, opts...)
		},
		path: usersPath + "ace/clients/c1", query: "brandId=b1", status: http.StatusOK, reply: `{}`, result: &RemovedClient{},
		hostile: map[string]func(context.Context, *Client, string) error{
			"userIdOrExternalId": func(ctx context.Context, c *Client, id string) error {
				_, err := c.Messaging.RemoveClient(ctx, id, "c1", BrandOptions{})
				return err
			},
			"clientId": func(ctx context.Context, c *Client, id string) error {
				_, err := c.Messaging.RemoveClient(ctx, "ace", id, BrandOptions{})
				return err
			},
		},
	},
}
