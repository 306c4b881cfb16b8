package playline

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
)

// ProfilesService reaches the notification profiles of Fyno: a user, and the destinations of each channel.
//
// Vendor: https://fyno.io/docs/api-reference
type ProfilesService service

// ActiveStatus is whether a profile or a token takes messages. Its zero is a value, so fields of it are pointers:
// new(playline.Inactive).
type ActiveStatus int

// The statuses.
const (
	Inactive ActiveStatus = 0
	Active   ActiveStatus = 1
)

// Status is Fyno's answer where there is nothing else to say.
type Status struct {
	Message string `json:"_message"`
	Status  string `json:"status"` // ok
}

// fynoOK is the status by which Fyno confirms a change.
const fynoOK = "ok"

// ProfileChannels are the destinations of a profile; empty ones are not sent. Phone numbers begin with
// their country code. The vendor prefers E.164, such as +61400000000, and takes +61 400 000 000 too.
type ProfileChannels struct {
	Discord  string         `json:"discord,omitempty"`
	Email    string         `json:"email,omitempty"`
	Slack    string         `json:"slack,omitempty"`    // channel id, user id or e-mail
	SMS      string         `json:"sms,omitempty"`      // a phone number
	Teams    string         `json:"teams,omitempty"`    // one channel name
	Voice    string         `json:"voice,omitempty"`    // a phone number
	WhatsApp string         `json:"whatsapp,omitempty"` // a phone number
	InApp    []ProfileToken `json:"inapp,omitempty"`
	Push     []ProfileToken `json:"push,omitempty"`
}

// ProfileToken is one device or session of a profile.
type ProfileToken struct {
	Token         string        `json:"token"`
	IntegrationID string        `json:"integration_id,omitempty"` // "" means any integration
	Status        *ActiveStatus `json:"status,omitempty"`         // nil means active
}

// validate checks the channels; place is where they stand in the request.
func (c ProfileChannels) validate(place string) error {
	if err := firstOf(
		check{place + ".discord", optionalText(c.Discord)},
		check{place + ".email", emailRule(c.Email)},
		check{place + ".slack", optionalText(c.Slack)},
		check{place + ".sms", phoneRule(c.SMS)},
		check{place + ".teams", optionalText(c.Teams)},
		check{place + ".voice", phoneRule(c.Voice)},
		check{place + ".whatsapp", phoneRule(c.WhatsApp)},
	); err != nil {
		return err
	}
	for name, tokens := range map[string][]ProfileToken{"inapp": c.InApp, "push": c.Push} {
		for i, t := range tokens {
			at := fmt.Sprintf("%s.%s[%d]", place, name, i)
			if err := firstOf(
				check{at + ".token", textRule(t.Token)},
				check{at + ".integration_id", optionalText(t.IntegrationID)},
				check{at + ".status", statusRule(t.Status)},
			); err != nil {
				return err
			}
		}
	}
	return nil
}

func statusRule(s *ActiveStatus) string {
	return ruleIf(s != nil && *s != Active && *s != Inactive, "must be 0 (inactive) or 1 (active)")
}

// ProfileCreate is the body of Profiles.Create.
type ProfileCreate struct {
	DistinctID string          `json:"distinct_id"`
	Name       string          `json:"name,omitempty"`
	Status     *ActiveStatus   `json:"status,omitempty"`
	Timezone   string          `json:"timezone,omitempty"` // IANA name
	Channels   ProfileChannels `json:"channel,omitzero"`
}

// Validate checks what the contract says of a new profile.
func (r ProfileCreate) Validate() error {
	if err := firstOf(
		check{"distinct_id", textRule(r.DistinctID)},
		check{"name", optionalText(r.Name)},
		check{"status", statusRule(r.Status)},
		check{"timezone", optionalText(r.Timezone)},
	); err != nil {
		return err
	}
	return r.Channels.validate("channel")
}

// ProfileUpdate is the body of Profiles.Update: what is nil or empty stays as it is.
type ProfileUpdate struct {
	DistinctID string           `json:"distinct_id,omitempty"` // the new one
	Name       *string          `json:"name,omitempty"`        // new("") empties it
	Status     *ActiveStatus    `json:"status,omitempty"`
	Timezone   string           `json:"timezone,omitempty"`
	Channels   *ProfileChannels `json:"channel,omitempty"` // replaces all channels: the ones that are empty here are removed
}

// Validate checks what the contract says of an update.
func (r ProfileUpdate) Validate() error {
	if err := firstOf(
		check{"update", ruleIf(r == ProfileUpdate{}, "must change something")},
		check{"distinct_id", optionalText(r.DistinctID)},
		check{"status", statusRule(r.Status)},
		check{"timezone", optionalText(r.Timezone)},
	); err != nil {
		return err
	}
	if r.Name != nil {
		if err := firstOf(check{"name", optionalText(*r.Name)}); err != nil {
			return err
		}
	}
	if r.Channels == nil {
		return nil
	}
	return r.Channels.validate("channel")
}

// Profile is a profile as Fyno keeps it.
type Profile struct {
	DistinctID     string          `json:"distinct_id"`
	ProfileID      string          `json:"profile_id"`
	Name           string          `json:"name"`
	Status         ActiveStatus    `json:"status"`
	CountryCode    string          `json:"country_code"`
	Timezone       string          `json:"timezone"`
	TimezoneOffset string          `json:"timezone_offset"` // such as +05:30
	CreatedAt      Timestamp       `json:"created_at"`
	UpdatedAt      Timestamp       `json:"updated_at"`
	Version        FynoVersion     `json:"version"`
	IDList         []string        `json:"id_list"` // the ids that were merged into it
	Channels       ProfileChannels `json:"channel"`
	Properties     json.RawMessage `json:"properties"`  // as it came; the vendor does not document its shape
	ChannelsRaw    json.RawMessage `json:"channel_raw"` // as it came; likewise
}

// UnmarshalJSON leaves out an item of id_list that is not a text or a number: the vendor does not document
// their types.
func (p *Profile) UnmarshalJSON(b []byte) error {
	type plain Profile
	in := struct {
		*plain
		IDList json.RawMessage `json:"id_list"`
	}{plain: (*plain)(p)}
	if err := json.Unmarshal(b, &in); err != nil {
		return err
	}
	p.IDList = nil
	readLoosely(in.IDList, reflect.ValueOf(&p.IDList).Elem())
	return nil
}

// PropertyMap decodes the properties if they are an object, as they are by all that is known. Its numbers
// are of type json.Number, which rounds nothing: a whole number above 2^53 is no float64.
func (p *Profile) PropertyMap() (map[string]any, error) {
	var m map[string]any
	if err := decodeNumbers(p.Properties, &m); err != nil {
		return nil, fmt.Errorf("playline: the properties of the profile are not a JSON object: %w", err)
	}
	return m, nil
}

// Create makes a profile. One that exists matches ErrConflict.
//
// Class unsent.
// Vendor: https://fyno.io/docs/api-reference
func (s *ProfilesService) Create(ctx context.Context, profile ProfileCreate, opts ...RequestOption) (*Status, error) {
	return call[Status](ctx, (*service)(s), opCreateProfile, input{body: profile}, opts)
}

// Get returns a profile with its properties.
//
// Class safe. An unknown id, which Fyno answers with 400, matches ErrNotFound.
// Vendor: https://fyno.io/docs/api-reference/manage-user-profiles/get-wsid-version-profiles-distinct-id
func (s *ProfilesService) Get(ctx context.Context, distinctID string, opts ...RequestOption) (*Profile, error) {
	return call[Profile](ctx, (*service)(s), opGetProfile, input{path: []string{distinctID}}, opts)
}

// Update changes what the update holds and leaves the rest, except that Channels replaces all channels.
//
// Class safe.
// Vendor: https://fyno.io/docs/api-reference
func (s *ProfilesService) Update(ctx context.Context, distinctID string, update ProfileUpdate, opts ...RequestOption) (*Status, error) {
	return call[Status](ctx, (*service)(s), opUpdateProfile, input{path: []string{distinctID}, body: update}, opts)
}

// Merge moves the source into the target and deletes the source; where there is no target the source is renamed to it.
//
// Class unsent.
// Vendor: https://fyno.io/docs/api-reference
func (s *ProfilesService) Merge(ctx context.Context, sourceID, targetID string, opts ...RequestOption) (*Status, error) {
	if sourceID == targetID {
		return nil, &ValidationError{"target_distinct_id", "must be another id than the source"}
	}
	return call[Status](ctx, (*service)(s), opMergeProfiles, input{path: []string{sourceID, targetID}}, opts)
}

// Delete removes profiles by their distinct ids.
//
// Class unsent.
// Vendor: https://fyno.io/docs/api-reference
func (s *ProfilesService) Delete(ctx context.Context, distinctIDs []string, opts ...RequestOption) (*Status, error) {
	return call[Status](ctx, (*service)(s), opDeleteProfiles, input{body: profileIDs{distinctIDs}}, opts)
}

type profileIDs struct {
	DistinctIDs []string `json:"distinct_id"`
}

func (r profileIDs) Validate() error { return checkTexts("distinct_id", r.DistinctIDs) }

// checkTexts checks a list that must not be empty and must hold no empty text.
func checkTexts(field string, list []string) error {
	if len(list) == 0 {
		return &ValidationError{field, "must not be empty"}
	}
	for i, s := range list {
		if err := firstOf(check{fmt.Sprintf("%s[%d]", field, i), textRule(s)}); err != nil {
			return err
		}
	}
	return nil
}
