package playline

import (
	"errors"
	"fmt"
	"strings"
)

// AmbiguousError says that it is not sure which contact is the person's: the e-mail address and the
// phone number do not name one contact alone, or Identity.ContactID is gone or leads to another contact.
// Nothing was changed there. Candidates are contact ids; the right one belongs into Identity.ContactID.
type AmbiguousError struct {
	Candidates []int64
	Rule       string
}

// Error lists the candidates.
func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("%s: contacts %d; set Identity.ContactID to the right one", e.Rule, e.Candidates)
}

// Is makes it match ErrConflict.
func (e *AmbiguousError) Is(target error) bool { return target == ErrConflict }

// errNoContact: nobody has the address or the number.
var errNoContact = errors.New("no contact")

// findContact finds the contact of an identity, and says by what: by its id, else by an address or
// number that is exactly the same. It fails with errNoContact if there is none, and with an
// *AmbiguousError if it is not sure. An id that is gone can have been united into another contact, which
// then has the address. Or its contact was deleted, and somebody else shares the address. The two look the
// same, and the second must not be erased.
func (f *flow) findContact(who Identity) (*Contact, string, error) {
	if who.ContactID != 0 {
		found, err := f.Contacts.Get(f.ctx, who.ContactID, f.opts...)
		switch {
		case isGone(err):
		case err != nil:
			return nil, "", err
		case found.ID != who.ContactID:
			return nil, "", &AmbiguousError{[]int64{found.ID}, fmt.Sprintf("the service answered with another contact than %d", who.ContactID)}
		default:
			return found, "by its id", nil
		}
	}
	found, by, err := f.search(who)
	rule := ""
	switch {
	case err != nil:
		return nil, "", err
	case len(found) == 0:
		return nil, "", errNoContact
	case who.ContactID != 0:
		rule = fmt.Sprintf("contact %d is gone, and others have the address or the number: it may have been united into one of them", who.ContactID)
	case len(found) > 1:
		rule = "several contacts have the address or the number"
	}
	if rule != "" {
		e := &AmbiguousError{Rule: rule}
		for _, c := range found {
			e.Candidates = append(e.Candidates, c.ID)
		}
		return nil, "", e
	}
	c := found[0]
	if who.Email != "" && c.Email != "" && !sameAddress(who.Email, c.Email) || who.Phone != "" && c.Phone != "" && !samePhone(who.Phone, c.Phone) {
		return nil, "", &AmbiguousError{[]int64{c.ID}, "the contact matches by e-mail address or phone number, but its other address differs"}
	}
	return &c, by, nil
}

// search returns the contacts that have the address or the number. The service finds more than that: parts, and names.
func (f *flow) search(who Identity) (found []Contact, by string, err error) {
	for _, key := range []struct {
		name, term string
		matches    func(Contact) bool
	}{
		{"e-mail address", who.Email, func(c Contact) bool { return sameAddress(c.Email, who.Email) }},
		{"phone number", who.Phone, func(c Contact) bool { return samePhone(c.Phone, who.Phone) }},
		// How a number is kept is the project's matter.
		{"phone number", strings.TrimPrefix(who.Phone, "+"), func(c Contact) bool { return samePhone(c.Phone, who.Phone) }},
	} {
		if key.term == "" {
			continue
		}
		for c, err := range f.Contacts.SearchAll(f.ctx, key.term, PageOptions{}, f.opts...) {
			if err != nil {
				return nil, "", err
			}
			if !key.matches(c) || hasContact(found, c.ID) {
				continue
			}
			if c.ID <= 0 {
				return nil, "", fmt.Errorf("the service shows a contact by its %s without the contact's id", key.name)
			}
			found = append(found, c)
			by = "by its " + key.name + ", which no service keeps unique"
		}
	}
	return found, by, nil
}

func hasContact(list []Contact, id int64) bool {
	for _, c := range list {
		if c.ID == id {
			return true
		}
	}
	return false
}

// sameAddress compares e-mail addresses. Only the case of ASCII letters is ignored: Unicode's case
// folding would take the Kelvin sign for a k, and with it one person's address for another's.
func sameAddress(a, b string) bool {
	if a == "" || len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if lowerASCII(a[i]) != lowerASCII(b[i]) {
			return false
		}
	}
	return true
}

func lowerASCII(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// phoneMarks removes what people write between the digits of a number.
var phoneMarks = strings.NewReplacer("+", "", " ", "", "-", "", ".", "", "(", "", ")", "")

// samePhone compares numbers with their country codes, in any of the usual spellings. A number that
// holds anything but ASCII digits and marks equals no other: what is left out could tell them apart.
func samePhone(a, b string) bool {
	a, b = phoneMarks.Replace(a), phoneMarks.Replace(b)
	return a == b && a != "" && !strings.ContainsFunc(a, func(r rune) bool { return r < '0' || r > '9' })
}
