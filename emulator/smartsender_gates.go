package emulator

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
)

// gateChannel is a messenger through which the project talks, as the API shows it.
type gateChannel struct {
	ID        int64   `json:"id"`
	Active    bool    `json:"active"`
	Occupied  bool    `json:"occupied"`
	Type      string  `json:"type"`
	Name      string  `json:"name"`
	App       string  `json:"app"`
	Link      *string `json:"link"`
	Referrer  *int64  `json:"referrer"`
	CreatedAt string  `json:"createdAt"`
	UpdatedAt string  `json:"updatedAt"`
}

// contactGate joins a contact to a channel under the contact's id in that messenger.
type contactGate struct {
	id         int64
	channel    gateChannel
	identifier string
}

type gateBody struct {
	ID             int64       `json:"id"`
	Subscribed     bool        `json:"subscribed"`
	UnreadMessages int         `json:"unreadMessages"`
	Channel        gateChannel `json:"channel"`
}

func (g *contactGate) body() gateBody {
	return gateBody{ID: g.id, Subscribed: true, Channel: g.channel}
}

func (p *contact) gateBodies() []gateBody {
	bodies := []gateBody{}
	for _, g := range p.gates {
		bodies = append(bodies, g.body())
	}
	slices.SortFunc(bodies, func(a, b gateBody) int { return cmp.Compare(a.ID, b.ID) })
	return bodies
}

func (s *smartSender) listContactGates(c *call) reply {
	p, refusal := s.contact(c, "contactId")
	if refusal != nil {
		return *refusal
	}
	return pageOf(c, p.gateBodies())
}

type gateInput struct {
	Identifier string         `json:"identifier"`
	FirstName  string         `json:"firstName"`
	LastName   string         `json:"lastName"`
	Email      string         `json:"email"`
	Phone      string         `json:"phone"`
	Parameters map[string]any `json:"parameters"`
}

// createContactGate creates a contact with its gate. An identifier that has a gate gets that gate
// back, and its contact stays as it is.
func (s *smartSender) createContactGate(c *call, in gateInput) reply {
	id, err := strconv.ParseInt(c.path["channelId"], 10, 64)
	channel, ok := s.channels[id]
	switch {
	case err != nil || !ok:
		return smartSenderRefusal(http.StatusNotFound, "channel %s does not exist", c.path["channelId"])
	case channel.Type != "whatsapp":
		return smartSenderRefusal(http.StatusBadRequest, "gates can be created in WhatsApp channels only: channel %d is %s", id, channel.Type)
	case in.Email != "" && !isEmail(in.Email):
		return smartSenderRefusal(http.StatusBadRequest, "body.email must be an email address")
	case in.Phone != "" && !contactPhone.MatchString(in.Phone):
		return smartSenderRefusal(http.StatusBadRequest, "body.phone must be international, with +")
	}
	for _, p := range s.contacts {
		for _, g := range p.gates {
			if g.channel.ID == id && g.identifier == in.Identifier {
				return reply{status: http.StatusOK, body: g.body()}
			}
		}
	}
	p := s.newContact()
	p.firstName, p.lastName, p.email, p.phone = in.FirstName, in.LastName, in.Email, in.Phone
	s.setVariables(p, in.Parameters)
	g := &contactGate{id: s.nextID(), channel: channel, identifier: in.Identifier}
	p.gates = append(p.gates, g)
	return reply{status: http.StatusOK, body: g.body()}
}

// chatBody is a contact's chat as the API shows it.
type chatBody struct {
	ID        int64       `json:"id"`
	Name      string      `json:"name"`
	Image     *string     `json:"image"`
	Contact   chatContact `json:"contact"`
	Gates     []gateBody  `json:"gates"`
	CreatedAt string      `json:"createdAt"`
	UpdatedAt string      `json:"updatedAt"`
}

type chatContact struct {
	ID         int64 `json:"id"`         // the messenger's
	OriginalID int64 `json:"originalId"` // the project's
}

func (s *smartSender) getContactChat(c *call) reply {
	p, refusal := s.contact(c, "contactId")
	if refusal != nil {
		return *refusal
	}
	return reply{status: http.StatusOK, body: chatBody{
		ID: p.chatID, Name: p.fullName(), Contact: chatContact{ID: messengerID(p), OriginalID: p.id}, Gates: p.gateBodies(),
		CreatedAt: smartSenderMoment(p.createdAt), UpdatedAt: smartSenderMoment(p.updatedAt),
	}}
}

// messengerID is the contact's number in its first messenger, where the identifier is one; else the
// chat's id.
func messengerID(p *contact) int64 {
	for _, g := range p.gates {
		if id, err := strconv.ParseInt(g.identifier, 10, 64); err == nil {
			return id
		}
	}
	return p.chatID
}

// gateContact returns the id of the contact that has the gate, 0 where none has.
func (s *smartSender) gateContact(gateID int64) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.contacts {
		for _, g := range p.gates {
			if g.id == gateID {
				return p.id
			}
		}
	}
	return 0
}
