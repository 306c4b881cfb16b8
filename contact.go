package playline

import (
	"encoding/json"
	"reflect"
)

// Contact is a person in a SmartSender project. The vendor documents names and no types: a number in
// place of a text is taken as it is written, and what cannot be read is left out. Times have no zone, so
// they stay text.
type Contact struct {
	ID        int64             `json:"id"`
	Photo     string            `json:"photo"`
	State     string            `json:"state"`
	FullName  string            `json:"fullName"`
	FirstName string            `json:"firstName"`
	LastName  string            `json:"lastName"`
	Email     string            `json:"email"`
	Phone     string            `json:"phone"`
	CreatedAt string            `json:"createdAt"` // such as 2019-10-23 16:16:38
	Tags      []ContactTag      `json:"tags"`
	Funnels   []ContactFunnel   `json:"funnels"`
	Variables []ContactVariable `json:"variables"`
}

// UnmarshalJSON takes every field that it can read and fails only if the answer is not an object.
func (c *Contact) UnmarshalJSON(b []byte) error {
	type plain Contact
	return decodeLoosely(b, (*plain)(c))
}

// ContactTag is a label on contacts.
type ContactTag struct {
	ID    int64  `json:"id"`
	Name  string `json:"name"`
	Color string `json:"color"`
}

// ContactFunnel is a funnel that a contact is in.
type ContactFunnel struct {
	ID         int64  `json:"id"`
	Name       string `json:"name"`
	ServiceKey string `json:"serviceKey"`
}

// ContactVariable is a value that a project keeps of a contact.
type ContactVariable struct {
	ID          int64             `json:"id"`
	Name        string            `json:"name"`
	Content     []json.RawMessage `json:"content"`
	Value       string            `json:"value"`
	Description string            `json:"description"`
	CreatedAt   string            `json:"createdAt"`
	UpdatedAt   string            `json:"updatedAt"`
}

// ContactInfo is a contact with its variables as plain values. The vendor does not document whether they
// are under "variables" or beside the other fields: both are read, and Raw holds all of it.
type ContactInfo struct {
	Contact
	Values map[string]any  // the variables by name; a number is a json.Number, which rounds nothing
	Raw    json.RawMessage // the answer as it came; as JSON it is left out
}

// UnmarshalJSON takes the fields of a contact, and every other member as a variable.
func (c *ContactInfo) UnmarshalJSON(b []byte) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(b, &members); err != nil {
		return err
	}
	c.Values = map[string]any{}
	variables := members["variables"]
	delete(members, "variables")
	if decodeNumbers(variables, &c.Values) != nil { // objects in a list, as in Contact
		readLoosely(variables, reflect.ValueOf(&c.Variables).Elem())
	}
	if c.Values == nil { // they were null
		c.Values = map[string]any{}
	}
	readMembers(members, reflect.ValueOf(&c.Contact).Elem())
	for _, field := range reflect.VisibleFields(reflect.TypeFor[Contact]()) {
		delete(members, field.Tag.Get("json"))
	}
	for name, raw := range members {
		var value any
		_ = decodeNumbers(raw, &value)
		c.Values[name] = value
	}
	return nil
}

// MarshalJSON writes the contact with its variables under "variables", without Raw.
func (c ContactInfo) MarshalJSON() ([]byte, error) {
	out := struct {
		Contact
		Variables any `json:"variables"`
	}{c.Contact, c.Values}
	if len(c.Values) == 0 && len(c.Variables) > 0 {
		out.Variables = c.Variables
	}
	return json.Marshal(out)
}

// Chat is a contact's conversation.
type Chat struct {
	ID        int64       `json:"id"`
	Name      string      `json:"name"`
	Image     string      `json:"image"`
	Contact   ChatContact `json:"contact"`
	Gates     []Gate      `json:"gates"`
	CreatedAt string      `json:"createdAt"`
	UpdatedAt string      `json:"updatedAt"`
}

// UnmarshalJSON takes every field that it can read and fails only if the answer is not an object.
func (c *Chat) UnmarshalJSON(b []byte) error {
	type plain Chat
	return decodeLoosely(b, (*plain)(c))
}

// ChatContact is who a chat is with.
type ChatContact struct {
	ID         int64 `json:"id"`         // the messenger's
	OriginalID int64 `json:"originalId"` // the project's contact id
}

// Gate is one way to a contact: a channel and the contact's place in it.
type Gate struct {
	ID             int64          `json:"id"`
	Subscribed     bool           `json:"subscribed"`
	UnreadMessages int            `json:"unreadMessages"`
	Channel        ContactChannel `json:"channel"`
}

// UnmarshalJSON takes every field that it can read and fails only if the answer is not an object.
func (g *Gate) UnmarshalJSON(b []byte) error {
	type plain Gate
	return decodeLoosely(b, (*plain)(g))
}

// ContactChannel is a messenger that a project is connected to.
type ContactChannel struct {
	ID        int64  `json:"id"`
	Active    bool   `json:"active"`
	Occupied  bool   `json:"occupied"`
	Type      string `json:"type"`
	Name      string `json:"name"`
	App       string `json:"app"`
	Link      string `json:"link"`
	Referrer  int64  `json:"referrer"`
	CreatedAt string `json:"createdAt"`
	UpdatedAt string `json:"updatedAt"`
}
