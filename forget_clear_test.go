package playline_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/emulator"
)

// What Forget does with a contact that cannot be deleted, against services that take a part of what they are sent, and show variables otherwise.

// TestForgetClearsLastWhatAContactIsFoundBy: where the service takes only a part of an update, a call with the same identity must still
// find the contact, and never say that nothing is there.
func TestForgetClearsLastWhatAContactIsFoundBy(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		who  playline.Identity
		skip string // what the service does not clear
		left string // of address and number, after the call
	}{
		{"known by the address, the number stays", playline.Identity{Email: "ace@example.com"}, "phone", "ace@example.com+61400000000"},
		{"known by the address, the address stays", playline.Identity{Email: "ace@example.com"}, "email", "ace@example.com"},
		{"known by the number, the address stays", playline.Identity{Phone: "+61400000000"}, "email", "ace@example.com+61400000000"},
		{"known by the number, the number stays", playline.Identity{Phone: "+61400000000"}, "phone", "+61400000000"},
		{"known by both, the number stays", playline.Identity{Email: "ace@example.com", Phone: "+61400000000"}, "phone", "+61400000000"},
		{"known by both, the address stays", playline.Identity{Email: "ace@example.com", Phone: "+61400000000"}, "email", "ace@example.com"},
		{"known by its id, the number stays", playline.Identity{ContactID: 1, Email: "ace@example.com"}, "phone", "+61400000000"},
		{"known by its id alone, the address stays", playline.Identity{ContactID: 1}, "email", "ace@example.com"},
		{"known by its id, a variable stays", playline.Identity{ContactID: 1}, "clan", ""},
		{"known by the address, a variable stays", playline.Identity{Email: "ace@example.com"}, "clan", "ace@example.com+61400000000"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newFlowWorld(t)
				other := &otherSmartSender{take: func(values map[string]any) {
					if _, sent := values[tt.skip]; sent {
						values[tt.skip] = map[string]any{} // nothing that can have this value
					}
				}}
				other.use(w)
				for range 2 {
					report, err := w.client.Forget(t.Context(), tt.who, playline.ForgetOptions{})
					require.ErrorContains(t, err, "the service did not clear "+tt.skip)
					w.discreet(report)
					info, err := w.client.Contacts.Info(t.Context(), w.contact)
					require.NoError(t, err)
					assert.Equal(t, tt.left, info.Email+info.Phone)
				}
				other.take = nil
				report, err := w.client.Forget(t.Context(), tt.who, playline.ForgetOptions{})
				nothingFailed(t, report, err)
				assert.Equal(t, playline.FlowImpossible, stepOf(t, report, playline.SmartSender, "contact").Status)
				info, err := w.client.Contacts.Info(t.Context(), w.contact)
				require.NoError(t, err)
				assert.Equal(t, []any{"-", "", "", "", map[string]any{"clan": nil}}, []any{info.FirstName, info.LastName, info.Email, info.Phone, info.Values})
				w.untouched()
			})
		})
	}
}

// TestForgetClearsVariablesHoweverTheyAreShown: what a service shows of its own beside the variables, or among what may be variables, holds
// up nothing.
func TestForgetClearsVariablesHoweverTheyAreShown(t *testing.T) {
	t.Parallel()
	own := func(info map[string]any) {
		info["updatedAt"], info["createdBy"], info["ace@example.com"], info["gates"] = "2026-01-01 00:00:00", 7, true, []any{}
	}
	beside := func(info map[string]any) {
		maps.Copy(info, info["variables"].(map[string]any))
		delete(info, "variables")
	}
	listed := func(info map[string]any, one func(name string, value any) any) {
		list := []any{}
		for name, value := range info["variables"].(map[string]any) {
			list = append(list, one(name, value))
		}
		info["variables"] = list
	}
	for _, tt := range []struct {
		name    string
		show    func(info map[string]any)
		perhaps string   // what is told as perhaps left, "": nothing
		written []string // by the first update, beside the names
	}{
		{"as an object", func(map[string]any) {}, "", []string{"clan"}},
		{"as an object, and members of the service's own", own, "", []string{"clan"}},
		{"as an object that holds the contact's fields too", func(info map[string]any) {
			values := info["variables"].(map[string]any)
			for _, name := range []string{"firstName", "lastName", "email", "phone"} {
				values[name] = info[name]
			}
		}, "", []string{"clan"}},
		{"as a list of values, and members of the service's own", func(info map[string]any) {
			own(info)
			listed(info, func(name string, value any) any { return map[string]any{"id": 7, "name": name, "value": value} })
		}, "", []string{"clan"}},
		{"as a list of contents", func(info map[string]any) {
			listed(info, func(name string, value any) any {
				content := []any{value}
				if value == nil {
					content = nil
				}
				return map[string]any{"name": name, "value": nil, "content": content}
			})
		}, "", []string{"clan"}},
		{"as a list of nothing, and members of the service's own", func(info map[string]any) {
			own(info)
			info["variables"] = []any{}
		}, "[REDACTED] createdBy, updatedAt:", []string{"ace@example.com", "createdBy", "updatedAt"}},
		{"in a place that is empty when they are cleared, with members of the service's own", func(info map[string]any) {
			own(info)
			maps.DeleteFunc(info["variables"].(map[string]any), func(_ string, value any) bool { return value == nil || value == "" })
		}, "", []string{"clan"}},
		{"beside a list of nothing", func(info map[string]any) {
			beside(info)
			info["variables"] = []any{}
		}, "", []string{"clan"}},
		{"beside the rest", beside, "", []string{"clan"}},
		{
			"beside the rest, with members of the service's own",
			func(info map[string]any) { beside(info); own(info) },
			"[REDACTED] createdBy, updatedAt:",
			[]string{"ace@example.com", "clan", "createdBy", "updatedAt"},
		},
		{"null, with a member that stays", func(info map[string]any) { info["variables"], info["updatedAt"] = nil, "now" }, "updatedAt:", []string{"updatedAt"}},
		{"as a list that nobody can read", func(info map[string]any) {
			listed(info, func(name string, value any) any { return []any{name, value} })
		}, "variables:", []string{"variables"}},
		{"as a text", func(info map[string]any) { info["variables"] = "clan=ace" }, "variables:", []string{"variables"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newFlowWorld(t)
				other := &otherSmartSender{show: tt.show}
				other.use(w)
				report, err := w.client.Forget(t.Context(), playline.Identity{Email: w.ace.Email}, playline.ForgetOptions{})
				nothingFailed(t, report, err)
				w.discreet(report)
				step := stepOf(t, report, playline.SmartSender, "contact's name and variables")
				if tt.perhaps == "" {
					assert.Equal(t, playline.FlowDone, step.Status, step)
				} else {
					assert.Contains(t, report.Impossible(), step)
					assert.Contains(t, step.Detail, "the service still shows "+tt.perhaps)
				}
				assert.Equal(t, playline.FlowDone, stepOf(t, report, playline.SmartSender, "contact's e-mail address and phone number").Status)
				contact, err := w.client.Contacts.Get(t.Context(), w.contact)
				require.NoError(t, err)
				assert.Equal(t, []string{"-", "", "", ""}, []string{contact.FirstName, contact.LastName, contact.Email, contact.Phone})
				assert.ElementsMatch(t, append(tt.written, "firstName", "lastName"), slices.Collect(maps.Keys(other.updates[0])))
				w.untouched()
			})
		})
	}
}

// TestForgetClearsAContactSoThatItIsFoundAgain cuts the clearing of a contact at each of its requests: a call with the same identity does
// the rest.
func TestForgetClearsAContactSoThatItIsFoundAgain(t *testing.T) {
	t.Parallel()
	both := playline.Identity{Email: "ace@example.com", Phone: "+61400000000"}
	mail, number := playline.Identity{Email: both.Email}, playline.Identity{Phone: both.Phone}
	known := map[playline.Identity]string{both: "both", mail: "the address", number: "the number"}
	for _, cut := range []struct {
		who       playline.Identity
		operation string
		skip      int
		mode      emulator.Mode
	}{
		{both, "getContactInfo", 0, 0},
		{both, "getContactInfo", 1, 0},
		{both, "updateContact", 0, 0},
		{both, "updateContact", 0, emulator.HangAfter},
		{both, "updateContact", 1, 0},
		{mail, "updateContact", 1, emulator.HangAfter},
		{mail, "getContactInfo", 2, 0},
		{mail, "updateContact", 2, 0},
		{number, "updateContact", 1, emulator.HangAfter},
		{number, "getContactInfo", 2, 0},
		{number, "updateContact", 2, 0},
	} {
		t.Run(fmt.Sprintf("%s after %d, known by %s", cut.operation, cut.skip, known[cut.who]), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newFlowWorld(t)
				w.ace = cut.who
				w.service.Inject(emulator.Fault{Operation: "deleteContact", Status: http.StatusMethodNotAllowed})
				fault := emulator.Fault{Operation: cut.operation, Skip: cut.skip, Mode: cut.mode}
				if cut.mode == 0 {
					fault.Status = http.StatusInternalServerError
				}
				remove := w.service.Inject(fault)
				_, err := w.client.Forget(t.Context(), w.ace, w.options())
				require.ErrorIs(t, err, playline.ErrUnavailable)
				remove()
				report, err := w.client.Forget(t.Context(), w.ace, w.options())
				nothingFailed(t, report, err)
				info, err := w.client.Contacts.Info(t.Context(), w.contact)
				require.NoError(t, err)
				assert.Equal(t, []any{"-", "", "", "", map[string]any{"clan": nil}}, []any{info.FirstName, info.LastName, info.Email, info.Phone, info.Values})
			})
		})
	}
}

// TestForgetDoesNotBelieveThatAContactWasCleared: the service skips values without a word.
func TestForgetDoesNotBelieveThatAContactWasCleared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newFlowWorld(t)
		w.service.Inject(emulator.Fault{Operation: "deleteContact", Status: http.StatusMethodNotAllowed})
		w.service.Inject(emulator.Fault{Operation: "updateContact", Status: http.StatusOK, Body: `{"state":true}`})
		report, err := w.client.Forget(t.Context(), w.ace, w.options())
		require.ErrorContains(t, err, "did not clear clan, firstName, lastName")
		w.discreet(report)
		info, err := w.client.Contacts.Info(t.Context(), w.contact)
		require.NoError(t, err)
		assert.Equal(t, "ace@example.com", info.Email, "by which the next call finds it")
	})
}
