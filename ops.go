package playline

import (
	"net/http"

	"github.com/playline/playline-go/internal/retry"
	"github.com/playline/playline-go/internal/shape"
)

// op is one endpoint, written once. Everything that a call needs to know of it is here.
type op struct {
	name    string // the method of this package
	id      string // the contract's operationId
	service Service
	method  string
	path    string // escaped template
	class   retry.Class
	traits  trait
	word    *shape.Shape // of a success, see word.go
}

// trait is a rare property of an endpoint.
type trait uint8

const (
	// public: the service's public credentials are enough.
	public trait = 1 << iota
	// goneIsDone: a 404 after an attempt of unknown outcome means that it had worked.
	goneIsDone
	// mayBeEmpty: a success may come without a body.
	mayBeEmpty
	// onlyOK: only the status 200 is a success, and WithAnySuccess does not cover it.
	onlyOK
)

func (o *op) has(t trait) bool { return o.traits&t != 0 }

// as returns the operation under another class.
func (o op) as(class retry.Class) *op {
	o.class = class
	return &o
}

// The operations. Methods that share an endpoint share its op.
var (
	opRegisterPlayer = &op{"Players.Register", "registerPlayer", Smooven, http.MethodPost, "/players/register", retry.Safe, public, registeredWord}
	opGetPlayer      = &op{"Players.Get", "getPlayer", Smooven, http.MethodGet, "/players/{player_id}", retry.Safe, 0, anObjectWord}
	opImportPlayers  = &op{"Players.Import", "importPlayers", Smooven, http.MethodPost, "/players/batch", retry.Unsent, 0, importedWord}
	opDeletePlayer   = &op{"Players.Delete", "deletePlayer", Smooven, http.MethodDelete, "/players/{player_id}", retry.Safe, goneIsDone | mayBeEmpty, anObjectWord}

	opCreateProfile  = &op{"Profiles.Create", "createProfile", Fyno, http.MethodPost, "/{WSID}/{version}/profiles", retry.Unsent, 0, statusOKWord}
	opGetProfile     = &op{"Profiles.Get", "getProfile", Fyno, http.MethodGet, "/{WSID}/{version}/profiles/{distinct_id}", retry.Safe, 0, profileWord}
	opUpdateProfile  = &op{"Profiles.Update", "updateProfile", Fyno, http.MethodPut, "/{WSID}/{version}/profiles/{distinct_id}", retry.Safe, 0, statusOKWord}
	opMergeProfiles  = &op{"Profiles.Merge", "mergeProfiles", Fyno, http.MethodPatch, "/{WSID}/{version}/profiles/{source_distinct_id}/merge/{target_distinct_id}", retry.Unsent, 0, statusOKWord}
	opDeleteProfiles = &op{"Profiles.Delete", "deleteProfiles", Fyno, http.MethodPost, "/{WSID}/{version}/profiles/delete", retry.Unsent, 0, statusOKWord}
	opUpdateChannels = &op{"Profiles.UpdateChannels", "updateChannels", Fyno, http.MethodPatch, "/{WSID}/{version}/profiles/{distinct_id}/channel", retry.Unsent, 0, statusOKWord}
	opDeleteChannels = &op{"Profiles.DeleteChannels", "deleteChannels", Fyno, http.MethodPost, "/{WSID}/{version}/profiles/{distinct_id}/channel/delete", retry.Unsent, 0, statusOKWord}
	opDeleteTokens   = &op{"Profiles.DeleteTokens", "deleteChannels", Fyno, http.MethodPost, "/{WSID}/{version}/profiles/{distinct_id}/channel/delete", retry.Unsent, 0, statusOKWord}

	opSetProperties        = &op{"Properties.Set", "setProperties", Fyno, http.MethodPost, "/{WSID}/{version}/profiles/properties/set", retry.Safe, 0, propertiesAcceptedWord}
	opSetPropertiesOnce    = &op{"Properties.SetOnce", "setPropertiesOnce", Fyno, http.MethodPost, "/{WSID}/{version}/profiles/properties/set-once", retry.Safe, 0, propertiesAcceptedWord}
	opAddToProperties      = &op{"Properties.Add", "addToProperties", Fyno, http.MethodPost, "/{WSID}/{version}/profiles/properties/numerical-add", retry.Unsent, 0, propertiesAcceptedWord}
	opAppendToProperties   = &op{"Properties.Append", "appendToProperties", Fyno, http.MethodPost, "/{WSID}/{version}/profiles/properties/list-append", retry.Safe, 0, propertiesAcceptedWord}
	opRemoveFromProperties = &op{"Properties.Remove", "removeFromProperties", Fyno, http.MethodPost, "/{WSID}/{version}/profiles/properties/list-remove", retry.Safe, 0, propertiesAcceptedWord}
	opUnsetProperties      = &op{"Properties.Unset", "unsetProperties", Fyno, http.MethodPost, "/{WSID}/{version}/profiles/properties/unset", retry.Safe, 0, propertiesAcceptedWord}
	opBatchProperties      = &op{"Properties.Batch", "batchProperties", Fyno, http.MethodPost, "/{WSID}/{version}/profiles/properties/batch", retry.Safe, 0, propertyBatchWord}

	opGetPreferences    = &op{"Subscriptions.Preferences", "getPreferences", Fyno, http.MethodGet, "/{WSID}/{version}/subscriptions/preference", retry.Safe, 0, anObjectWord}
	opUpdatePreferences = &op{"Subscriptions.Update", "updatePreferences", Fyno, http.MethodPut, "/{WSID}/{version}/subscriptions/preference", retry.Safe, 0, anObjectWord}
	opUpdatePreference  = &op{"Subscriptions.UpdateTopic", "updatePreference", Fyno, http.MethodPost, "/{WSID}/{version}/subscriptions/list/{subscription_id}/user", retry.Safe, 0, anObjectWord}

	opListSuppressions  = &op{"Suppressions.List", "listSuppressions", Fyno, http.MethodGet, "/{WSID}/suppressions", retry.Safe, 0, suppressionsWord}
	opAddSuppression    = &op{"Suppressions.Add", "addSuppression", Fyno, http.MethodPost, "/{WSID}/suppressions", retry.Unsent, 0, statusOKWord}
	opDeleteSuppression = &op{"Suppressions.Delete", "deleteSuppression", Fyno, http.MethodDelete, "/{WSID}/suppressions", retry.Unsent, 0, statusOKWord}

	opFireEvent     = &op{"Events.Fire", "fireEvent", Fyno, http.MethodPost, "/{WSID}/{version}/event", retry.Key, 0, eventAcceptedWord}
	opFireEventBulk = &op{"Events.FireBulk", "fireEventBulk", Fyno, http.MethodPost, "/{WSID}/{version}/event/bulk", retry.Key, 0, bulkAcceptedWord}
	opValidateOTP   = &op{"Verify.Validate", "validateOTP", Fyno, http.MethodPost, "/{WSID}/{version}/verify/validate", retry.Never, onlyOK, statusOKWord}

	opListContacts      = &op{"Contacts.List", "listContacts", SmartSender, http.MethodGet, "/contacts", retry.Safe, 0, contactPageWord}
	opSearchContacts    = &op{"Contacts.Search", "searchContacts", SmartSender, http.MethodGet, "/contacts/search", retry.Safe, 0, contactPageWord}
	opGetContact        = &op{"Contacts.Get", "getContact", SmartSender, http.MethodGet, "/contacts/{contactId}", retry.Safe, 0, contactWord}
	opGetContactInfo    = &op{"Contacts.Info", "getContactInfo", SmartSender, http.MethodGet, "/contacts/{contactId}/info", retry.Safe, 0, anObjectWord}
	opGetContactChat    = &op{"Contacts.Chat", "getContactChat", SmartSender, http.MethodGet, "/contacts/{contactId}/chat", retry.Safe, 0, anObjectWord}
	opListContactGates  = &op{"Contacts.Gates", "listContactGates", SmartSender, http.MethodGet, "/contacts/{contactId}/gates", retry.Safe, 0, gatePageWord}
	opUpdateContact     = &op{"Contacts.Update", "updateContact", SmartSender, http.MethodPut, "/contacts/{contactId}", retry.Safe, 0, stateWord}
	opFireContactEvent  = &op{"Contacts.Fire", "fireContactEvent", SmartSender, http.MethodPost, "/contacts/{contactId}/fire", retry.Unsent, 0, stateWord}
	opUniteContacts     = &op{"Contacts.Unite", "uniteContacts", SmartSender, http.MethodPost, "/contacts/{contactId}/unite/{targetContactId}", retry.Unsent, 0, stateWord}
	opCreateContactGate = &op{"Contacts.Create", "createContactGate", SmartSender, http.MethodPost, "/channels/{channelId}/gates", retry.Safe, 0, gateWord}
	opDeleteContact     = &op{"Contacts.Delete", "deleteContact", SmartSender, http.MethodDelete, "/contacts/{contactId}", retry.Safe, goneIsDone | mayBeEmpty, anObjectWord}

	opCreateClient = &op{"Messaging.CreateClient", "createClient", Sunshine, http.MethodPost, "/v2/apps/{appId}/users/{userIdOrExternalId}/clients", retry.Unsent, 0, createdClientWord}
	opListClients  = &op{"Messaging.ListClients", "listClients", Sunshine, http.MethodGet, "/v2/apps/{appId}/users/{userIdOrExternalId}/clients", retry.Safe, 0, clientPageWord}
	opRemoveClient = &op{"Messaging.RemoveClient", "removeClient", Sunshine, http.MethodDelete, "/v2/apps/{appId}/users/{userIdOrExternalId}/clients/{clientId}", retry.Safe, goneIsDone | mayBeEmpty, anObjectWord}

	opIngestEvents    = &op{"Ingest.Send", "ingestEvents", PlaySmart, http.MethodPost, "/ingest/events", retry.Unsent, 0, ingestedWord}
	opRegisterAccount = &op{"Accounts.Register", "registerAccount", PlaySmart, http.MethodPost, "/auth/register", retry.Unsent, 0, sessionWord}
	opLogin           = &op{"Accounts.Login", "login", PlaySmart, http.MethodPost, "/auth/login", retry.Safe, 0, sessionWord}
)

// ops is every operation; the tests go through it.
var ops = []*op{
	opRegisterPlayer, opGetPlayer, opImportPlayers, opDeletePlayer,
	opCreateProfile, opGetProfile, opUpdateProfile, opMergeProfiles, opDeleteProfiles, opUpdateChannels, opDeleteChannels, opDeleteTokens,
	opSetProperties, opSetPropertiesOnce, opAddToProperties, opAppendToProperties, opRemoveFromProperties, opUnsetProperties, opBatchProperties,
	opGetPreferences, opUpdatePreferences, opUpdatePreference,
	opListSuppressions, opAddSuppression, opDeleteSuppression,
	opFireEvent, opFireEventBulk, opValidateOTP,
	opListContacts, opSearchContacts, opGetContact, opGetContactInfo, opGetContactChat, opListContactGates,
	opUpdateContact, opFireContactEvent, opUniteContacts, opCreateContactGate, opDeleteContact,
	opCreateClient, opListClients, opRemoveClient,
	opIngestEvents, opRegisterAccount, opLogin,
}
