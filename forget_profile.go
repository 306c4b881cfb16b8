package playline

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// What Forget erases at Fyno: a person's suppressions, and the profile.

func (f *forgetting) suppressions() {
	id := f.who.or(f.who.FynoID)
	if !f.ready(Fyno, "suppressions", id+f.who.Email+f.who.Phone != "", "ID, FynoID, e-mail address or phone number") {
		return
	}
	f.step(Fyno, "suppressions", func() (result, error) {
		list, err := f.Suppressions.List(f.ctx, f.opts...)
		if err != nil {
			return result{}, err
		}
		removed, kept, unconfirmed := 0, 0, 0
		var failed []error
		for _, s := range list.Suppressions {
			mine := id != "" && s.DistinctID == id
			switch {
			case !mine && !f.who.holds(s):
				continue
			case !mine && !f.o.LiftSuppressions:
				kept++
				continue
			case !f.o.DryRun:
				key := SuppressionKey{ID: s.ID}
				if s.ID == "" { // what else an entry is deleted by takes the person's others too, and with an address those of all who share it
					key = SuppressionKey{DistinctID: s.DistinctID, Destination: s.Destination}
				}
				answer, err := f.Suppressions.Delete(f.ctx, key, f.again()...)
				if err != nil && !isGone(err) {
					failed = append(failed, err)
					continue
				}
				if err == nil && answer.Status != fynoOK {
					unconfirmed++
					continue
				}
			}
			removed++
		}
		if len(failed) > 0 {
			return result{"", fmt.Sprintf("%d removed", removed)}, errors.Join(failed...)
		}
		r := result{FlowNothing, ""}
		switch {
		case unconfirmed > 0:
			r = result{FlowUnconfirmed, fmt.Sprintf("%d removed; %d deletions were answered without a word about them", removed, unconfirmed)}
		case removed > 0 && f.o.DryRun:
			r = result{FlowPlanned, fmt.Sprintf("remove %d", removed)}
		case removed > 0:
			r = result{FlowDone, fmt.Sprintf("%d removed", removed)}
		}
		if kept > 0 {
			r.detail = strings.TrimPrefix(r.detail+fmt.Sprintf("; %d of the address or the number stay, see ForgetOptions.LiftSuppressions", kept), "; ")
		}
		return r, nil
	})
}

// holds reports whether a suppression is of the person's address or number, and not someone else's by
// its distinct id.
func (i Identity) holds(s Suppression) bool {
	return s.DistinctID == "" && (sameAddress(s.Destination, i.Email) || samePhone(s.Destination, i.Phone))
}

func (f *forgetting) profile() {
	id := f.who.or(f.who.FynoID)
	if !f.ready(Fyno, "profile", id != "", "ID or FynoID") {
		return
	}
	f.step(Fyno, "profile", func() (result, error) {
		if f.o.DryRun {
			_, err := f.Profiles.Get(f.ctx, id, f.opts...)
			switch {
			case isNoProfile(err, id):
				return result{FlowNothing, ""}, nil
			case err != nil:
				return result{}, err
			}
			return result{FlowPlanned, "delete it"}, nil
		}
		answer, err := f.Profiles.Delete(f.ctx, []string{id}, f.again()...)
		if isNoProfile(err, id) {
			return result{FlowNothing, ""}, nil
		}
		return taken(result{FlowDone, ""}, answer, err)
	})
	f.say(Fyno, "messages that were sent", FlowImpossible, "the API has no operation for it, ask the vendor: https://fyno.io/docs")
}

var (
	profileWords   = regexp.MustCompile(`(?i)\b(distinct.?id|profile|user)\b`)
	workspaceWords = regexp.MustCompile(`(?i)workspace|wsid|version`)
)

// isNoProfile reports whether Fyno says that the profile is not there. Only its words tell: every refusal
// is a 400, and a workspace or a version that does not exist is the configuration's fault.
func isNoProfile(err error, id string) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && isGone(err) && ofProfile(e.Message, id)
}

// ofProfile reports whether a message is about the profile. The id itself is not a word of Fyno's.
func ofProfile(message, id string) bool {
	message = regexp.MustCompile(`\b`+regexp.QuoteMeta(id)+`\b`).ReplaceAllString(message, "")
	return profileWords.MatchString(message) && !workspaceWords.MatchString(message)
}
