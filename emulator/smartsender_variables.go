package emulator

import (
	"encoding/json"
	"maps"
	"net/mail"
	"regexp"
	"slices"
	"time"
	"unicode/utf8"
)

// contactPhone is an international number with its plus sign.
var contactPhone = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// longestName is the most characters that a first or last name may have.
const longestName = 255

// contactVariable is one variable of one contact. Its value is a string, a json.Number, a bool, a
// list of these, or nil.
type contactVariable struct {
	id        int64
	name      string
	value     any
	createdAt time.Time
	updatedAt time.Time
}

// variableBody is a variable as the API shows it: a single value as text, and what it consists of
// under content.
type variableBody struct {
	ID          int64   `json:"id"`
	Name        string  `json:"name"`
	Content     []any   `json:"content"`
	Value       *string `json:"value"`
	Description *string `json:"description"`
	CreatedAt   string  `json:"createdAt"`
	UpdatedAt   string  `json:"updatedAt"`
}

func (v contactVariable) body() variableBody {
	body := variableBody{
		ID: v.id, Name: v.name, Content: []any{},
		CreatedAt: smartSenderMoment(v.createdAt), UpdatedAt: smartSenderMoment(v.updatedAt),
	}
	switch value := v.value.(type) {
	case nil:
	case []any:
		body.Content = value // a list is replaced, never written to
	case string:
		body.Content, body.Value = []any{value}, &value
	case json.Number:
		body.Content, body.Value = []any{value}, new(string(value))
	case bool:
		text := "false"
		if value {
			text = "true"
		}
		body.Content, body.Value = []any{value}, &text
	}
	return body
}

func (p *contact) variable(name string) int {
	return slices.IndexFunc(p.variables, func(v contactVariable) bool { return v.name == name })
}

type contactUpdate struct {
	Values map[string]any `json:"values"`
}

// updateContact sets system fields and variables; a value that is invalid for its field is skipped,
// the rest applies.
func (s *smartSender) updateContact(c *call, in contactUpdate) reply {
	p, refusal := s.contact(c, "contactId")
	if refusal != nil {
		return *refusal
	}
	variables := maps.Clone(in.Values)
	for name, field := range p.systemFields() {
		value, given := in.Values[name]
		delete(variables, name)
		if text, isText := value.(string); given && isText && field.valid(text) {
			*field.at = text
		} else if given && value == nil && name != "firstName" {
			*field.at = ""
		}
	}
	s.setVariables(p, variables)
	p.updatedAt = time.Now()
	return smartSenderDone()
}

// systemField is a field that every contact has: where it is kept and what it may hold.
type systemField struct {
	at    *string
	valid func(string) bool
}

func (p *contact) systemFields() map[string]systemField {
	return map[string]systemField{
		"firstName": {&p.firstName, func(s string) bool { return s != "" && utf8.RuneCountInString(s) <= longestName }},
		"lastName":  {&p.lastName, func(s string) bool { return utf8.RuneCountInString(s) <= longestName }},
		"email":     {&p.email, isEmail},
		"phone":     {&p.phone, contactPhone.MatchString},
	}
}

// isEmail tells whether s is a bare address, without a display name.
func isEmail(s string) bool {
	address, err := mail.ParseAddress(s)
	return err == nil && address.Address == s
}

// setVariables sets variables by name, skipping those whose value no variable can hold.
func (s *smartSender) setVariables(p *contact, values map[string]any) {
	now := time.Now()
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if name == "" || !fitsVariable(values[name]) {
			continue
		}
		i := p.variable(name)
		if i < 0 {
			i = len(p.variables)
			p.variables = append(p.variables, contactVariable{id: s.nextID(), name: name, createdAt: now})
		}
		p.variables[i].value, p.variables[i].updatedAt = values[name], now
	}
}

// fitsVariable tells whether a value is null, a string, a number, a boolean, or a list of the last
// three.
func fitsVariable(value any) bool {
	switch value := value.(type) {
	case nil, string, json.Number, bool:
		return true
	case []any:
		return !slices.ContainsFunc(value, func(element any) bool {
			_, isList := element.([]any)
			return isList || element == nil || !fitsVariable(element)
		})
	}
	return false
}
