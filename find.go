package playline

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Found is what the services know of a person, with the report of how it was looked for. A nil or empty
// field means that the service has nothing, was not asked or failed: the report says which. As text it is
// the report alone; as JSON it holds all of it, addresses and phone numbers too.
type Found struct {
	FlowReport
	Player       *PlayerRecord     `json:"player,omitempty"`       // Smooven
	Profile      *Profile          `json:"profile,omitempty"`      // Fyno
	Preferences  *Preferences      `json:"preferences,omitempty"`  // Fyno
	Suppressions []Suppression     `json:"suppressions,omitempty"` // Fyno: of the id, the e-mail address and the phone number
	Contact      *Contact          `json:"contact,omitempty"`      // SmartSender
	ContactInfo  *ContactInfo      `json:"contact_info,omitempty"` // SmartSender: the contact's variables as values
	Chat         *Chat             `json:"chat,omitempty"`         // SmartSender
	Gates        []Gate            `json:"gates,omitempty"`        // SmartSender
	Clients      []MessagingClient `json:"clients,omitempty"`      // Sunshine
}

// Find returns what the configured services know of a person, and changes nothing: Sunshine's clients,
// SmartSender's contact with its variables, chat and gates, Smooven's player, and Fyno's suppressions,
// profile and preferences.
//
// One service's failure does not hold up the others. The error joins what failed, with what was found
// beside it; the result is nil only if the identity is invalid. A configured service that could not be
// asked is an error that matches ErrNotAsked. Smooven is one of them without SmoovenID: it looks nobody up
// by the game's id, and Identify and Forget learn the player id only by registering the player. An answer
// that does not name the person matches ErrUnconfirmed and is not returned.
//
// The contact is found as by Forget, and if that is not surely one contact the step fails with an
// *AmbiguousError. FlowReport.Impossible lists what these APIs cannot show: PlaySmart's account and events,
// and the conversations of Sunshine.
func (c *Client) Find(ctx context.Context, who Identity, opts ...RequestOption) (*Found, error) {
	if err := who.Validate(); err != nil {
		return nil, err
	}
	found := &Found{FlowReport: FlowReport{Identity: who}}
	f := &finding{flow{c, ctx, opts, &found.FlowReport}, who, found}
	f.account()
	f.clients()
	f.contact()
	f.player()
	f.suppressions()
	f.profile()
	return found, found.Err()
}

// finding is one call of Find.
type finding struct {
	flow
	who   Identity
	found *Found
}

// look does one look-up and keeps what it returns. name reports whether the answer names whom it is
// about; an answer that does not can be anybody's.
func look[T any](f *finding, s Service, what string, get func() (*T, error), named func(*T) bool, gone func(error) bool) *T {
	var out *T
	f.step(s, what, func() (result, error) {
		answer, err := get()
		switch {
		case gone(err):
			return result{FlowNothing, ""}, nil
		case err != nil:
			return result{}, err
		case !named(answer):
			return result{FlowUnconfirmed, "the answer does not name whom it is about"}, nil
		}
		out = answer
		return result{FlowFound, ""}, nil
	})
	return out
}

func (f *finding) account() {
	if f.ready(PlaySmart, "account and stored events", f.who.or(f.who.PlaySmartID) != "" || f.who.Email != "", "ID, PlaySmartID or e-mail address") {
		f.say(PlaySmart, "account and stored events", FlowImpossible, "the API shows neither, ask the vendor: https://doc.playsmart.api.dolly.gg")
	}
}

func (f *finding) clients() {
	id := f.who.or(f.who.SunshineID)
	if !f.ready(Sunshine, "clients", id != "", "ID or SunshineID") {
		return
	}
	f.step(Sunshine, "clients", func() (result, error) {
		for client, err := range f.Messaging.AllClients(f.ctx, id, ClientListOptions{BrandID: f.who.BrandID}, f.opts...) {
			if isGone(err) {
				break
			}
			if err != nil {
				return result{"", fmt.Sprintf("%d found", len(f.found.Clients))}, err
			}
			f.found.Clients = append(f.found.Clients, client)
		}
		return counted(len(f.found.Clients)), nil
	})
	f.say(Sunshine, "user, conversations and messages", FlowImpossible,
		"this library has no operation for it; the vendor's API shows users: https://docs.smooch.io/rest/")
}

func (f *finding) contact() {
	if !f.ready(SmartSender, "contact", f.who.ContactID != 0 || f.who.Email+f.who.Phone != "", "ContactID, e-mail address or phone number") {
		return
	}
	f.step(SmartSender, "contact", func() (result, error) {
		contact, by, err := f.findContact(f.who)
		switch {
		case errors.Is(err, errNoContact):
			return result{FlowNothing, ""}, nil
		case err != nil:
			return result{}, err
		}
		f.found.Contact, f.report.Identity.ContactID = contact, contact.ID
		return result{FlowFound, fmt.Sprintf("contact %d, found %s", contact.ID, by)}, nil
	})
	if f.found.Contact == nil {
		return
	}
	id := f.found.Contact.ID
	f.found.ContactInfo = look(f, SmartSender, "contact's variables",
		func() (*ContactInfo, error) { return f.info(id) }, func(*ContactInfo) bool { return true }, isGone)
	f.found.Chat = look(f, SmartSender, "contact's chat",
		func() (*Chat, error) { return f.Contacts.Chat(f.ctx, id, f.opts...) },
		func(c *Chat) bool { return c.Contact.OriginalID == id || c.Contact.OriginalID == 0 && c.ID != 0 }, isGone)
	f.step(SmartSender, "contact's gates", func() (result, error) {
		for gate, err := range f.Contacts.AllGates(f.ctx, id, PageOptions{}, f.opts...) {
			if isGone(err) {
				break
			}
			if err != nil {
				return result{"", fmt.Sprintf("%d found", len(f.found.Gates))}, err
			}
			f.found.Gates = append(f.found.Gates, gate)
		}
		return counted(len(f.found.Gates)), nil
	})
}

func (f *finding) player() {
	id := f.who.SmoovenID
	if !f.ready(Smooven, "player", id != "", "SmoovenID: Smooven looks nobody up by the game's id, Client.Identify learns its own") {
		return
	}
	f.found.Player = look(f, Smooven, "player",
		func() (*PlayerRecord, error) { return f.Players.Get(f.ctx, id, f.opts...) },
		func(p *PlayerRecord) bool { return p.PlayerID == id }, isGone)
}

func (f *finding) suppressions() {
	id := f.who.or(f.who.FynoID)
	if !f.ready(Fyno, "suppressions", id+f.who.Email+f.who.Phone != "", "ID, FynoID, e-mail address or phone number") {
		return
	}
	f.step(Fyno, "suppressions", func() (result, error) {
		list, err := f.Suppressions.List(f.ctx, f.opts...)
		if err != nil {
			return result{}, err
		}
		for _, s := range list.Suppressions {
			if id != "" && s.DistinctID == id || f.who.holds(s) {
				f.found.Suppressions = append(f.found.Suppressions, s)
			}
		}
		return counted(len(f.found.Suppressions)), nil
	})
}

func (f *finding) profile() {
	id := f.who.or(f.who.FynoID)
	if !f.ready(Fyno, "profile", id != "", "ID or FynoID") {
		return
	}
	gone := func(err error) bool { return isNoProfile(err, id) }
	f.found.Profile = look(f, Fyno, "profile",
		func() (*Profile, error) { return f.Profiles.Get(f.ctx, id, f.opts...) },
		func(p *Profile) bool { return p.DistinctID == id || slices.Contains(p.IDList, id) }, gone)
	f.found.Preferences = look(f, Fyno, "preferences",
		func() (*Preferences, error) {
			return f.Subscriptions.Preferences(f.ctx, id, PreferencesOptions{}, f.opts...)
		},
		func(p *Preferences) bool { return p.Topics != nil }, gone)
}

// counted says how a look-up of a list ended.
func counted(n int) result {
	if n == 0 {
		return result{FlowNothing, ""}
	}
	return result{FlowFound, fmt.Sprintf("%d found", n)}
}
