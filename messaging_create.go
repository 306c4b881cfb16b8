package playline

import (
	"encoding/json"
	"fmt"
)

// MatchType is the channel over which a user is to be found.
type MatchType string

// The channels that a client can be created on.
const (
	MatchMailgun     MatchType = "mailgun"
	MatchMessageBird MatchType = "messagebird"
	MatchTwilio      MatchType = "twilio"
	MatchWhatsApp    MatchType = "whatsapp"
)

// ConfirmationType is how a user agrees to the link.
type ConfirmationType string

// The ways to agree.
const (
	ConfirmImmediate    ConfirmationType = "immediate"    // at once
	ConfirmUserActivity ConfirmationType = "userActivity" // when the user writes
	ConfirmPrompt       ConfirmationType = "prompt"       // when the user says yes
)

// ClientCreate is the body of Messaging.CreateClient.
type ClientCreate struct {
	BrandID       string        `json:"-"` // goes into the query
	MatchCriteria MatchCriteria `json:"matchCriteria"`
	Confirmation  Confirmation  `json:"confirmation"`
	Target        ClientTarget  `json:"target"`
}

// MatchCriteria say where the user is to be found: by Address with mailgun, by PhoneNumber with the other types.
type MatchCriteria struct {
	Type          MatchType `json:"type"`
	IntegrationID string    `json:"integrationId"`
	Primary       *bool     `json:"primary,omitempty"`     // nil means true
	Address       string    `json:"address,omitempty"`     // e-mail
	Subject       string    `json:"subject,omitempty"`     // of the first mail
	PhoneNumber   string    `json:"phoneNumber,omitempty"` // with +; spaces and hyphens are allowed
}

// Confirmation is how the user agrees, and the message that asks.
type Confirmation struct {
	Type    ConfirmationType `json:"type"`
	Message *MessagePost     `json:"message,omitempty"`
}

// ClientTarget is the conversation that the client joins.
type ClientTarget struct {
	ConversationID string `json:"conversationId"`
}

// MessagePost is a message to a user.
type MessagePost struct {
	Author   MessageAuthor  `json:"author"`
	Content  MessageContent `json:"content"`
	Metadata map[string]any `json:"metadata,omitempty"` // strings, numbers and bools; at most 4 kB
}

// MessageAuthor is who says it.
type MessageAuthor struct {
	Type           string   `json:"type"`               // business or user
	Subtypes       []string `json:"subtypes,omitempty"` // AI, activity, agent, bot
	UserID         string   `json:"userId,omitempty"`
	UserExternalID string   `json:"userExternalId,omitempty"`
	DisplayName    string   `json:"displayName,omitempty"`
	AvatarURL      string   `json:"avatarUrl,omitempty"`
}

// MessageContent is a text, or an image with its MediaURL.
type MessageContent struct {
	Type         string       `json:"type"` // text or image
	Text         string       `json:"text,omitempty"`
	HTMLText     string       `json:"htmlText,omitempty"`
	MarkdownText string       `json:"markdownText,omitempty"`
	MediaURL     string       `json:"mediaUrl,omitempty"`
	AltText      string       `json:"altText,omitempty"` // at most 128 characters
	Actions      []LinkAction `json:"actions,omitempty"`
}

// LinkAction is a button that opens a page; its type "link" is sent by itself.
type LinkAction struct {
	URI      string         `json:"uri"`
	Text     string         `json:"text"`
	Default  bool           `json:"default,omitempty"`
	Metadata map[string]any `json:"metadata,omitempty"`
}

// MarshalJSON adds the type.
func (a LinkAction) MarshalJSON() ([]byte, error) {
	type plain LinkAction
	return json.Marshal(struct {
		Type string `json:"type"`
		plain
	}{"link", plain(a)})
}

// maxMetadata is how long the metadata of a message may be, as JSON.
const maxMetadata = 4096

// Validate checks what the contract says of a new client.
func (r ClientCreate) Validate() error {
	if err := within("matchCriteria", r.MatchCriteria.validate()); err != nil {
		return err
	}
	if err := firstOf(
		check{"confirmation.type", textRule(string(r.Confirmation.Type))},
		check{"target.conversationId", textRule(r.Target.ConversationID)},
	); err != nil || r.Confirmation.Message == nil {
		return err
	}
	return within("confirmation.message", r.Confirmation.Message.validate())
}

func (m MatchCriteria) validate() error {
	if err := firstOf(
		check{"type", textRule(string(m.Type))},
		check{"integrationId", textRule(m.IntegrationID)},
		check{"subject", optionalText(m.Subject)},
	); err != nil {
		return err
	}
	if m.Type == MatchMailgun {
		return firstOf(
			check{"address", textRule(m.Address)},
			check{"address", emailRule(m.Address)},
			check{"phoneNumber", ruleIf(m.PhoneNumber != "", "must be empty with type mailgun")},
		)
	}
	return firstOf(
		check{"phoneNumber", ruleIf(!phoneSpaced.MatchString(m.PhoneNumber), "must be a phone number with +, as in +61 400 000 000")},
		check{"address", ruleIf(m.Address != "", "must be empty except with type mailgun")},
		check{"subject", ruleIf(m.Subject != "", "must be empty except with type mailgun")},
	)
}

func (m MessagePost) validate() error {
	if err := firstOf(
		check{"author.type", ruleIf(m.Author.Type != "business" && m.Author.Type != "user", "must be business or user")},
		check{"content.text", lengthRule(m.Content.Text, 4096)},
	); err != nil {
		return err
	}
	if err := within("content", m.Content.validate()); err != nil {
		return err
	}
	size := 0
	for key, value := range m.Metadata {
		field := "metadata." + key
		switch v := value.(type) {
		case string:
			size += len(v)
		default:
			if _, ok := value.(bool); !ok && !isNumber(value) {
				return &ValidationError{field, "must be a string, a number or a bool"}
			}
		}
		if err := checkJSON(field, value); err != nil {
			return err
		}
		size += len(key)
	}
	return firstOf(check{"metadata", ruleIf(size > maxMetadata, "must have at most 4 kB")})
}

func (c MessageContent) validate() error {
	for i, a := range c.Actions {
		place := fmt.Sprintf("actions[%d]", i)
		if err := firstOf(check{place + ".uri", textRule(a.URI)}, check{place + ".text", textRule(a.Text)}); err != nil {
			return err
		}
		if err := checkObject(place+".metadata", a.Metadata); err != nil {
			return err
		}
	}
	switch c.Type {
	case "text":
		return firstOf(
			check{"text, htmlText, markdownText", ruleIf(c.Text == "" && c.HTMLText == "" && c.MarkdownText == "", "must not all be empty")},
			check{"mediaUrl", ruleIf(c.MediaURL != "", "must be empty with type text")},
			check{"altText", ruleIf(c.AltText != "", "must be empty with type text")},
			check{"htmlText", optionalText(c.HTMLText)},
			check{"markdownText", optionalText(c.MarkdownText)},
		)
	case "image":
		return firstOf(
			check{"mediaUrl", textRule(c.MediaURL)},
			check{"altText", lengthRule(c.AltText, 128)},
			check{"htmlText, markdownText", ruleIf(c.HTMLText != "" || c.MarkdownText != "", "must be empty with type image")},
		)
	}
	return &ValidationError{"type", "must be text or image"}
}
