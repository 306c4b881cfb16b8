package emulator

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"time"
	_ "time/tzdata" // a profile's UTC offset must be the same on a machine without a time zone database
)

// fynoProfile is one user of a version of the workspace.
type fynoProfile struct {
	id         string
	distinctID string
	name       string
	status     int
	timezone   string
	idList     []string // ids of the profiles that were merged into this one
	aliases    []string // their distinct ids
	channels   fynoChannels
	properties map[string]any
	choices    fynoChoices
	createdAt  time.Time
	updatedAt  time.Time
}

// fynoProfileInput is the body that creates or updates a profile; nil is a key that was not sent.
type fynoProfileInput struct {
	DistinctID *string       `json:"distinct_id"`
	Name       *string       `json:"name"`
	Status     sentStatus    `json:"status"`
	Timezone   *string       `json:"timezone"`
	Channel    *fynoChannels `json:"channel"`
}

// sentStatus is a profile's status as a request has it: not there, null, which stands for 1, or a
// number. The number is a float because 1.0 is an integer to the contract.
type sentStatus struct {
	sent  bool
	value float64
}

// UnmarshalJSON notes that the status was sent.
func (s *sentStatus) UnmarshalJSON(data []byte) error {
	*s = sentStatus{sent: true, value: 1}
	return json.Unmarshal(data, &s.value) // null leaves the value as it is
}

// fynoProfileBody is a profile as the API shows it.
type fynoProfileBody struct {
	DistinctID     string         `json:"distinct_id"`
	ProfileID      string         `json:"profile_id"`
	Name           string         `json:"name,omitzero"`
	Status         int            `json:"status"`
	CountryCode    string         `json:"country_code"`
	Timezone       string         `json:"timezone"`
	TimezoneOffset string         `json:"timezone_offset"`
	CreatedAt      string         `json:"created_at"`
	UpdatedAt      string         `json:"updated_at"`
	Version        string         `json:"version"`
	IDList         []string       `json:"id_list"`
	Channel        fynoChannels   `json:"channel"`
	ChannelRaw     fynoChannels   `json:"channel_raw"`
	Properties     map[string]any `json:"properties"`
}

// addProfile stores an empty, active profile.
func (f *fyno) addProfile(v *fynoVersion, distinctID string) *fynoProfile {
	now := time.Now()
	p := &fynoProfile{
		id: f.objectID(), distinctID: distinctID, status: 1, timezone: "UTC",
		channels: newFynoChannels(), properties: map[string]any{}, choices: newFynoChoices(),
		createdAt: now, updatedAt: now,
	}
	v.profiles[distinctID] = p
	return p
}

func (f *fyno) createProfile(c *call, in fynoProfileInput) reply {
	v := f.version(c)
	if v.profiles[*in.DistinctID] != nil {
		return profileExists(*in.DistinctID, v.name)
	}
	if refusal := in.Channel.refuse(); refusal != nil {
		return *refusal
	}
	f.addProfile(v, *in.DistinctID).apply(in)
	return fynoDone(http.StatusCreated, "Profile created successfully")
}

// apply replaces what the input names, the channels as a whole.
func (p *fynoProfile) apply(in fynoProfileInput) {
	if in.Name != nil {
		p.name = *in.Name
	}
	if in.Status.sent {
		p.status = int(in.Status.value)
	}
	if in.Timezone != nil {
		p.timezone = *in.Timezone
	}
	if in.Channel != nil {
		p.channels = newFynoChannels()
		p.channels.add(*in.Channel)
	}
	p.updatedAt = time.Now()
}

func (f *fyno) getProfile(c *call) reply {
	v, id := f.version(c), c.path["distinct_id"]
	p := v.profiles[id]
	if p == nil {
		return fynoBad(fynoNoSuchProfile)
	}
	return reply{status: http.StatusOK, body: fynoProfileBody{
		DistinctID: p.distinctID, ProfileID: p.id, Name: p.name, Status: p.status, Version: v.name,
		CountryCode: countryOf(p.channels.single["sms"]), Timezone: p.timezone, TimezoneOffset: offsetOf(p.timezone),
		CreatedAt: fynoMoment(p.createdAt), UpdatedAt: fynoMoment(p.updatedAt),
		IDList:  append([]string{}, p.idList...),
		Channel: p.channels.clone(), ChannelRaw: p.channels.clone(), Properties: cloneProperties(p.properties),
	}}
}

// offsetOf is the zone's offset from UTC now, such as +05:30.
func offsetOf(timezone string) string {
	zone, err := time.LoadLocation(timezone)
	if err != nil {
		zone = time.UTC
	}
	return time.Now().In(zone).Format("-07:00")
}

func (f *fyno) updateProfile(c *call, in fynoProfileInput) reply {
	v, id := f.version(c), c.path["distinct_id"]
	p := v.profiles[id]
	if p == nil {
		return fynoBad(fynoNothingToUpdate)
	}
	renamed := in.DistinctID != nil && *in.DistinctID != id
	if renamed && v.profiles[*in.DistinctID] != nil {
		return profileExists(*in.DistinctID, v.name)
	}
	if refusal := in.Channel.refuse(); refusal != nil {
		return *refusal
	}
	if renamed {
		v.rename(p, *in.DistinctID)
	}
	p.apply(in)
	return fynoDone(http.StatusOK, "1 Record(s) updated successfully")
}

// rename gives a profile another distinct id, one that no profile has.
func (v *fynoVersion) rename(p *fynoProfile, distinctID string) {
	delete(v.profiles, p.distinctID)
	p.distinctID = distinctID
	v.profiles[distinctID] = p
}

func (f *fyno) mergeProfiles(c *call) reply {
	v, from, to := f.version(c), c.path["source_distinct_id"], c.path["target_distinct_id"]
	source, target := v.profiles[from], v.profiles[to]
	switch {
	case source == nil:
		return fynoBad(fynoNothingToMerge)
	case from == to:
		return fynoBad("cannot merge distinct_id '" + from + "' into itself")
	case target == nil:
		v.rename(source, to)
		source.updatedAt = time.Now()
		return fynoDone(http.StatusOK, "1 Record(s) updated and 0 Records(s) deleted")
	}
	target.absorb(source)
	delete(v.profiles, from)
	return fynoDone(http.StatusOK, "1 Record(s) updated and 1 Records(s) deleted")
}

// absorb takes from source what p lacks; where both have a value, p's stays.
func (p *fynoProfile) absorb(source *fynoProfile) {
	if p.name == "" {
		p.name = source.name
	}
	p.idList = append(append(p.idList, source.id), source.idList...)
	p.aliases = append(append(p.aliases, source.distinctID), source.aliases...)
	p.channels.fill(source.channels)
	for name, value := range source.properties {
		if _, ok := p.properties[name]; !ok {
			p.properties[name] = value
		}
	}
	p.choices.fill(source.choices)
	p.updatedAt = time.Now()
}

// answersTo tells whether the profile has the distinct id, or was merged from one that had it.
func (p *fynoProfile) answersTo(distinctID string) bool {
	return p.distinctID == distinctID || slices.Contains(p.aliases, distinctID)
}

type fynoDeleteInput struct {
	DistinctIDs []string `json:"distinct_id"`
}

// deleteProfiles deletes all the profiles or, where one does not exist, none.
func (f *fyno) deleteProfiles(c *call, in fynoDeleteInput) reply {
	v := f.version(c)
	gone := map[string]bool{}
	for _, id := range in.DistinctIDs {
		if v.profiles[id] == nil {
			return fynoBad(fynoNothingToDelete)
		}
		gone[id] = true
	}
	maps.DeleteFunc(v.profiles, func(id string, _ *fynoProfile) bool { return gone[id] })
	return fynoDone(http.StatusOK, "%d User(s) deleted successfully", len(gone))
}
