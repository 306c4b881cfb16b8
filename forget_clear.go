package playline

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// What Forget does with a contact that cannot be deleted: it empties it.

// clear empties a contact. What it is found by goes last, unless the identity knows it by its id: a call that ends before that finds it
// again.
func (f *forgetting) clear(id int64) {
	status := f.step(SmartSender, "contact's name and variables", func() (result, error) { return f.clearVariables(id) })
	if (status == FlowFailed || status == FlowUnconfirmed) && f.who.ContactID == 0 {
		return
	}
	f.step(SmartSender, "contact's e-mail address and phone number", func() (result, error) {
		steps := [][]string{{"email", "phone"}}
		switch { // with both, it is found by the one that a call leaves
		case f.who.ContactID != 0:
		case f.who.Email == "":
			steps = [][]string{{"email"}, {"phone"}}
		case f.who.Phone == "":
			steps = [][]string{{"phone"}, {"email"}}
		}
		for _, fields := range steps {
			values := map[string]any{}
			for _, name := range fields {
				values[name] = nil
			}
			info, err := f.update(id, values)
			if err != nil {
				return result{}, err
			}
			is := map[string]string{"email": info.Email, "phone": info.Phone}
			if err := notCleared(slices.DeleteFunc(fields, func(name string) bool { return is[name] == "" })); err != nil {
				return result{}, err
			}
		}
		return result{FlowDone, ""}, nil
	})
}

func (f *forgetting) clearVariables(id int64) (result, error) {
	info, err := f.info(id)
	if err != nil {
		return result{}, err
	}
	values := map[string]any{}
	names, known := filled(info)
	for _, name := range names {
		values[name] = nil
	}
	values["firstName"], values["lastName"] = "-", nil // a first name must not be empty
	if info, err = f.update(id, values); err != nil {
		return result{}, err
	}
	left, sure := filled(info)
	var perhaps []string
	switch {
	case sure:
	case known: // now its place is empty, and what is beside it was no variable before
		left = slices.DeleteFunc(left, func(name string) bool { return !slices.Contains(names, name) })
	default:
		left, perhaps = nil, left
	}
	if info.FirstName != "-" {
		left = append(left, "firstName")
	}
	if info.LastName != "" {
		left = append(left, "lastName")
	}
	if err := notCleared(left); err != nil || len(perhaps) == 0 {
		return result{FlowDone, ""}, err
	}
	return result{FlowImpossible, scrub("the service still shows "+strings.Join(perhaps, ", ")+
		": where that is no value of its own clear it in the vendor's console, https://smartsender.com", nil)}, nil
}

// update changes a contact and reads it again: the service skips a value that it finds invalid, without a word.
func (f *forgetting) update(id int64, values map[string]any) (*ContactInfo, error) {
	if _, err := f.Contacts.Update(f.ctx, id, values, f.opts...); err != nil {
		return nil, err
	}
	return f.info(id)
}

// info reads a contact with its variables. The vendor does not document the answer's shape, so anything
// could be one: only an answer that names the contact says what is left of it.
func (f *flow) info(id int64) (*ContactInfo, error) {
	info, err := f.Contacts.Info(f.ctx, id, f.opts...)
	if err == nil && info.ID != id {
		err = fmt.Errorf("%w: the answer about the contact does not name it", ErrUnconfirmed)
	}
	return info, err
}

func notCleared(left []string) error {
	if len(left) == 0 {
		return nil
	}
	slices.Sort(left)
	return fmt.Errorf("the service did not clear %s: clear it in the vendor's console", strings.Join(left, ", "))
}

// filled returns the names of a contact's variables that have a value. How the service shows them is not documented: where they do not
// stand under "variables", as an object or a list, sure is false, and each member that this library does not know may be one.
func filled(c *ContactInfo) (names []string, sure bool) {
	var members map[string]any
	_ = json.Unmarshal(c.Raw, &members)
	shown := c.Values
	switch under := members["variables"].(type) {
	case map[string]any:
		if len(under) > 0 { // an empty place does not say that it is the place
			shown, sure = under, true
		}
	case []any:
		if len(under) == 0 {
			break
		}
		shown, sure = map[string]any{}, true
		for _, one := range under {
			variable, _ := one.(map[string]any)
			name, _ := variable["name"].(string)
			if name == "" {
				shown["variables"], sure = one, false
			} else if shown[name] = variable["value"]; isEmpty(shown[name]) {
				shown[name] = variable["content"]
			}
		}
	default:
		shown = maps.Clone(shown)
		shown["variables"] = under
	}
	for name, value := range shown {
		if !isEmpty(value) && !slices.Contains([]string{"firstName", "lastName", "email", "phone"}, name) { // these are cleared as such
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, sure
}

func isEmpty(value any) bool {
	list, isList := value.([]any)
	return value == nil || value == "" || isList && len(list) == 0
}
