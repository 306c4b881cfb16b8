package playline

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
)

// contact erases SmartSender's contact. The path of its deletion is an assumption, so what the service answers is not taken for the truth:
// the contact is read again, and where it is still there its data are cleared instead.
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
		still, err := f.Contacts.Get(f.ctx, id, f.opts...)
		switch {
		case isGone(err):
			return result{FlowDone, detail}, nil
		case err != nil:
			return result{"", detail + "; whether it is gone is not known"}, err
		case still.ID != id:
			return result{FlowUnconfirmed, detail + "; the answer about it names another contact"}, nil
		}
		left = true
		return result{FlowImpossible, detail + "; the service does not delete it, ask the vendor: https://smartsender.com; " +
			"once it is cleared only the id in FlowReport.Identity finds it: call again with that"}, nil
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
