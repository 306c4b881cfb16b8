package emulator

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// fynoChannels are where a profile can be reached: one destination a channel, and tokens in push
// and inapp.
type fynoChannels struct {
	single map[string]string
	tokens map[string][]fynoToken
}

// fynoToken is one device or browser. Status is a float because 1.0 is an integer to the contract.
type fynoToken struct {
	Token         string   `json:"token"`
	IntegrationID *string  `json:"integration_id,omitzero"`
	Status        *float64 `json:"status"`
}

func (t fynoToken) active() bool { return t.Status == nil || *t.Status == 1 }

// fynoPhone is a number with its country code. The reference prefers E.164, leaves the plus sign to
// the caller, and shows +61 400 000 000 too.
var fynoPhone = regexp.MustCompile(`^\(?\+?[1-9](?:[ .()-]*[0-9]){6,14}$`)

// phoneMarks removes what is written between the digits of a number.
var phoneMarks = strings.NewReplacer("+", "", " ", "", ".", "", "(", "", ")", "", "-", "")

// phoneChannels are the channels whose destination is a phone number.
func phoneChannels() []string { return []string{"sms", "voice", "whatsapp"} }

func newFynoChannels() fynoChannels {
	return fynoChannels{single: map[string]string{}, tokens: map[string][]fynoToken{}}
}

func holdsTokens(channel string) bool { return channel == "push" || channel == "inapp" }

func (ch *fynoChannels) UnmarshalJSON(data []byte) error {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return err
	}
	*ch = newFynoChannels()
	for channel, value := range raw {
		if holdsTokens(channel) {
			var tokens []fynoToken
			if err := json.Unmarshal(value, &tokens); err != nil {
				return fmt.Errorf("channel %s: %w", channel, err)
			}
			ch.tokens[channel] = tokens
			continue
		}
		var destination string
		if err := json.Unmarshal(value, &destination); err != nil {
			return fmt.Errorf("channel %s: %w", channel, err)
		}
		ch.single[channel] = destination
	}
	return nil
}

func (ch fynoChannels) MarshalJSON() ([]byte, error) {
	all := map[string]any{}
	for channel, destination := range ch.single {
		all[channel] = destination
	}
	for channel, tokens := range ch.tokens {
		all[channel] = tokens
	}
	return json.Marshal(all)
}

// refuse says no to a phone number without its country code, a rule that the contract has only in
// words.
func (ch *fynoChannels) refuse() *reply {
	if ch == nil {
		return nil
	}
	for _, channel := range phoneChannels() {
		if number, ok := ch.single[channel]; ok && !fynoPhone.MatchString(number) {
			return new(badDestination(channel))
		}
	}
	return nil
}

// add sets the single destinations and adds the tokens; a token that is there already is updated,
// not added twice.
func (ch fynoChannels) add(more fynoChannels) {
	maps.Copy(ch.single, more.single)
	for channel, tokens := range more.tokens {
		for _, token := range tokens {
			if token.Status == nil {
				token.Status = new(1.0)
			}
			if i := ch.find(channel, token.Token); i >= 0 {
				ch.tokens[channel][i] = token
			} else {
				ch.tokens[channel] = append(ch.tokens[channel], token)
			}
		}
	}
}

// fill takes what ch lacks from other.
func (ch fynoChannels) fill(other fynoChannels) {
	for channel, destination := range other.single {
		if ch.single[channel] == "" {
			ch.single[channel] = destination
		}
	}
	for channel, tokens := range other.tokens {
		for _, token := range tokens {
			if ch.find(channel, token.Token) < 0 {
				ch.tokens[channel] = append(ch.tokens[channel], token)
			}
		}
	}
}

func (ch fynoChannels) find(channel, token string) int {
	return slices.IndexFunc(ch.tokens[channel], func(t fynoToken) bool { return t.Token == token })
}

func (ch fynoChannels) has(channel string) bool {
	_, ok := ch.single[channel]
	return ok || len(ch.tokens[channel]) > 0
}

// clone shares no map or slice with ch; what tokens point to is never written.
func (ch fynoChannels) clone() fynoChannels {
	out := fynoChannels{single: maps.Clone(ch.single), tokens: map[string][]fynoToken{}}
	for channel, tokens := range ch.tokens {
		out.tokens[channel] = slices.Clone(tokens)
	}
	return out
}

type fynoChannelsInput struct {
	Channel fynoChannels `json:"channel"`
}

func (f *fyno) updateChannels(c *call, in fynoChannelsInput) reply {
	p := f.version(c).profiles[c.path["distinct_id"]]
	if p == nil {
		return fynoBad(fynoNoSuchProfile)
	}
	if refusal := in.Channel.refuse(); refusal != nil {
		return *refusal
	}
	p.channels.add(in.Channel)
	p.updatedAt = time.Now()
	return fynoDone(http.StatusOK, "Channel has been modified successfully")
}

type fynoChannelsDeletion struct {
	Channel []string `json:"channel"`
	Inapp   []string `json:"inapp"`
	Push    []string `json:"push"`
}

// deleteChannels deletes whole channels or single tokens; where one of them does not exist, nothing
// is deleted.
func (f *fyno) deleteChannels(c *call, in fynoChannelsDeletion) reply {
	p := f.version(c).profiles[c.path["distinct_id"]]
	if p == nil {
		return fynoBad(fynoNoSuchProfile)
	}
	tokens := map[string][]string{"inapp": in.Inapp, "push": in.Push}
	for _, channel := range in.Channel {
		if !p.channels.has(channel) {
			return fynoBad(fynoNoSuchChannel)
		}
	}
	for channel, gone := range tokens {
		for _, token := range gone {
			if p.channels.find(channel, token) < 0 {
				return fynoBad(fynoNoSuchChannel)
			}
		}
	}
	for _, channel := range in.Channel {
		delete(p.channels.single, channel)
		delete(p.channels.tokens, channel)
	}
	for channel, gone := range tokens {
		kept := slices.DeleteFunc(p.channels.tokens[channel], func(t fynoToken) bool { return slices.Contains(gone, t.Token) })
		if p.channels.tokens[channel] = kept; len(kept) == 0 {
			delete(p.channels.tokens, channel)
		}
	}
	p.updatedAt = time.Now()
	return fynoDone(http.StatusOK, "Channel has been modified successfully")
}
