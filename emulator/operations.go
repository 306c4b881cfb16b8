package emulator

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
)

// namedOperation is an operation under both of its names.
type namedOperation struct {
	service string
	id      string   // the contract's operationId
	methods []string // of package playline that call it
}

// namedOperations are all operations, by service in the order of the inspector.
var namedOperations = []namedOperation{
	{PlaySmart, "ingestEvents", []string{"Ingest.Send"}},
	{PlaySmart, "registerAccount", []string{"Accounts.Register"}},
	{PlaySmart, "login", []string{"Accounts.Login"}},
	{Smooven, "registerPlayer", []string{"Players.Register"}},
	{Smooven, "getPlayer", []string{"Players.Get"}},
	{Smooven, "importPlayers", []string{"Players.Import"}},
	{Smooven, "deletePlayer", []string{"Players.Delete"}},
	{Fyno, "createProfile", []string{"Profiles.Create"}},
	{Fyno, "getProfile", []string{"Profiles.Get"}},
	{Fyno, "updateProfile", []string{"Profiles.Update"}},
	{Fyno, "mergeProfiles", []string{"Profiles.Merge"}},
	{Fyno, "deleteProfiles", []string{"Profiles.Delete"}},
	{Fyno, "updateChannels", []string{"Profiles.UpdateChannels"}},
	{Fyno, "deleteChannels", []string{"Profiles.DeleteChannels", "Profiles.DeleteTokens"}},
	{Fyno, "setProperties", []string{"Properties.Set"}},
	{Fyno, "setPropertiesOnce", []string{"Properties.SetOnce"}},
	{Fyno, "addToProperties", []string{"Properties.Add"}},
	{Fyno, "appendToProperties", []string{"Properties.Append"}},
	{Fyno, "removeFromProperties", []string{"Properties.Remove"}},
	{Fyno, "unsetProperties", []string{"Properties.Unset"}},
	{Fyno, "batchProperties", []string{"Properties.Batch"}},
	{Fyno, "getPreferences", []string{"Subscriptions.Preferences"}},
	{Fyno, "updatePreferences", []string{"Subscriptions.Update"}},
	{Fyno, "updatePreference", []string{"Subscriptions.UpdateTopic"}},
	{Fyno, "listSuppressions", []string{"Suppressions.List"}},
	{Fyno, "addSuppression", []string{"Suppressions.Add"}},
	{Fyno, "deleteSuppression", []string{"Suppressions.Delete"}},
	{Fyno, "fireEvent", []string{"Events.Fire"}},
	{Fyno, "fireEventBulk", []string{"Events.FireBulk"}},
	{Fyno, "validateOTP", []string{"Verify.Validate"}},
	{SmartSender, "listContacts", []string{"Contacts.List"}},
	{SmartSender, "searchContacts", []string{"Contacts.Search"}},
	{SmartSender, "getContact", []string{"Contacts.Get"}},
	{SmartSender, "getContactInfo", []string{"Contacts.Info"}},
	{SmartSender, "getContactChat", []string{"Contacts.Chat"}},
	{SmartSender, "listContactGates", []string{"Contacts.Gates"}},
	{SmartSender, "updateContact", []string{"Contacts.Update"}},
	{SmartSender, "fireContactEvent", []string{"Contacts.Fire"}},
	{SmartSender, "uniteContacts", []string{"Contacts.Unite"}},
	{SmartSender, "createContactGate", []string{"Contacts.Create"}},
	{SmartSender, "deleteContact", []string{"Contacts.Delete"}},
	{Sunshine, "createClient", []string{"Messaging.CreateClient"}},
	{Sunshine, "listClients", []string{"Messaging.ListClients"}},
	{Sunshine, "removeClient", []string{"Messaging.RemoveClient"}},
}

// operationID returns the operationId of an operation that is given by it, such as validateOTP, or
// by the method that calls it, such as Verify.Validate. A service other than "" must have it.
func operationID(service, name string) (id string, ok bool) {
	for _, op := range namedOperations {
		if (op.id == name || slices.Contains(op.methods, name)) && (service == "" || service == op.service) {
			return op.id, true
		}
	}
	return "", false
}

// noOperation says that a service, or any for "", has no operation of a name, and lists those that
// it has.
func noOperation(service, name string) error {
	where := "no operation " + fmt.Sprintf("%q", name)
	if service != "" {
		where += " of " + service
	}
	var names []string
	for _, op := range namedOperations {
		if service == "" || service == op.service {
			names = append(names, op.id+" ("+strings.Join(op.methods, ", ")+")")
		}
	}
	return fmt.Errorf("%s: use one of %s", where, strings.Join(names, ", "))
}

// Operations lists every operation in lines of three columns: its service, its operationId, and the
// methods that call it. Either name stands for it in [Fault].Operation and in [Emulator.Calls].
func Operations() string {
	var out strings.Builder
	columns := tabwriter.NewWriter(&out, 0, 1, 2, ' ', 0)
	for _, op := range namedOperations {
		fmt.Fprintf(columns, "%s\t%s\t%s\n", op.service, op.id, strings.Join(op.methods, ", "))
	}
	_ = columns.Flush() // a strings.Builder takes everything
	return out.String()
}
