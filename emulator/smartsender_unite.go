package emulator

import (
	"net/http"
	"slices"
	"time"
)

// uniteContacts fills what contactId lacks from the target, which is gone afterwards; its gates
// move along, so that a message to either identifier reaches the one contact.
func (s *smartSender) uniteContacts(c *call) reply {
	p, refusal := s.contact(c, "contactId")
	if refusal != nil {
		return *refusal
	}
	target, refusal := s.contact(c, "targetContactId")
	if refusal != nil {
		return *refusal
	}
	if p == target {
		return smartSenderRefusal(http.StatusBadRequest, "contact %d cannot be united with itself", p.id)
	}
	for mine, theirs := range map[*string]string{
		&p.firstName: target.firstName, &p.lastName: target.lastName, &p.email: target.email, &p.phone: target.phone,
	} {
		if *mine == "" {
			*mine = theirs
		}
	}
	for _, v := range target.variables {
		if i := p.variable(v.name); i < 0 {
			p.variables = append(p.variables, v)
		} else if p.variables[i].value == nil {
			p.variables[i].value = v.value
		}
	}
	for _, tag := range target.tags {
		if !slices.ContainsFunc(p.tags, func(t contactTag) bool { return t.Name == tag.Name }) {
			p.tags = append(p.tags, tag)
		}
	}
	for _, funnel := range target.funnels {
		if !slices.ContainsFunc(p.funnels, func(f contactFunnel) bool { return f.Name == funnel.Name }) {
			p.funnels = append(p.funnels, funnel)
		}
	}
	p.gates = append(p.gates, target.gates...)
	p.updatedAt = time.Now()
	delete(s.contacts, target.id)
	return smartSenderDone()
}
