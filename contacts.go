package playline

import (
	"context"
	"encoding/json"
	"iter"
	"strconv"
)

// ContactsService reaches the contacts of a SmartSender project.
//
// Vendor: https://smartsendereu.atlassian.net/wiki/pages/viewpage.action?pageId=1676543307
type ContactsService service

// ContactPage is one page of contacts.
type ContactPage struct {
	Cursor   Cursor    `json:"cursor"`
	Contacts []Contact `json:"collection"`
}

// UnmarshalJSON reads each contact for itself: one that cannot be read is left out.
func (p *ContactPage) UnmarshalJSON(b []byte) error {
	cursor, contacts, err := readPage[Contact](b)
	*p = ContactPage{cursor, contacts}
	return err
}

func (p *ContactPage) parts(o PageOptions) ([]Contact, PageOptions, bool) {
	next, more := p.Cursor.next(o)
	return p.Contacts, next, more
}

// GatePage is one page of gates.
type GatePage struct {
	Cursor Cursor `json:"cursor"`
	Gates  []Gate `json:"collection"`
}

// UnmarshalJSON reads each gate for itself: one that cannot be read is left out.
func (p *GatePage) UnmarshalJSON(b []byte) error {
	cursor, gates, err := readPage[Gate](b)
	*p = GatePage{cursor, gates}
	return err
}

func (p *GatePage) parts(o PageOptions) ([]Gate, PageOptions, bool) {
	next, more := p.Cursor.next(o)
	return p.Gates, next, more
}

// searchQuery is the query of Contacts.Search.
type searchQuery struct {
	PageOptions
	Term string `url:"term"`
}

// Validate checks the term and the page.
func (q searchQuery) Validate() error {
	if err := firstOf(check{"term", textRule(q.Term)}); err != nil {
		return err
	}
	return q.PageOptions.Validate()
}

// ContactState is SmartSender's answer where there is nothing else to say. A false one is an error.
type ContactState struct {
	State bool `json:"state"`
}

// ContactCreate is the body of Contacts.Create.
type ContactCreate struct {
	Identifier string         `json:"identifier"` // the id in the messenger
	FirstName  string         `json:"firstName"`  // at most 255 characters
	LastName   string         `json:"lastName,omitempty"`
	Email      string         `json:"email,omitempty"`
	Phone      string         `json:"phone,omitempty"`      // international, with +
	Parameters map[string]any `json:"parameters,omitempty"` // variables by name
}

// Validate checks what the contract says of a new contact.
func (r ContactCreate) Validate() error {
	if err := firstOf(
		check{"identifier", textRule(r.Identifier)},
		check{"firstName", textRule(r.FirstName)},
		check{"firstName", lengthRule(r.FirstName, 255)},
		check{"lastName", lengthRule(r.LastName, 255)},
		check{"email", emailRule(r.Email)},
		check{"phone", ruleIf(r.Phone != "" && !phoneSpaced.MatchString(r.Phone), "must be international and start with +, as in +61400000000")},
	); err != nil {
		return err
	}
	return checkObject("parameters", r.Parameters)
}

type contactValues struct {
	Values map[string]any `json:"values"`
}

func (r contactValues) Validate() error {
	if len(r.Values) == 0 {
		return &ValidationError{"values", "must not be empty"}
	}
	return checkObject("values", r.Values)
}

type contactEvent struct {
	Name string `json:"name"`
}

func (r contactEvent) Validate() error { return firstOf(check{"name", textRule(r.Name)}) }

// contactPath writes ids as path arguments; an id that cannot be one becomes "", which the path refuses.
func contactPath(ids ...int64) []string {
	path := make([]string, len(ids))
	for i, id := range ids {
		if id > 0 {
			path[i] = strconv.FormatInt(id, 10)
		}
	}
	return path
}

// List returns one page of contacts.
//
// Class safe.
// Vendor: https://smartsendereu.atlassian.net/wiki/pages/viewpage.action?pageId=1676543307
func (s *ContactsService) List(ctx context.Context, o PageOptions, opts ...RequestOption) (*ContactPage, error) {
	return call[ContactPage](ctx, (*service)(s), opListContacts, input{query: o}, opts)
}

// All walks all contacts from the page in o on.
//
// The service counts its pages at each request, so a program that deletes contacts while it walks skips as
// many behind them. Collect the ids first, as the example does.
func (s *ContactsService) All(ctx context.Context, o PageOptions, opts ...RequestOption) iter.Seq2[Contact, error] {
	return pages(o, func(o PageOptions) (*ContactPage, error) { return s.List(ctx, o, opts...) }, (*ContactPage).parts)
}

// Search returns one page of the contacts that a term finds.
//
// Class safe.
// Vendor: https://smartsendereu.atlassian.net/wiki/pages/viewpage.action?pageId=1676543307
func (s *ContactsService) Search(ctx context.Context, term string, o PageOptions, opts ...RequestOption) (*ContactPage, error) {
	return call[ContactPage](ctx, (*service)(s), opSearchContacts, input{query: searchQuery{o, term}}, opts)
}

// SearchAll walks all contacts that a term finds from the page in o on. Like All it skips contacts if some
// are deleted meanwhile, or no longer match the term: collect the ids first.
func (s *ContactsService) SearchAll(ctx context.Context, term string, o PageOptions, opts ...RequestOption) iter.Seq2[Contact, error] {
	return pages(o, func(o PageOptions) (*ContactPage, error) { return s.Search(ctx, term, o, opts...) }, (*ContactPage).parts)
}

// Get returns a contact.
//
// Class safe.
// Vendor: https://smartsendereu.atlassian.net/wiki/pages/viewpage.action?pageId=1676543307
func (s *ContactsService) Get(ctx context.Context, contactID int64, opts ...RequestOption) (*Contact, error) {
	return call[Contact](ctx, (*service)(s), opGetContact, input{path: contactPath(contactID)}, opts)
}

// Info returns a contact with its variables as plain values by name.
//
// Class safe.
// Vendor: https://smartsendereu.atlassian.net/wiki/pages/viewpage.action?pageId=1676543307
func (s *ContactsService) Info(ctx context.Context, contactID int64, opts ...RequestOption) (*ContactInfo, error) {
	return call[ContactInfo](ctx, (*service)(s), opGetContactInfo, input{path: contactPath(contactID)}, opts)
}

// Chat returns a contact's chat.
//
// Class safe.
// Vendor: https://smartsendereu.atlassian.net/wiki/spaces/docsru/pages/1676444665/Chat+-+en
func (s *ContactsService) Chat(ctx context.Context, contactID int64, opts ...RequestOption) (*Chat, error) {
	return call[Chat](ctx, (*service)(s), opGetContactChat, input{path: contactPath(contactID)}, opts)
}

// Gates returns one page of the communications that a contact has.
//
// Class safe.
// Vendor: https://smartsendereu.atlassian.net/wiki/pages/viewpage.action?pageId=1676543307
func (s *ContactsService) Gates(ctx context.Context, contactID int64, o PageOptions, opts ...RequestOption) (*GatePage, error) {
	return call[GatePage](ctx, (*service)(s), opListContactGates, input{path: contactPath(contactID), query: o}, opts)
}

// AllGates walks all communications of a contact from the page in o on. Like All it skips gates if some
// are removed meanwhile.
func (s *ContactsService) AllGates(ctx context.Context, contactID int64, o PageOptions, opts ...RequestOption) iter.Seq2[Gate, error] {
	return pages(o, func(o PageOptions) (*GatePage, error) { return s.Gates(ctx, contactID, o, opts...) }, (*GatePage).parts)
}

// Update sets variables and the contact's own fields (firstName, lastName, email, phone) by name. The service skips a field
// whose value is invalid, without a word, and applies the rest.
//
// Class safe.
// Vendor: https://smartsendereu.atlassian.net/wiki/pages/viewpage.action?pageId=1676543307
func (s *ContactsService) Update(ctx context.Context, contactID int64, values map[string]any, opts ...RequestOption) (*ContactState, error) {
	return call[ContactState](ctx, (*service)(s), opUpdateContact, input{path: contactPath(contactID), body: contactValues{values}}, opts)
}

// Fire launches an event for a contact; its name is case-sensitive.
//
// Class unsent: a repeat would run the event again.
// Vendor: https://smartsendereu.atlassian.net/wiki/pages/viewpage.action?pageId=1676543307
func (s *ContactsService) Fire(ctx context.Context, contactID int64, event string, opts ...RequestOption) (*ContactState, error) {
	return call[ContactState](ctx, (*service)(s), opFireContactEvent, input{path: contactPath(contactID), body: contactEvent{event}}, opts)
}

// Unite merges the target into the contact: the contact stays and wins, the target fills what is missing.
//
// Class unsent.
// Vendor: https://smartsendereu.atlassian.net/wiki/pages/viewpage.action?pageId=1676543307
func (s *ContactsService) Unite(ctx context.Context, contactID, targetID int64, opts ...RequestOption) (*ContactState, error) {
	if contactID == targetID {
		return nil, &ValidationError{"targetContactId", "must be another contact"}
	}
	return call[ContactState](ctx, (*service)(s), opUniteContacts, input{path: contactPath(contactID, targetID)}, opts)
}

// Create makes a contact through a gate of a channel; there is no other way. An identifier that has a gate gets that gate back.
// The vendor says that it works for WhatsApp channels only, for now.
//
// Class safe.
// Vendor: https://smartsendereu.atlassian.net/wiki/pages/viewpage.action?pageId=1676444598
func (s *ContactsService) Create(ctx context.Context, channelID int64, contact ContactCreate, opts ...RequestOption) (*Gate, error) {
	return call[Gate](ctx, (*service)(s), opCreateContactGate, input{path: contactPath(channelID), body: contact}, opts)
}

// Delete removes a contact. The vendor's reference shows no path for it, so the one used here is an assumption.
//
// Class safe. A 404 after an attempt of unknown outcome is a success.
//
// Deprecated: by the vendor.
func (s *ContactsService) Delete(ctx context.Context, contactID int64, opts ...RequestOption) (*ContactState, error) {
	out, err := call[ContactState](ctx, (*service)(s), opDeleteContact, input{path: contactPath(contactID)}, opts)
	if err != nil {
		return nil, err
	}
	out.State = true // also where a 404 was the success
	return out, nil
}

// keepRaw keeps the whole answer.
func (c *ContactInfo) keepRaw(b json.RawMessage) { c.Raw = b }
