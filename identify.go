package playline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Person is what Identify tells the services of somebody. An empty field changes nothing there.
type Person struct {
	Identity
	FirstName  string
	LastName   string
	Timezone   string       // IANA name, for Fyno
	Tags       []string     // for Smooven; they replace the ones there, and an empty list that is not nil removes them
	Properties Properties   // for Fyno
	Gate       *ContactGate // where SmartSender makes a contact that it does not have
}

// ContactGate is where SmartSender can make a contact: see Contacts.Create.
type ContactGate struct {
	ChannelID  int64
	Identifier string // the person's id in that messenger
}

// Validate checks the person before anything is sent.
func (p Person) Validate() error {
	if err := p.Identity.Validate(); err != nil {
		return err
	}
	if p.ID == "" && p.Tags != nil {
		return &ValidationError{"tags", "need an ID: they are Smooven's, which knows players by it"}
	}
	if p.Gate != nil {
		if err := firstOf(
			check{"gate.channel_id", ruleIf(p.Gate.ChannelID <= 0, "must be positive")},
			check{"gate.identifier", textRule(p.Gate.Identifier)},
			check{"first_name", ruleIf(p.FirstName == "", "must not be empty with a gate: SmartSender makes no contact without one")},
		); err != nil {
			return err
		}
	}
	if len(p.Properties) > 0 {
		if err := (PropertyActions{Set: p.Properties}).validate(); err != nil {
			return err
		}
	}
	return firstOf(
		check{"first_name", lengthRule(p.FirstName, 255)},
		check{"last_name", lengthRule(p.LastName, 255)},
		check{"timezone", optionalText(p.Timezone)},
	)
}

// Identify makes a person in every configured service, or brings the one there up to date: Smooven's
// player, Fyno's profile and properties, and SmartSender's contact. Sunshine's users and PlaySmart's
// accounts cannot be made so: the report says what to do.
//
// One service's failure does not hold up the others. The error joins what failed, with the report beside
// it; the report is nil only if the person is invalid. A configured service that could not be asked,
// because the person holds no key for it, is an error that matches ErrNotAsked. Calling it again has the
// same effect. FlowReport.Identity holds the ids that were learned: keep them for Forget.
//
// SmartSender's contact is found as by Forget, and if that is not surely one contact the step fails with
// an *AmbiguousError. If ContactID is gone and nobody has the address or the number it fails with
// ErrNotFound: Identify makes a contact only without an id. Fyno's push and inapp tokens stay as they are.
func (c *Client) Identify(ctx context.Context, p Person, opts ...RequestOption) (*FlowReport, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	f := &identifying{flow{c, ctx, opts, &FlowReport{Identity: p.Identity}}, p}
	f.player()
	f.profile()
	f.contact()
	if f.ready(Sunshine, "user", true, "") {
		f.say(Sunshine, "user", FlowImpossible, "users come from Sunshine's own SDKs and API; Messaging.CreateClient links a channel to one")
	}
	if f.ready(PlaySmart, "account", true, "") {
		f.say(PlaySmart, "account", FlowImpossible, "an account needs its player's password: Accounts.Register")
	}
	return f.report, f.report.Err()
}

// identifying is one call of Identify.
type identifying struct {
	flow
	p Person
}

func (f *identifying) player() {
	if !f.ready(Smooven, "player", f.p.ID != "", "ID") {
		return
	}
	f.step(Smooven, "player", func() (result, error) {
		out, err := f.Players.Register(f.ctx, Player{
			ExternalID: f.p.ID, Channels: PlayerChannels{SMS: f.p.Phone, Email: f.p.Email}, Tags: f.p.Tags,
		}, f.opts...)
		if err != nil {
			return result{}, err
		}
		f.report.Identity.SmoovenID = cmp.Or(out.PlayerID, f.p.SmoovenID)
		return result{FlowDone, made(out.Created)}, nil
	})
}

func (f *identifying) profile() {
	id := f.p.or(f.p.FynoID)
	if !f.ready(Fyno, "profile", id != "", "ID or FynoID") {
		return
	}
	name := strings.TrimSpace(f.p.FirstName + " " + f.p.LastName)
	channels := ProfileChannels{Email: f.p.Email, SMS: f.p.Phone}
	status := f.step(Fyno, "profile", func() (result, error) {
		answer, err := f.Profiles.Create(f.ctx, ProfileCreate{DistinctID: id, Name: name, Timezone: f.p.Timezone, Channels: channels}, f.again()...)
		if !errors.Is(err, ErrConflict) {
			return taken(result{FlowDone, made(true)}, answer, err)
		}
		if name+f.p.Timezone != "" {
			update := ProfileUpdate{Timezone: f.p.Timezone}
			if name != "" {
				update.Name = &name
			}
			answer, err := f.Profiles.Update(f.ctx, id, update, f.opts...)
			if r, err := taken(result{FlowDone, ""}, answer, err); r.status != FlowDone {
				return r, err
			}
		}
		if channels.Email+channels.SMS != "" { // Profiles.Update would replace the others too
			answer, err := f.Profiles.UpdateChannels(f.ctx, id, channels, f.again()...)
			if r, err := taken(result{FlowDone, ""}, answer, err); r.status != FlowDone {
				return r, err
			}
		}
		return result{FlowDone, made(false)}, nil
	})
	switch {
	case len(f.p.Properties) == 0:
	case status != FlowDone:
		f.say(Fyno, "properties", FlowNotAsked, "there may be no profile to have them")
	default:
		f.step(Fyno, "properties", func() (result, error) {
			if _, err := f.Properties.Set(f.ctx, id, f.p.Properties, f.opts...); err != nil {
				return result{}, err
			}
			return result{FlowDone, fmt.Sprintf("%d accepted", len(f.p.Properties))}, nil
		})
	}
}

// taken says how a change of Fyno's ended: done, if the service says so.
func taken(done result, answer *Status, err error) (result, error) {
	switch {
	case err != nil:
		return result{}, err
	case answer.Status != fynoOK:
		return result{FlowUnconfirmed, "the service answered without a word about it"}, nil
	}
	return done, nil
}

func (f *identifying) contact() {
	if !f.ready(SmartSender, "contact", f.p.ContactID != 0 || f.p.Email+f.p.Phone != "", "ContactID, e-mail address or phone number") {
		return
	}
	f.step(SmartSender, "contact", func() (result, error) {
		found, by, err := f.findContact(f.p.Identity)
		switch {
		case errors.Is(err, errNoContact) && f.p.ContactID != 0:
			return result{}, fmt.Errorf("there is no contact %d: %w", f.p.ContactID, ErrNotFound)
		case errors.Is(err, errNoContact):
			return f.makeContact()
		case err != nil:
			return result{}, err
		}
		f.report.Identity.ContactID = found.ID
		return f.updateContact(found, fmt.Sprintf("contact %d, found %s", found.ID, by))
	})
}

// makeContact makes a contact through a gate. The service does not say whose the gate is, so the contact is looked for again.
func (f *identifying) makeContact() (result, error) {
	if f.p.Gate == nil {
		return result{FlowImpossible, "there is none, and SmartSender makes one only through a channel: set Person.Gate"}, nil
	}
	if _, err := f.Contacts.Create(f.ctx, f.p.Gate.ChannelID, ContactCreate{
		Identifier: f.p.Gate.Identifier, FirstName: f.p.FirstName, LastName: f.p.LastName, Email: f.p.Email, Phone: f.p.Phone,
	}, f.opts...); err != nil {
		return result{}, err
	}
	found, _, err := f.findContact(f.p.Identity)
	if errors.Is(err, errNoContact) {
		return result{}, fmt.Errorf("the gate belongs to a contact with another address and number: set ContactID: %w", ErrConflict)
	}
	if err != nil {
		return result{}, err
	}
	f.report.Identity.ContactID = found.ID
	return result{FlowDone, fmt.Sprintf("contact %d, %s", found.ID, made(true))}, nil
}

// updateContact changes what differs, and reads the contact again: the service skips a value that it finds invalid, without a word.
func (f *identifying) updateContact(c *Contact, detail string) (result, error) {
	values := f.differs(c)
	if len(values) == 0 {
		return result{FlowDone, detail + ", nothing to change"}, nil
	}
	if _, err := f.Contacts.Update(f.ctx, c.ID, values, f.opts...); err != nil {
		return result{"", detail}, err
	}
	now, err := f.Contacts.Get(f.ctx, c.ID, f.opts...)
	if err != nil {
		return result{"", detail}, err
	}
	if left := f.differs(now); len(left) > 0 {
		return result{"", detail}, fmt.Errorf("the service did not take %s", strings.Join(slices.Sorted(maps.Keys(left)), ", "))
	}
	return result{FlowDone, detail + ", " + made(false)}, nil
}

// differs returns what the contact has and the person has otherwise.
func (f *identifying) differs(c *Contact) map[string]any {
	values := map[string]any{}
	for _, field := range []struct{ name, want, is string }{
		{"firstName", f.p.FirstName, c.FirstName},
		{"lastName", f.p.LastName, c.LastName},
	} {
		if field.want != "" && field.want != field.is {
			values[field.name] = field.want
		}
	}
	if f.p.Email != "" && !sameAddress(f.p.Email, c.Email) { // a service may keep it in small letters
		values["email"] = f.p.Email
	}
	if f.p.Phone != "" && !samePhone(f.p.Phone, c.Phone) {
		values["phone"] = f.p.Phone
	}
	return values
}

func made(created bool) string {
	if created {
		return "created"
	}
	return "updated"
}
