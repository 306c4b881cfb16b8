package playline

import "context"

// UpdateChannels sets the channels that hold one destination and adds the tokens of push and inapp to those that are there.
//
// Class unsent: a repeat may add a token twice.
// Vendor: https://fyno.io/docs/api-reference
func (s *ProfilesService) UpdateChannels(ctx context.Context, distinctID string, channels ProfileChannels, opts ...RequestOption) (*Status, error) {
	return call[Status](ctx, (*service)(s), opUpdateChannels, input{path: []string{distinctID}, body: channelsUpdate{channels}}, opts)
}

type channelsUpdate struct {
	Channels ProfileChannels `json:"channel"`
}

func (r channelsUpdate) Validate() error { return r.Channels.validate("channel") }

// DeleteChannels removes whole channels: sms, whatsapp, email, slack, discord, teams, voice, push or inapp.
//
// Class unsent.
// Vendor: https://fyno.io/docs/api-reference
func (s *ProfilesService) DeleteChannels(ctx context.Context, distinctID string, channels []Channel, opts ...RequestOption) (*Status, error) {
	return call[Status](ctx, (*service)(s), opDeleteChannels, input{path: []string{distinctID}, body: channelNames{channels}}, opts)
}

type channelNames struct {
	Channels []Channel `json:"channel"`
}

func (r channelNames) Validate() error {
	names := make([]string, len(r.Channels))
	for i, c := range r.Channels {
		names[i] = string(c)
	}
	return checkTexts("channel", names)
}

// ProfileTokens are single tokens, by channel.
type ProfileTokens struct {
	InApp []string `json:"inapp,omitempty"`
	Push  []string `json:"push,omitempty"`
}

// Validate checks that there is a token, and that none is empty.
func (t ProfileTokens) Validate() error {
	if len(t.InApp)+len(t.Push) == 0 {
		return &ValidationError{"inapp, push", "must hold a token: Profiles.DeleteChannels removes whole channels"}
	}
	for _, l := range []struct {
		name   string
		tokens []string
	}{{"inapp", t.InApp}, {"push", t.Push}} {
		if len(l.tokens) == 0 {
			continue
		}
		if err := checkTexts(l.name, l.tokens); err != nil {
			return err
		}
	}
	return nil
}

// DeleteTokens removes single tokens of push and inapp.
//
// Class unsent.
// Vendor: https://fyno.io/docs/api-reference
func (s *ProfilesService) DeleteTokens(ctx context.Context, distinctID string, tokens ProfileTokens, opts ...RequestOption) (*Status, error) {
	return call[Status](ctx, (*service)(s), opDeleteTokens, input{path: []string{distinctID}, body: tokens}, opts)
}
