package playline

import (
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
			return result{FlowNothing, ""}, nil
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
	cleared := f.step(SmartSender, "contact's name and variables", func() (result, error) {
		info, err := f.Contacts.Info(f.ctx, id, f.opts...)
		if err != nil {
			return result{}, err
		}
		values := map[string]any{"firstName": "-", "lastName": nil} // a first name must not be empty
		for name := range info.Values {
			values[name] = nil
		}
		for _, v := range info.Variables {
			values[v.Name] = nil
		}
		if _, err := f.Contacts.Update(f.ctx, id, values, f.opts...); err != nil {
			return result{}, err
		}
		return f.cleared(id, func(c *ContactInfo) []string {
			var left []string
			for name, value := range c.Values {
				if value != nil && value != "" {
					left = append(left, name)
				}
			}
			for _, v := range c.Variables {
				if v.Value != "" || len(v.Content) > 0 {
					left = append(left, v.Name)
				}
			}
			if c.FirstName != "-" {
				left = append(left, "firstName")
			}
			if c.LastName != "" {
				left = append(left, "lastName")
			}
			return left
		})
	})
	if cleared != FlowDone {
		return
	}
	f.step(SmartSender, "contact's e-mail address and phone number", func() (result, error) {
		if _, err := f.Contacts.Update(f.ctx, id, map[string]any{"email": nil, "phone": nil}, f.opts...); err != nil {
			return result{}, err
		}
		return f.cleared(id, func(c *ContactInfo) []string {
			var left []string
			if c.Email != "" {
				left = append(left, "email")
			}
			if c.Phone != "" {
				left = append(left, "phone")
			}
			return left
		})
	})
}

// cleared reads a contact again: the service skips a value that it finds invalid, without a word.
func (f *forgetting) cleared(id int64, rest func(*ContactInfo) []string) (result, error) {
	info, err := f.Contacts.Info(f.ctx, id, f.opts...)
	if err != nil {
		return result{}, err
	}
	if left := rest(info); len(left) > 0 {
		slices.Sort(left)
		return result{}, fmt.Errorf("the service did not clear %s: clear it in the vendor's console", strings.Join(left, ", "))
	}
	return result{FlowDone, ""}, nil
}
