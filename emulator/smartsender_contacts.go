package emulator

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Contact is a contact of the SmartSender project to start with; see [Emulator.AddContact].
type Contact struct {
	FirstName string
	LastName  string
	Email     string
	Phone     string
	Tags      []string
	Funnels   []string
	Variables map[string]string
}

// FiredEvent is one event launched for a SmartSender contact.
type FiredEvent struct {
	Name string
	Time time.Time
}

// contact is what the project knows about one person; an empty string is a value that is missing.
type contact struct {
	id        int64
	chatID    int64
	firstName string
	lastName  string
	email     string
	phone     string
	tags      []contactTag
	funnels   []contactFunnel
	variables []contactVariable // in the order in which they were first set
	gates     []*contactGate
	createdAt time.Time
	updatedAt time.Time
}

type contactTag struct {
	ID    int64  `json:"id"`
	Name  string `json:"name"`
	Color string `json:"color"`
}

type contactFunnel struct {
	ID         int64  `json:"id"`
	Name       string `json:"name"`
	ServiceKey string `json:"serviceKey"`
}

// contactBody is a contact as the API shows it; what is missing is null.
type contactBody struct {
	ID        int64           `json:"id"`
	Photo     *string         `json:"photo"`
	State     string          `json:"state"`
	FullName  string          `json:"fullName"`
	FirstName string          `json:"firstName"`
	LastName  *string         `json:"lastName"`
	Email     *string         `json:"email"`
	Phone     *string         `json:"phone"`
	CreatedAt string          `json:"createdAt"`
	Tags      []contactTag    `json:"tags"`
	Funnels   []contactFunnel `json:"funnels"`
	Variables any             `json:"variables"`
}

func (p *contact) fullName() string { return strings.TrimSpace(p.firstName + " " + p.lastName) }

func (p *contact) body() contactBody {
	variables := []variableBody{}
	for _, v := range p.variables {
		variables = append(variables, v.body())
	}
	return contactBody{
		ID: p.id, State: "active", FullName: p.fullName(), FirstName: p.firstName,
		LastName: orNull(p.lastName), Email: orNull(p.email), Phone: orNull(p.phone), CreatedAt: smartSenderMoment(p.createdAt),
		Tags: append([]contactTag{}, p.tags...), Funnels: append([]contactFunnel{}, p.funnels...), Variables: variables,
	}
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func smartSenderMoment(t time.Time) string { return t.UTC().Format(smartSenderTime) }

// newContact stores a contact that has nothing but ids.
func (s *smartSender) newContact() *contact {
	now := time.Now()
	p := &contact{id: s.nextID(), chatID: s.nextID(), createdAt: now, updatedAt: now}
	s.contacts[p.id] = p
	return p
}

// addContact stores a contact without a gate and returns its id.
func (s *smartSender) addContact(from Contact) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.newContact()
	p.firstName, p.lastName, p.email, p.phone = from.FirstName, from.LastName, from.Email, from.Phone
	for _, name := range from.Tags {
		p.tags = append(p.tags, contactTag{ID: s.nextID(), Name: name, Color: "#3366ff"})
	}
	for _, name := range from.Funnels {
		id := s.nextID()
		p.funnels = append(p.funnels, contactFunnel{ID: id, Name: name, ServiceKey: fmt.Sprintf("funnel-%d", id)})
	}
	values := map[string]any{}
	for name, value := range from.Variables {
		values[name] = value
	}
	s.setVariables(p, values)
	return p.id
}

// contact finds the contact that a path parameter names, or says that there is none.
func (s *smartSender) contact(c *call, parameter string) (*contact, *reply) {
	if id, err := strconv.ParseInt(c.path[parameter], 10, 64); err == nil && s.contacts[id] != nil {
		return s.contacts[id], nil
	}
	return nil, new(smartSenderRefusal(http.StatusNotFound, "contact %s does not exist", c.path[parameter]))
}

// sortedContacts are the contacts that keep wants, by id.
func (s *smartSender) sortedContacts(keep func(*contact) bool) []contactBody {
	var bodies []contactBody
	for _, p := range s.contacts {
		if keep(p) {
			bodies = append(bodies, p.body())
		}
	}
	slices.SortFunc(bodies, func(a, b contactBody) int { return cmp.Compare(a.ID, b.ID) })
	return bodies
}

func (s *smartSender) listContacts(c *call) reply {
	return pageOf(c, s.sortedContacts(func(*contact) bool { return true }))
}

// searchContacts looks for the term in full names, emails and phones, in any case.
func (s *smartSender) searchContacts(c *call) reply {
	term := strings.ToLower(c.query.Get("term"))
	return pageOf(c, s.sortedContacts(func(p *contact) bool {
		return slices.ContainsFunc([]string{p.fullName(), p.email, p.phone}, func(text string) bool {
			return strings.Contains(strings.ToLower(text), term)
		})
	}))
}

func (s *smartSender) getContact(c *call) reply {
	p, refusal := s.contact(c, "contactId")
	if refusal != nil {
		return *refusal
	}
	return reply{status: http.StatusOK, body: p.body()}
}

// getContactInfo shows the variables as an object of values by name.
func (s *smartSender) getContactInfo(c *call) reply {
	p, refusal := s.contact(c, "contactId")
	if refusal != nil {
		return *refusal
	}
	body, values := p.body(), map[string]any{}
	for _, v := range p.variables {
		values[v.name] = v.value
	}
	body.Variables = values
	return reply{status: http.StatusOK, body: body}
}

func (s *smartSender) deleteContact(c *call) reply {
	p, refusal := s.contact(c, "contactId")
	if refusal != nil {
		return *refusal
	}
	delete(s.contacts, p.id)
	return smartSenderDone()
}

type fireInput struct {
	Name string `json:"name"`
}

func (s *smartSender) fireContactEvent(c *call, in fireInput) reply {
	p, refusal := s.contact(c, "contactId")
	if refusal != nil {
		return *refusal
	}
	s.fired[p.id] = append(s.fired[p.id], FiredEvent{Name: in.Name, Time: time.Now()})
	return smartSenderDone()
}

// firedFor returns a copy of the events launched for a contact, oldest first; also for one that is
// gone.
func (s *smartSender) firedFor(contactID int64) []FiredEvent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.fired[contactID])
}
