package main

import (
	"context"

	"github.com/playline/playline-go"
)

// call makes one call of the SDK.
type call func(context.Context, *playline.Client) (any, error)

// of turns a function with a typed result into a call.
func of[T any](do func(context.Context, *playline.Client) (*T, error)) call {
	return func(ctx context.Context, c *playline.Client) (any, error) { return do(ctx, c) }
}

// calls are a valid call of each operation.
var calls = map[string]call{
	"registerPlayer": of(func(ctx context.Context, c *playline.Client) (*playline.RegisteredPlayer, error) {
		return c.Players.Register(ctx, playline.Player{ExternalID: "ace"})
	}),
	"getPlayer": of(func(ctx context.Context, c *playline.Client) (*playline.PlayerRecord, error) {
		return c.Players.Get(ctx, "ply_1")
	}),
	"importPlayers": of(func(ctx context.Context, c *playline.Client) (*playline.ImportResult, error) {
		return c.Players.Import(ctx, []playline.Player{{ExternalID: "ace"}})
	}),
	"deletePlayer": of(func(ctx context.Context, c *playline.Client) (*playline.DeletedPlayer, error) {
		return c.Players.Delete(ctx, "ply_1")
	}),
	"createProfile": of(func(ctx context.Context, c *playline.Client) (*playline.Status, error) {
		return c.Profiles.Create(ctx, playline.ProfileCreate{DistinctID: "ace"})
	}),
	"getProfile": of(func(ctx context.Context, c *playline.Client) (*playline.Profile, error) {
		return c.Profiles.Get(ctx, "ace")
	}),
	"updateProfile": of(func(ctx context.Context, c *playline.Client) (*playline.Status, error) {
		return c.Profiles.Update(ctx, "ace", playline.ProfileUpdate{Name: new("ace")})
	}),
	"mergeProfiles": of(func(ctx context.Context, c *playline.Client) (*playline.Status, error) {
		return c.Profiles.Merge(ctx, "blitz", "ace")
	}),
	"deleteProfiles": of(func(ctx context.Context, c *playline.Client) (*playline.Status, error) {
		return c.Profiles.Delete(ctx, []string{"ace"})
	}),
	"updateChannels": of(func(ctx context.Context, c *playline.Client) (*playline.Status, error) {
		return c.Profiles.UpdateChannels(ctx, "ace", fullChannels())
	}),
	"deleteChannels": of(func(ctx context.Context, c *playline.Client) (*playline.Status, error) {
		return c.Profiles.DeleteChannels(ctx, "ace", []playline.Channel{playline.ChannelSMS})
	}),
	"setProperties": of(func(ctx context.Context, c *playline.Client) (*playline.PropertiesAccepted, error) {
		return c.Properties.Set(ctx, "ace", playline.Properties{"level": 1})
	}),
	"setPropertiesOnce": of(func(ctx context.Context, c *playline.Client) (*playline.PropertiesAccepted, error) {
		return c.Properties.SetOnce(ctx, "ace", playline.Properties{"level": 1})
	}),
	"addToProperties": of(func(ctx context.Context, c *playline.Client) (*playline.PropertiesAccepted, error) {
		return c.Properties.Add(ctx, "ace", playline.Properties{"level": 1})
	}),
	"appendToProperties": of(func(ctx context.Context, c *playline.Client) (*playline.PropertiesAccepted, error) {
		return c.Properties.Append(ctx, "ace", playline.Properties{"modes": "rush"})
	}),
	"removeFromProperties": of(func(ctx context.Context, c *playline.Client) (*playline.PropertiesAccepted, error) {
		return c.Properties.Remove(ctx, "ace", playline.Properties{"modes": "rush"})
	}),
	"unsetProperties": of(func(ctx context.Context, c *playline.Client) (*playline.PropertiesAccepted, error) {
		return c.Properties.Unset(ctx, "ace", []string{"level"})
	}),
	"batchProperties": of(func(ctx context.Context, c *playline.Client) (*playline.PropertyBatchResult, error) {
		actions := playline.PropertyActions{Set: playline.Properties{"level": 1}}
		return c.Properties.Batch(ctx, []playline.PropertyChange{{DistinctID: "ace", Actions: actions}})
	}),
	"getPreferences": of(func(ctx context.Context, c *playline.Client) (*playline.Preferences, error) {
		return c.Subscriptions.Preferences(ctx, "ace", playline.PreferencesOptions{})
	}),
	"updatePreferences": of(func(ctx context.Context, c *playline.Client) (*playline.TopicConsents, error) {
		consents := playline.ChannelConsents{playline.ChannelSMS: playline.OptedOut}
		return c.Subscriptions.Update(ctx, "ace", playline.TopicConsents{playline.AllTopics: consents})
	}),
	"updatePreference": of(func(ctx context.Context, c *playline.Client) (*playline.TopicConsents, error) {
		consent := playline.TopicConsent{DistinctID: "ace", Channel: playline.ChannelSMS, Consent: playline.OptedOut}
		return c.Subscriptions.UpdateTopic(ctx, playline.AllTopics, consent)
	}),
	"listSuppressions": of(func(ctx context.Context, c *playline.Client) (*playline.SuppressionList, error) {
		return c.Suppressions.List(ctx)
	}),
	"addSuppression": of(func(ctx context.Context, c *playline.Client) (*playline.Status, error) {
		return c.Suppressions.Add(ctx, playline.SuppressionCreate{DistinctID: "ace", Channel: playline.ChannelSMS})
	}),
	"deleteSuppression": of(func(ctx context.Context, c *playline.Client) (*playline.Status, error) {
		return c.Suppressions.Delete(ctx, playline.SuppressionKey{DistinctID: "ace"})
	}),
	"fireEvent": of(func(ctx context.Context, c *playline.Client) (*playline.EventAccepted, error) {
		return c.Events.Fire(ctx, "season", playline.Recipient{DistinctID: "ace"})
	}),
	"fireEventBulk": of(func(ctx context.Context, c *playline.Client) (*playline.BulkAccepted, error) {
		return c.Events.FireBulk(ctx, "season", []playline.Recipient{{DistinctID: "ace"}, {DistinctID: "blitz"}})
	}),
	"validateOTP": of(func(ctx context.Context, c *playline.Client) (*playline.Status, error) {
		return c.Verify.Validate(ctx, playline.OTPCheck{RequestID: "id-1", OTP: "000000"})
	}),
	"listContacts": of(func(ctx context.Context, c *playline.Client) (*playline.ContactPage, error) {
		return c.Contacts.List(ctx, playline.PageOptions{})
	}),
	"searchContacts": of(func(ctx context.Context, c *playline.Client) (*playline.ContactPage, error) {
		return c.Contacts.Search(ctx, "ace", playline.PageOptions{})
	}),
	"getContact": of(func(ctx context.Context, c *playline.Client) (*playline.Contact, error) {
		return c.Contacts.Get(ctx, 1)
	}),
	"getContactInfo": of(func(ctx context.Context, c *playline.Client) (*playline.ContactInfo, error) {
		return c.Contacts.Info(ctx, 1)
	}),
	"getContactChat": of(func(ctx context.Context, c *playline.Client) (*playline.Chat, error) {
		return c.Contacts.Chat(ctx, 1)
	}),
	"listContactGates": of(func(ctx context.Context, c *playline.Client) (*playline.GatePage, error) {
		return c.Contacts.Gates(ctx, 1, playline.PageOptions{})
	}),
	"updateContact": of(func(ctx context.Context, c *playline.Client) (*playline.ContactState, error) {
		return c.Contacts.Update(ctx, 1, map[string]any{"level": 1})
	}),
	"fireContactEvent": of(func(ctx context.Context, c *playline.Client) (*playline.ContactState, error) {
		return c.Contacts.Fire(ctx, 1, "SeasonStart")
	}),
	"uniteContacts": of(func(ctx context.Context, c *playline.Client) (*playline.ContactState, error) {
		return c.Contacts.Unite(ctx, 1, 2)
	}),
	"createContactGate": of(func(ctx context.Context, c *playline.Client) (*playline.Gate, error) {
		return c.Contacts.Create(ctx, 1, playline.ContactCreate{Identifier: "1", FirstName: "ace"})
	}),
	"deleteContact": of(func(ctx context.Context, c *playline.Client) (*playline.ContactState, error) {
		return c.Contacts.Delete(ctx, 1) //nolint:staticcheck // deprecated by the vendor, and still an operation
	}),
	"createClient": of(func(ctx context.Context, c *playline.Client) (*playline.MessagingClient, error) {
		return c.Messaging.CreateClient(ctx, "ace", fullClients()[0])
	}),
	"listClients": of(func(ctx context.Context, c *playline.Client) (*playline.ClientPage, error) {
		return c.Messaging.ListClients(ctx, "ace", playline.ClientListOptions{})
	}),
	"removeClient": of(func(ctx context.Context, c *playline.Client) (*playline.RemovedClient, error) {
		return c.Messaging.RemoveClient(ctx, "ace", "client-1", playline.BrandOptions{})
	}),
	"ingestEvents": of(func(ctx context.Context, c *playline.Client) (*playline.IngestResult, error) {
		return c.Ingest.Send(ctx, "token", playline.IngestBatch{UserID: "ace", GameID: gameID, Events: fullEvents()})
	}),
	"registerAccount": of(func(ctx context.Context, c *playline.Client) (*playline.Session, error) {
		return c.Accounts.Register(ctx, playline.AccountCreate{Email: "ace@example.com", Password: "correct-horse-9", DeviceID: "device-abc-123"})
	}),
	"login": of(func(ctx context.Context, c *playline.Client) (*playline.Session, error) {
		return c.Accounts.Login(ctx, playline.Credentials{Email: "ace@example.com", Password: "correct-horse-9"})
	}),
}
