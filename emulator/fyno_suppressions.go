package emulator

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// fynoSuppression keeps one user, or one destination, from getting messages on one channel, in both
// versions.
type fynoSuppression struct {
	ID          string `json:"_id"`
	DistinctID  string `json:"distinct_id,omitzero"`
	Destination string `json:"destination,omitzero"`
	Channel     string `json:"channel"`
	Description string `json:"description,omitzero"`
	CreatedAt   string `json:"created_at"`
}

func (f *fyno) listSuppressions(*call) reply {
	return reply{status: http.StatusOK, body: append([]fynoSuppression{}, f.suppressions...)}
}

// addSuppression adds one entry; what is suppressed already only gets the new description.
func (f *fyno) addSuppression(_ *call, in fynoSuppression) reply {
	switch {
	case in.Channel == "":
		return fynoBad("body.channel must not be empty")
	case in.DistinctID != "":
		in.Destination = "" // the distinct id is taken
	case in.Destination == "":
		return fynoBad("one of body.distinct_id and body.destination must not be empty")
	case slices.Contains(phoneChannels(), in.Channel) && !fynoPhone.MatchString(in.Destination):
		return badDestination(in.Channel)
	case in.Channel == "email" && !strings.Contains(in.Destination, "@"):
		return badDestination(in.Channel)
	}
	known := slices.IndexFunc(f.suppressions, func(s fynoSuppression) bool {
		return s.Channel == in.Channel && s.DistinctID == in.DistinctID && sameDestination(s.Destination, in.Destination)
	})
	if known >= 0 {
		f.suppressions[known].Description = in.Description
	} else {
		in.ID, in.CreatedAt = f.objectID(), fynoMoment(time.Now())
		f.suppressions = append(f.suppressions, in)
	}
	return fynoDone(http.StatusOK, "User has been added to the suppression!")
}

// deleteSuppression deletes every entry that matches: _id is taken first, then distinct_id, then
// destination.
func (f *fyno) deleteSuppression(c *call) reply {
	id, distinctID, destination := c.query.Get("_id"), c.query.Get("distinct_id"), c.query.Get("destination")
	var match func(fynoSuppression) bool
	switch {
	case id != "":
		match = func(s fynoSuppression) bool { return s.ID == id }
	case distinctID != "":
		match = func(s fynoSuppression) bool { return s.DistinctID == distinctID }
	case destination != "":
		match = func(s fynoSuppression) bool { return sameDestination(s.Destination, destination) }
	default:
		return fynoBad("one of query._id, query.distinct_id and query.destination is required")
	}
	before := len(f.suppressions)
	f.suppressions = slices.DeleteFunc(f.suppressions, match)
	if len(f.suppressions) == before {
		return fynoBad(fynoNotSuppressed)
	}
	return fynoDone(http.StatusOK, "%d record(s) has been deleted!", before-len(f.suppressions))
}

// isSuppressed tells whether a message may not be sent. distinctID is empty where the event names
// none, and p is nil where no profile has it.
func (f *fyno) isSuppressed(distinctID string, p *fynoProfile, channel, destination string) bool {
	return slices.ContainsFunc(f.suppressions, func(s fynoSuppression) bool {
		if s.Channel != channel {
			return false
		}
		if s.DistinctID != "" {
			return s.DistinctID == distinctID || p != nil && p.answersTo(s.DistinctID)
		}
		return sameDestination(s.Destination, destination)
	})
}

// sameDestination compares two destinations; a phone number is the same in each of its spellings.
func sameDestination(a, b string) bool {
	return a == b || fynoPhone.MatchString(a) && fynoPhone.MatchString(b) && phoneMarks.Replace(a) == phoneMarks.Replace(b)
}
