package playline

import "encoding/json"

// Contact is a person in a SmartSender project. Times have no zone, so they stay text.
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

// ContactInfo is a contact with its variables as plain values. Whether they stand under "variables" or beside the other fields
// is not documented: both are read, and Raw holds all of it.
type ContactInfo struct {
	Contact
	Values map[string]any // the variables by name
	Raw    json.RawMessage
}

// UnmarshalJSON takes the fields of a contact, and every other member as a variable.
func (c *ContactInfo) UnmarshalJSON(b []byte) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(b, &members); err != nil {
		return err
	}
	c.Values = map[string]any{}
	if json.Unmarshal(members["variables"], &c.Values) != nil {
		_ = json.Unmarshal(members["variables"], &c.Variables) // objects, as in Contact
	}
	if c.Values == nil { // they were null
		c.Values = map[string]any{}
	}
	fields := map[string]any{
		"id": &c.ID, "photo": &c.Photo, "state": &c.State, "fullName": &c.FullName, "firstName": &c.FirstName,
		"lastName": &c.LastName, "email": &c.Email, "phone": &c.Phone, "createdAt": &c.CreatedAt, "tags": &c.Tags, "funnels": &c.Funnels,
	}
	for name, raw := range members {
		switch target, known := fields[name]; {
		case known:
			_ = json.Unmarshal(raw, target)
		case name != "variables":
			var value any
			_ = json.Unmarshal(raw, &value)
			c.Values[name] = value
		}
	}
	return nil
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
