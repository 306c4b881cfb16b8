package playline

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// invalid is a value that Validate must refuse, with the field and a part of the rule.
type invalid struct {
	name        string
	value       validator
	field, rule string
}

func assertInvalid(t *testing.T, rows []invalid) {
	t.Helper()
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			err := row.value.Validate()
			require.ErrorIs(t, err, ErrInvalid)
			v, ok := err.(*ValidationError) //nolint:errorlint // Validate returns it bare
			require.True(t, ok, "%T", err)
			assert.Equal(t, row.field, v.Field)
			assert.Contains(t, v.Rule, row.rule)
		})
	}
}

func assertValid(t *testing.T, values map[string]validator) {
	t.Helper()
	for name, v := range values {
		require.NoError(t, v.Validate(), name)
	}
}

// player returns a valid player after a change.
func player(change func(*Player)) Player {
	p := Player{ExternalID: "ace", Channels: PlayerChannels{SMS: "+61400000000"}}
	change(&p)
	return p
}

func quiet(start, end, zone string) func(*Player) {
	return func(p *Player) {
		p.Preferences = &PlayerPreferences{QuietHours: &QuietHours{Start: start, End: end, Timezone: zone}}
	}
}

func TestPlayerValidate(t *testing.T) {
	t.Parallel()
	assertValid(t, map[string]validator{
		"least":           Player{ExternalID: "ace"},
		"unicode":         Player{ExternalID: "\u00fcn\u00ef \u2694"},
		"no preferences":  player(func(p *Player) { p.Preferences = &PlayerPreferences{} }),
		"new channel":     player(func(p *Player) { p.Preferences = &PlayerPreferences{PreferredChannel: "carrier-pigeon"} }),
		"new platform":    player(func(p *Player) { p.Channels.Push = &PushChannel{Platform: "console", DeviceToken: "t"} }),
		"around midnight": player(quiet("00:00", "23:59", "Etc/UTC")),
		"shortest number": player(func(p *Player) { p.Channels.SMS = "+1234567" }),
		"longest number":  player(func(p *Player) { p.Channels.SMS = "+123456789012345" }),
	})
	assertInvalid(t, []invalid{
		{"nothing", Player{}, "external_id", "must not be empty"},
		{"an id of bytes", player(func(p *Player) { p.ExternalID = "\xff" }), "external_id", "UTF-8"},
		{"a number without +", player(func(p *Player) { p.Channels.SMS = "61400000000" }), "channels.sms", "E.164"},
		{"a number with 0", player(func(p *Player) { p.Channels.SMS = "+0400000000" }), "channels.sms", "E.164"},
		{"a number with spaces", player(func(p *Player) { p.Channels.SMS = "+61 400 000 000" }), "channels.sms", "E.164"},
		{"a short number", player(func(p *Player) { p.Channels.SMS = "+123456" }), "channels.sms", "E.164"},
		{"a long number", player(func(p *Player) { p.Channels.SMS = "+1234567890123456" }), "channels.sms", "E.164"},
		{"a number and a line", player(func(p *Player) { p.Channels.SMS = "+61400000000\n" }), "channels.sms", "E.164"},
		{"no at", player(func(p *Player) { p.Channels.Email = "ace" }), "channels.email", "e-mail"},
		{"no local part", player(func(p *Player) { p.Channels.Email = "@example.com" }), "channels.email", "e-mail"},
		{"no domain", player(func(p *Player) { p.Channels.Email = "ace@" }), "channels.email", "e-mail"},
		{"two ats", player(func(p *Player) { p.Channels.Email = "ace@b@example.com" }), "channels.email", "e-mail"},
		{"a space", player(func(p *Player) { p.Channels.Email = "a ce@example.com" }), "channels.email", "e-mail"},
		{"a line", player(func(p *Player) { p.Channels.Email = "ace@example.com\r\nBcc: x" }), "channels.email", "e-mail"},
		{"an address of bytes", player(func(p *Player) { p.Channels.Email = "\xff@example.com" }), "channels.email", "e-mail"},
		{"no device token", player(func(p *Player) { p.Channels.Push = &PushChannel{Platform: PlatformWeb} }), "channels.push.device_token", "empty"},
		{"a platform of bytes", player(func(p *Player) { p.Channels.Push = &PushChannel{"\xff", "t"} }), "channels.push.platform", "UTF-8"},
		{"an empty tag", player(func(p *Player) { p.Tags = []string{"a", ""} }), "tags[1]", "must not be empty"},
		{"a channel of bytes", player(func(p *Player) { p.Preferences = &PlayerPreferences{PreferredChannel: "\xff"} }), "preferences.preferred_channel", "UTF-8"},
		{"no start", player(quiet("", "07:00", "Etc/UTC")), "preferences.quiet_hours.start", "HH:MM"},
		{"hour 24", player(quiet("24:00", "07:00", "Etc/UTC")), "preferences.quiet_hours.start", "HH:MM"},
		{"minute 60", player(quiet("22:00", "07:60", "Etc/UTC")), "preferences.quiet_hours.end", "HH:MM"},
		{"one digit", player(quiet("22:00", "7:00", "Etc/UTC")), "preferences.quiet_hours.end", "HH:MM"},
		{"no zone", player(quiet("22:00", "07:00", "")), "preferences.quiet_hours.timezone", "empty"},
		{"no such zone", player(quiet("22:00", "07:00", "Mars/Olympus")), "preferences.quiet_hours.timezone", "IANA"},
		{"the machine's zone", player(quiet("22:00", "07:00", "Local")), "preferences.quiet_hours.timezone", "IANA"},
		{"a zone of a path", player(quiet("22:00", "07:00", "../../etc/passwd")), "preferences.quiet_hours.timezone", "IANA"},

		{"an empty import", importRequest{}, "players", "1 to 1000"},
		{"1001 players", importRequest{make([]Player, 1001)}, "players", "not 1001"},
		{"an invalid player", importRequest{[]Player{{ExternalID: "ace"}, {}}}, "players[1].external_id", "must not be empty"},
		{"a player twice", importRequest{[]Player{{ExternalID: "ace"}, {ExternalID: "b"}, {ExternalID: "ace"}}}, "players[2].external_id", "players[0]"},
	})
}

func TestProfileValidate(t *testing.T) {
	t.Parallel()
	channels := func(c ProfileChannels) ProfileUpdate { return ProfileUpdate{Channels: &c} }
	wrong := ActiveStatus(2)
	assertValid(t, map[string]validator{
		"least": ProfileCreate{DistinctID: "ace"}, "emptied name": ProfileUpdate{Name: new("")}, "no channels": channels(ProfileChannels{}),
		"tokens": ProfileTokens{Push: []string{"t"}}, "all channels": channelsUpdate{allChannels},
	})
	assertInvalid(t, []invalid{
		{"no id", ProfileCreate{}, "distinct_id", "empty"},
		{"a name of bytes", ProfileCreate{DistinctID: "a", Name: "\xff"}, "name", "UTF-8"},
		{"a wrong status", ProfileCreate{DistinctID: "a", Status: &wrong}, "status", "0 (inactive) or 1"},
		{"a zone of bytes", ProfileCreate{DistinctID: "a", Timezone: "\xff"}, "timezone", "UTF-8"},
		{"a wrong channel", ProfileCreate{DistinctID: "a", Channels: ProfileChannels{Email: "x"}}, "channel.email", "e-mail"},
		{"no change", ProfileUpdate{}, "update", "must change something"},
		{"an id of bytes", ProfileUpdate{DistinctID: "\xff"}, "distinct_id", "UTF-8"},
		{"a new name of bytes", ProfileUpdate{Name: new("\xff")}, "name", "UTF-8"},
		{"a wrong new status", ProfileUpdate{Status: &wrong}, "status", "0 (inactive) or 1"},
		{"discord", channels(ProfileChannels{Discord: "\xff"}), "channel.discord", "UTF-8"},
		{"slack", channels(ProfileChannels{Slack: "\xff"}), "channel.slack", "UTF-8"},
		{"sms", channels(ProfileChannels{SMS: "1"}), "channel.sms", "E.164"},
		{"a national number", channels(ProfileChannels{WhatsApp: "0400 000 000"}), "channel.whatsapp", "country code"},
		{"teams", channels(ProfileChannels{Teams: "\xff"}), "channel.teams", "UTF-8"},
		{"voice", channels(ProfileChannels{Voice: "1"}), "channel.voice", "E.164"},
		{"whatsapp", channels(ProfileChannels{WhatsApp: "1"}), "channel.whatsapp", "E.164"},
		{"an empty token", channels(ProfileChannels{Push: []ProfileToken{{Token: "a"}, {}}}), "channel.push[1].token", "empty"},
		{"an integration of bytes", channelsUpdate{ProfileChannels{InApp: []ProfileToken{{Token: "a", IntegrationID: "\xff"}}}}, "channel.inapp[0].integration_id", "UTF-8"},
		{"a wrong token status", channelsUpdate{ProfileChannels{InApp: []ProfileToken{{Token: "a", Status: &wrong}}}}, "channel.inapp[0].status", "0 (inactive) or 1"},
		{"no channels to delete", channelNames{}, "channel", "must not be empty"},
		{"an empty channel", channelNames{[]Channel{"sms", ""}}, "channel[1]", "must not be empty"},
		{"no tokens to delete", ProfileTokens{}, "inapp, push", "DeleteChannels"},
		{"an empty token to delete", ProfileTokens{InApp: []string{""}}, "inapp[0]", "must not be empty"},
		{"no profiles to delete", profileIDs{}, "distinct_id", "must not be empty"},
		{"an empty profile", profileIDs{[]string{"a", ""}}, "distinct_id[1]", "must not be empty"},
	})
}

func TestNothingIsMergedWithItself(t *testing.T) {
	t.Parallel()
	s := script(step{body: statusReply})
	_, err := newClient(t, s).Profiles.Merge(t.Context(), "ace", "ace")
	require.ErrorContains(t, err, "target_distinct_id must be another id")
	_, err = newClient(t, s).Contacts.Unite(t.Context(), 7, 7)
	require.ErrorContains(t, err, "targetContactId must be another contact")
	assert.Zero(t, s.count())
}

func TestPropertiesValidate(t *testing.T) {
	t.Parallel()
	set := func(v any) propertyRequest { return propertyRequest{"ace", PropertyActions{Set: Properties{"p": v}}} }
	add := func(v any) propertyRequest { return propertyRequest{"ace", PropertyActions{Add: Properties{"p": v}}} }
	push := func(v any) propertyRequest {
		return propertyRequest{"ace", PropertyActions{Append: Properties{"p": v}}}
	}
	assertValid(t, map[string]validator{
		"255 characters": set(strings.Repeat("\u00fc", 255)), "an empty text": set(""), "an empty list": set([]any{}), "every kind": propertyRequest{"ace", PropertyActions{Set: everyProperty}},
		"a negative": add(-1.5), "uint8": add(uint8(1)), "a long list item": push(strings.Repeat("\u00e9", 255)),
	})
	assertInvalid(t, []invalid{
		{"no id", propertyRequest{"", PropertyActions{Set: Properties{"a": 1}}}, "distinct_id", "empty"},
		{"nothing", propertyRequest{"ace", PropertyActions{}}, "properties", "must not be empty"},
		{"empty names", propertyRequest{"ace", PropertyActions{Set: Properties{"": 1}}}, "$set", "must not be empty"},
		{"256 characters", set(strings.Repeat("x", 256)), "$set.p", "at most 255"},
		{"bytes", set("\xff"), "$set.p", "UTF-8"},
		{"null", set(nil), "$set.p", "not <nil>"},
		{"a nil list", set([]string(nil)), "$set.p", "must be a list"},
		{"a map", set(map[string]any{"a": 1}), "$set.p", "not map"},
		{"a pointer", set(new(1)), "$set.p", "not *int"},
		{"NaN", set(math.NaN()), "$set.p", "finite"},
		{"infinity", set(math.Inf(-1)), "$set.p", "finite"},
		{"NaN of 32 bits", set(float32(math.NaN())), "$set.p", "finite"},
		{"NaN in a list", set([]float64{1, math.NaN()}), "$set.p[1]", "finite"},
		{"bytes in a list", set([]any{"a", "\xff"}), "$set.p[1]", "UTF-8"},
		{"a bool in a list", set([]any{true}), "$set.p[0]", "not bool"},
		{"a list in a list", set([]any{[]any{1}}), "$set.p[0]", "must be one"},
		{"a number that is none", set(jsonNumber("1x")), "$set.p", "JSON"},
		{"the year 10000", set(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)), "$set.p", "0 to 9999"},
		{"once", propertyRequest{"ace", PropertyActions{Once: Properties{"p": nil}}}, "$once.p", "must be a string"},
		{"a text to add", add("1"), "$add.p", "must be a number"},
		{"NaN to add", add(math.NaN()), "$add.p", "finite"},
		{"256 characters in a list", propertyRequest{"ace", PropertyActions{Set: Properties{"p": []any{"a", strings.Repeat("x", 256)}}}}, "$set.p[1]", "at most 255"},
		{"256 characters to append", push(strings.Repeat("\u00e9", 256)), "$append.p", "at most 255"},
		{"256 characters to remove", propertyRequest{"ace", PropertyActions{Remove: Properties{"p": strings.Repeat("x", 256)}}}, "$remove.p", "at most 255"},
		{"a list to append", push([]string{"a"}), "$append.p", "must be one"},
		{"a bool to append", push(true), "$append.p", "must be one"},
		{"a list to remove", propertyRequest{"ace", PropertyActions{Remove: Properties{"p": []int{1}}}}, "$remove.p", "must be one"},
		{"an empty name to unset", propertyRequest{"ace", PropertyActions{Unset: []string{"a", ""}}}, "$unset[1]", "must not be empty"},
		{"an empty batch", propertyBatch{}, "batch", "must not be empty"},
		{"an item without id", propertyBatch{[]PropertyChange{{Actions: PropertyActions{Unset: []string{"a"}}}}}, "batch[0].distinct_id", "empty"},
		{"an item without action", propertyBatch{[]PropertyChange{{DistinctID: "ace"}}}, "batch[0].action.properties", "must not be empty"},
		{"an item with a wrong value", propertyBatch{[]PropertyChange{
			{DistinctID: "ace", Actions: PropertyActions{Unset: []string{"a"}}}, {DistinctID: "b", Actions: PropertyActions{Add: Properties{"p": "x"}}},
		}}, "batch[1].action.$add.p", "must be a number"},
	})
}
