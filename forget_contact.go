package playline

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// contact erases SmartSender's contact. The path of its deletion is an assumption, so what the service answers is not taken for the truth: the contact
// is read again, and where it is still there its data are cleared instead.
func (f *forgetting) contact() {
	if !f.ready(SmartSender, "contact", f.who.ContactID != 0 || f.who.Email+f.who.Phone != "", "ContactID, e-mail address or phone number") {
		return
	}
	left := false // it cannot be deleted
	var id int64
	f.step(SmartSender, "contact", func() (result, error) {
		found, by, err := f.findContact(f.who)
		if errors.Is(err, errNoContact) {
			detail := ""
			if f.who.ContactID == 0 {
				detail = "nobody has the address or the number; a contact that was cleared before is found by its ContactID alone"
			}
			return result{FlowNothing, detail}, nil
		}
		if err != nil {
			return result{}, err
		}
		id = found.ID
		f.report.Identity.ContactID = id
		detail := fmt.Sprintf("contact %d, found %s", id, by)
		if f.o.DryRun {
			return result{FlowPlanned, "delete " + detail + "; where the service does not do that, clear its data"}, nil
		}
		_, err = f.Contacts.Delete(f.ctx, id, f.opts...) // deprecated by the vendor, and there is nothing else
		if err != nil && !mayBeNoOperation(err) {
			return result{"", detail}, err
		}
		_, err = f.Contacts.Get(f.ctx, id, f.opts...)
		switch {
		case isGone(err):
			return result{FlowDone, detail}, nil
		case err != nil:
			return result{"", detail + "; whether it is gone is not known"}, err
		}
		left = true
		return result{FlowImpossible, detail + "; the service does not delete it, ask the vendor: https://smartsender.com"}, nil
	})
	if left {
		f.clear(id)
	}
}

// mayBeNoOperation reports whether a deletion failed as it would where there is no such operation.
func mayBeNoOperation(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && slices.Contains([]int{http.StatusNotFound, http.StatusGone, http.StatusMethodNotAllowed, http.StatusNotImplemented}, e.StatusCode)
}

// clear empties a contact that cannot be deleted. What it can be found by goes last: a call that ends before that finds it again.
func (f *forgetting) clear(id int64) {
	status := f.step(SmartSender, "contact's name and variables", func() (result, error) {
		info, err := f.Contacts.Info(f.ctx, id, f.opts...)
		if err != nil {
			return result{}, err
		}
		values := map[string]any{"firstName": "-", "lastName": nil} // a first name must not be empty
		variables, _ := variablesOf(info)
		for name := range variables {
			values[name] = nil
		}
		if _, err := f.Contacts.Update(f.ctx, id, values, f.opts...); err != nil {
			return result{}, err
		}
		if info, err = f.Contacts.Info(f.ctx, id, f.opts...); err != nil {
			return result{}, err
		}
		var left []string
		variables, sure := variablesOf(info)
		for name, filled := range variables {
			if filled {
				left = append(left, name)
			}
		}
		slices.Sort(left)
		if len(left) > 0 && !sure && info.FirstName == "-" && info.LastName == "" { // it may be something like the time of a change
			return result{FlowImpossible, "the service keeps " + strings.Join(left, ", ") + ": clear what is a variable in the vendor's console"}, nil
		}
		if info.FirstName != "-" {
			left = append(left, "firstName")
		}
		if info.LastName != "" {
			left = append(left, "lastName")
		}
		return cleared(left)
	})
	if status == FlowFailed {
		return
	}
	f.step(SmartSender, "contact's e-mail address and phone number", func() (result, error) {
		for _, keys := range f.keysLast() {
			values := map[string]any{}
			for _, key := range keys {
				values[key] = nil
			}
			if _, err := f.Contacts.Update(f.ctx, id, values, f.opts...); err != nil {
				return result{}, err
			}
			info, err := f.Contacts.Info(f.ctx, id, f.opts...)
			if err != nil {
				return result{}, err
			}
			var left []string
			if slices.Contains(keys, "email") && info.Email != "" {
				left = append(left, "email")
			}
			if slices.Contains(keys, "phone") && info.Phone != "" {
				left = append(left, "phone")
			}
			if r, err := cleared(left); err != nil {
				return r, err
			}
		}
		return result{FlowDone, ""}, nil
	})
}

// variablesOf returns the names of a contact's variables, and whether they have values. They are sure where the service has a place for them; where they
// stand beside the other fields, one that the vendor does not document looks the same.
func variablesOf(info *ContactInfo) (filled map[string]bool, sure bool) {
	var in struct {
		Variables json.RawMessage `json:"variables"`
	}
	_ = json.Unmarshal(info.Raw, &in)
	values := map[string]any{}
	if sure = len(in.Variables) > 0 && string(in.Variables) != "null"; sure {
		_ = json.Unmarshal(in.Variables, &values) // it fails for a list
	} else {
		values = info.Values
	}
	filled = map[string]bool{}
	for name, value := range values {
		filled[name] = value != nil && value != ""
	}
	for _, v := range info.Variables {
		filled[v.Name] = v.Value != "" || len(v.Content) > 0
	}
	return filled, sure
}

// keysLast is in which order address and number are cleared: where the identity has one of them only, and no id, that one goes when the other is
// surely gone.
func (f *forgetting) keysLast() [][]string {
	switch {
	case f.who.ContactID == 0 && f.who.Phone == "":
		return [][]string{{"phone"}, {"email"}}
	case f.who.ContactID == 0 && f.who.Email == "":
		return [][]string{{"email"}, {"phone"}}
	}
	return [][]string{{"email", "phone"}}
}

// cleared is what it means that a contact was read again with fields that are not empty: the service skips a value that it finds invalid, without a word.
func cleared(left []string) (result, error) {
	if len(left) == 0 {
		return result{FlowDone, ""}, nil
	}
	slices.Sort(left)
	return result{}, fmt.Errorf("the service did not clear %s: clear it in the vendor's console", strings.Join(left, ", "))
}
