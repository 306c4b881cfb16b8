package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/playline/playline-go"
)

// The steps with Fyno: who gets which message, and on which channel.

func (e *evening) profiles(ctx context.Context) (string, error) {
	for _, p := range e.players {
		e.count("createProfile")
		_, err := e.client.Profiles.Create(ctx, playline.ProfileCreate{
			DistinctID: p.deviceID,
			Name:       p.handle,
			Timezone:   "Australia/Sydney",
			Channels:   playline.ProfileChannels{SMS: p.phone, Email: p.email},
		})
		if err != nil && !errors.Is(err, playline.ErrConflict) { // a second evening against the real service
			return "", err
		}
	}
	e.count("updateChannels")
	_, err := e.client.Profiles.UpdateChannels(ctx, e.players[0].deviceID, playline.ProfileChannels{Push: []playline.ProfileToken{{Token: "fcm_token:ace-phone"}}})
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d profiles, one with a push token", len(e.players)), nil
}

func (e *evening) properties(ctx context.Context) (string, error) {
	ace := e.players[0].deviceID
	e.count("setProperties")
	if _, err := e.client.Properties.Set(ctx, ace, playline.Properties{"level": 41, "clan": "Tōkai ブロック", "since": time.Now()}); err != nil {
		return "", err
	}
	e.count("addToProperties")
	if _, err := e.client.Properties.Add(ctx, ace, playline.Properties{"level": 1}); err != nil {
		return "", err
	}
	e.count("getProfile")
	profile, err := e.client.Profiles.Get(ctx, ace)
	if err != nil {
		return "", err
	}
	values, err := profile.PropertyMap()
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("level is %v, clan %v", values["level"], values["clan"]), nil
}

func (e *evening) subscription(ctx context.Context) (string, error) {
	blitz := e.players[1].deviceID
	e.count("getPreferences")
	preferences, err := e.client.Subscriptions.Preferences(ctx, blitz, playline.PreferencesOptions{})
	if err != nil {
		return "", err
	}
	for _, section := range slices.Sorted(maps.Keys(preferences.Topics)) {
		for _, topic := range preferences.Topics[section] {
			if topic.ChannelConfig[playline.ChannelEmail] != "on" { // off, or required: not the player's to choose
				continue
			}
			e.count("updatePreference")
			_, err := e.client.Subscriptions.UpdateTopic(ctx, topic.SubscriptionID, playline.TopicConsent{
				DistinctID: blitz, Channel: playline.ChannelEmail, Consent: playline.OptedOut,
			})
			if err != nil {
				return "", err
			}
			return fmt.Sprintf("blitz wants no e-mail of %q (%s)", topic.Name, section), nil
		}
	}
	return "the workspace has no topic whose e-mail a player can choose", nil
}

func (e *evening) suppression(ctx context.Context) (string, error) {
	nova := e.players[2]
	e.count("addSuppression")
	_, err := e.client.Suppressions.Add(ctx, playline.SuppressionCreate{DistinctID: nova.deviceID, Channel: playline.ChannelSMS, Description: "asked for quiet"})
	if err != nil {
		return "", err
	}
	// A suppressed message is a failure that comes as success: the client says so.
	e.count("fireEvent")
	_, err = e.client.Events.Fire(ctx, "season-start", playline.Recipient{DistinctID: nova.deviceID, To: playline.Destinations{SMS: nova.phone}})
	if partial, ok := errors.AsType[*playline.PartialError](err); ok {
		return fmt.Sprintf("and so nova's %s was %s", partial.Items[0].Key, partial.Items[0].Code), nil
	}
	if err != nil {
		return "", err
	}
	return "accepted; the service did not say that it was suppressed", nil
}

func (e *evening) oneTimePassword(ctx context.Context) (string, error) {
	ace := e.players[0]
	e.count("fireEvent")
	sent, err := e.client.Events.Fire(ctx, "login-otp", playline.Recipient{To: playline.Destinations{SMS: ace.phone}})
	if err != nil {
		return "", err
	}
	if e.server == nil {
		return "sent; only the phone knows the code", nil
	}
	messages := e.server.Messages()
	code := playline.Secret(messages[len(messages)-1].OTP)
	e.count("validateOTP")
	if _, err := e.client.Verify.Validate(ctx, playline.OTPCheck{RequestID: sent.RequestID, OTP: "000000"}); !errors.Is(err, playline.ErrInvalid) {
		return "", fmt.Errorf("a wrong code was not refused: %w", err)
	}
	e.count("validateOTP")
	if _, err := e.client.Verify.Validate(ctx, playline.OTPCheck{RequestID: sent.RequestID, OTP: code}); err != nil {
		return "", err
	}
	return fmt.Sprintf("a wrong code was refused, %v was right", code), nil
}
