package playline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Identity is how the services know one person. ID is enough where the game uses its own id everywhere; what is not known stays empty.
type Identity struct {
	// ID is the game's own id: the external id at Smooven, and what FynoID, SunshineID and PlaySmartID are where they are empty.
	ID          string
	SmoovenID   string // Smooven's own player id, which is not the external id; Identify learns it
	FynoID      string // distinct id
	SunshineID  string // user id or external id
	BrandID     string // of Sunshine, where users are kept apart by brand and named by external id
	PlaySmartID string // the sub claim of the player's tokens, which events are tracked under
	ContactID   int64  // SmartSender's; without it a contact is looked for by Email and Phone
	Email       string
	Phone       string // E.164
}

// Validate checks that it names somebody.
func (i Identity) Validate() error {
	return firstOf(
		check{"identity", ruleIf(i == Identity{BrandID: i.BrandID}, "must hold an id, an e-mail address or a phone number")},
		check{"id", optionalText(i.ID)},
		check{"smooven_id", optionalText(i.SmoovenID)},
		check{"fyno_id", optionalText(i.FynoID)},
		check{"sunshine_id", optionalText(i.SunshineID)},
		check{"brand_id", optionalText(i.BrandID)},
		check{"playsmart_id", optionalText(i.PlaySmartID)},
		check{"contact_id", ruleIf(i.ContactID < 0, "must be positive")},
		check{"email", emailRule(i.Email)},
		check{"phone", e164Rule(i.Phone)},
	)
}

// or returns a service's id, or the game's where there is none.
func (i Identity) or(id string) string {
	if id == "" {
		return i.ID
	}
	return id
}

// FlowStatus is how a step of Forget, Identify or Find ended.
type FlowStatus string

// The statuses. A report of the first four alone is complete, see FlowReport.Complete.
const (
	FlowDone          FlowStatus = "done"
	FlowFound         FlowStatus = "found"          // only of a look-up
	FlowNothing       FlowStatus = "nothing there"  // the service says so itself, as after a call before
	FlowNotConfigured FlowStatus = "not configured" // the client does not know the service, so nobody asked it
	FlowNotAsked      FlowStatus = "not asked"      // the client knows the service, but the identity holds no key for it: see ErrNotAsked
	FlowUnconfirmed   FlowStatus = "not confirmed"  // the service answered without saying that it was done: see ErrUnconfirmed
	FlowPlanned       FlowStatus = "would do"       // only in a dry run
	FlowFailed        FlowStatus = "failed"         // call again, with FlowReport.Identity
	FlowImpossible    FlowStatus = "impossible"     // no operation of this library does it: calling again does not help, the vendor must be asked
)

// What can be open although no step failed, for errors.Is. FlowReport.Err matches them.
var (
	// ErrNotAsked: a configured service was not asked, because the identity holds no key for it. It may
	// know the person. The step says which key it needs; with that in the identity call again.
	ErrNotAsked = errors.New("a configured service was not asked")
	// ErrUnconfirmed: a service answered, and neither its answer nor what it shows afterwards says that
	// the step was done. Call again, and look in the vendor's console if that does not help.
	ErrUnconfirmed = errors.New("the service did not confirm it")
)

// FlowStep is one step of Forget, Identify or Find.
type FlowStep struct {
	Service Service
	What    string
	Status  FlowStatus
	Detail  string // what was found, what is left, what to do
	Err     error  // why it failed
}

// String is the step on one line.
func (s FlowStep) String() string {
	line := fmt.Sprintf("%s: %s: %s", s.Service, s.What, s.Status)
	if s.Detail != "" {
		line += ": " + s.Detail
	}
	if s.Err != nil {
		line += ": " + scrub(s.Err.Error(), nil)
	}
	return line
}

// GoString is String: the default would print what is inside of Err.
func (s FlowStep) GoString() string { return s.String() }

// MarshalJSON writes the error as text, without addresses and phone numbers.
func (s FlowStep) MarshalJSON() ([]byte, error) {
	out := struct {
		Service Service    `json:"service"`
		What    string     `json:"what"`
		Status  FlowStatus `json:"status"`
		Detail  string     `json:"detail,omitempty"`
		Error   string     `json:"error,omitempty"`
	}{s.Service, s.What, s.Status, s.Detail, ""}
	if s.Err != nil {
		out.Error = scrub(s.Err.Error(), nil)
	}
	return json.Marshal(out)
}

// FlowReport is what Forget, Identify or Find did, step by step, in that order. As JSON and as text it
// holds ids of the services, and no credentials, addresses or phone numbers.
type FlowReport struct {
	DryRun   bool       `json:"dry_run,omitempty"`
	Steps    []FlowStep `json:"steps"`
	Identity Identity   `json:"-"` // as given, with the ids that were learned: what to call again with
}

// Err joins the errors of the steps that failed, and one for each step that was not asked (ErrNotAsked)
// or not confirmed (ErrUnconfirmed). Nil does not mean that everything could be done: see Complete and
// Impossible.
func (r FlowReport) Err() error {
	var errs []error
	for _, s := range r.Steps {
		err := s.Err
		switch {
		case err != nil:
		case s.Status == FlowNotAsked:
			err = ErrNotAsked
		case s.Status == FlowUnconfirmed:
			err = ErrUnconfirmed
		default:
			continue
		}
		if s.Err == nil && s.Detail != "" {
			err = fmt.Errorf("%w: %s", err, s.Detail)
		}
		errs = append(errs, fmt.Errorf("playline: %s: %s: %w", s.Service, s.What, err))
	}
	return errors.Join(errs...)
}

// Complete reports whether nothing is left to do: each configured service was asked, confirmed what was
// done or said that nothing is there, and no step is impossible here or only planned. With a nil error
// and Complete false the rest is the vendors' part, which Impossible lists, or the call was a dry run.
func (r FlowReport) Complete() bool {
	return len(r.Steps) > 0 && !slices.ContainsFunc(r.Steps, func(s FlowStep) bool {
		return !slices.Contains([]FlowStatus{FlowDone, FlowFound, FlowNothing, FlowNotConfigured}, s.Status)
	})
}

// Impossible returns the steps that no operation of this library can do.
func (r FlowReport) Impossible() []FlowStep {
	var out []FlowStep
	for _, s := range r.Steps {
		if s.Status == FlowImpossible {
			out = append(out, s)
		}
	}
	return out
}

// String is the report, one line per step.
func (r FlowReport) String() string {
	lines := make([]string, len(r.Steps))
	for i, s := range r.Steps {
		lines[i] = s.String()
	}
	return strings.Join(lines, "\n")
}

// GoString is String: the default would print the identity.
func (r FlowReport) GoString() string { return r.String() }

// flow is one call of Forget, Identify or Find.
type flow struct {
	*Client
	ctx    context.Context //nolint:containedctx // of the one call that the flow is
	opts   []RequestOption
	report *FlowReport
}

// result is how a step ended that did not fail.
type result struct {
	status FlowStatus
	detail string
}

// step does one step and reports it. A context that has ended begins none.
func (f *flow) step(s Service, what string, do func() (result, error)) FlowStatus {
	var r result
	err := f.ctx.Err()
	if err == nil {
		r, err = do()
	} else {
		r.detail = "not begun"
	}
	switch {
	case errors.Is(err, ErrUnconfirmed):
		r, err = result{FlowUnconfirmed, err.Error()}, nil
	case err != nil:
		r.status = FlowFailed
	}
	f.report.Steps = append(f.report.Steps, FlowStep{s, what, r.status, r.detail, err})
	return r.status
}

// say records a step that needs no request.
func (f *flow) say(s Service, what string, status FlowStatus, detail string) {
	f.report.Steps = append(f.report.Steps, FlowStep{Service: s, What: what, Status: status, Detail: detail})
}

// ready reports whether the client knows a service and the identity has a key for it, and records why
// not.
func (f *flow) ready(s Service, what string, hasKey bool, keys string) bool {
	switch {
	case f.endpoints[s] == nil:
		f.say(s, what, FlowNotConfigured, "")
	case !hasKey:
		f.say(s, what, FlowNotAsked, "the identity holds no "+keys)
	default:
		return true
	}
	return false
}

// again are the options of operations that may be repeated here in doubt: what they do twice is the same as once.
func (f *flow) again() []RequestOption {
	return append(f.opts[:len(f.opts):len(f.opts)], RetryInDoubt())
}

// isGone reports whether a service says, in its own words, that something is not there. A bare 404 can be a proxy's, or a wrong base URL's, and
// an unknown app is the configuration's fault.
func isGone(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && errors.Is(err, ErrNotFound) && e.Code+e.Message != "" && e.Code != "app_not_found"
}
