package main

import (
	"context"

	"github.com/playline/playline-go"
)

// fullMessage is a message with every field that its content may have.
func fullMessage(author string, content playline.MessageContent) *playline.MessagePost {
	content.Actions = []playline.LinkAction{
		{URI: "https://example.com/link", Text: "Link", Default: true, Metadata: map[string]any{"step": 1}},
	}
	return &playline.MessagePost{
		Author: playline.MessageAuthor{
			Type: author, Subtypes: []string{"AI", "activity", "agent", "bot"}, UserID: "42589ad070d43be9b00ff7e5",
			UserExternalID: "ace", DisplayName: "Stack Blaster", AvatarURL: "https://example.com/logo.png",
		},
		Content:  content,
		Metadata: map[string]any{"season": "spring", "level": 7, "beta": true},
	}
}

// fullClients are the requests that together have every field of a new client.
func fullClients() []playline.ClientCreate {
	text := playline.MessageContent{Type: "text", Text: "Link this number?", HTMLText: "<b>Link</b>?", MarkdownText: "**Link**?"}
	image := playline.MessageContent{
		Type: "image", MediaURL: "https://example.com/link.png", AltText: "a link", Text: "Link this number?",
	}
	target := playline.ClientTarget{ConversationID: "029c31f25a21b47effd7be90"}
	phone := func(match playline.MatchType) playline.MatchCriteria {
		return playline.MatchCriteria{Type: match, IntegrationID: "5e46c2b0fb2d1c0010d8a0a1", Primary: new(false), PhoneNumber: "+61 400-000-000"}
	}
	return []playline.ClientCreate{
		{
			BrandID: "brand-1",
			MatchCriteria: playline.MatchCriteria{
				Type: playline.MatchMailgun, IntegrationID: "5e46c2b0fb2d1c0010d8a0a2", Primary: new(true),
				Address: "ace@example.com", Subject: "Your clan is waiting",
			},
			Confirmation: playline.Confirmation{Type: playline.ConfirmPrompt, Message: fullMessage("business", text)}, Target: target,
		},
		{
			MatchCriteria: phone(playline.MatchWhatsApp), Target: target,
			Confirmation: playline.Confirmation{Type: playline.ConfirmUserActivity, Message: fullMessage("user", image)},
		},
		{MatchCriteria: phone(playline.MatchTwilio), Target: target, Confirmation: playline.Confirmation{Type: playline.ConfirmImmediate}},
		{MatchCriteria: phone(playline.MatchMessageBird), Target: target, Confirmation: playline.Confirmation{Type: playline.ConfirmImmediate}},
	}
}

// messaging are the calls to Sunshine Conversations.
func (s *script) messaging() []step {
	c := s.client.Messaging
	const user = "ace/42 @home"
	brand := playline.BrandOptions{BrandID: "brand-1"}
	var steps []step
	var ids []string
	for _, client := range fullClients() {
		steps = append(steps, step{"Messaging.CreateClient", func(ctx context.Context) error {
			out, err := c.CreateClient(ctx, user, client)
			if err == nil {
				ids = append(ids, out.ID)
			}
			return err
		}, nil})
	}
	return append(steps, []step{
		{"Messaging.ListClients", func(ctx context.Context) error {
			_, err := c.ListClients(ctx, user, playline.ClientListOptions{BrandID: "brand-1", After: ids[0], Size: 2})
			return err
		}, nil},
		{"Messaging.ListClients", func(ctx context.Context) error {
			_, err := c.ListClients(ctx, user, playline.ClientListOptions{Before: ids[3], Size: 2})
			return err
		}, nil},
		{"Messaging.AllClients", func(ctx context.Context) error {
			return drain(c.AllClients(ctx, user, playline.ClientListOptions{Size: 3}), 4)
		}, nil},
		{"Messaging.RemoveClient", func(ctx context.Context) error {
			_, err := c.RemoveClient(ctx, user, ids[0], brand)
			return err
		}, nil},
		{"Messaging.RemoveClient", func(ctx context.Context) error {
			_, err := c.RemoveClient(ctx, user, ids[0], brand)
			return err
		}, playline.ErrNotFound},
		{"Messaging.RemoveClient", func(ctx context.Context) error {
			_, err := c.RemoveClient(ctx, user, s.emulator.AddClient(user, "sdk"), brand)
			return err
		}, playline.ErrInvalid},
	}...)
}
