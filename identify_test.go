package playline_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/emulator"
)

// comet is somebody whom no service knows yet.
func comet() playline.Person {
	return playline.Person{
		Identity:  playline.Identity{ID: "device-ghi-789", Email: "comet@example.com", Phone: "+61400000003"},
		FirstName: "comet", LastName: "y", Timezone: "Australia/Sydney", Tags: []string{"beta"},
		Properties: playline.Properties{"level": 7},
		Gate:       &playline.ContactGate{ChannelID: 1, Identifier: "61400000003"},
	}
}

// identified is a report of Identify that did everything that can be done.
var identified = []string{
	"smooven: player: done",
	"fyno: profile: done",
	"fyno: properties: done",
	"smartsender: contact: done",
	"sunshine: user: impossible",
	"playsmart: account: impossible",
}

// checkComet checks that the services know comet as comet says.
func (w *flowWorld) checkComet() {
	ctx, t := w.t.Context(), w.t
	player, found := w.service.Player("device-ghi-789")
	require.True(t, found)
	assert.Equal(t, emulator.PlayerChannels{Email: "comet@example.com", SMS: "+61400000003"}, player.Channels)
	assert.Equal(t, []string{"beta"}, player.Tags)
	profile, err := w.client.Profiles.Get(ctx, "device-ghi-789")
	require.NoError(t, err)
	assert.Equal(t, []string{"comet y", "Australia/Sydney", "comet@example.com", "+61400000003"},
		[]string{profile.Name, profile.Timezone, profile.Channels.Email, profile.Channels.SMS})
	assert.JSONEq(t, `{"level":7}`, string(profile.Properties))
	contact, err := w.client.Contacts.Get(ctx, w.contactOf("comet"))
	require.NoError(t, err)
	assert.Equal(t, []string{"comet y", "comet@example.com", "+61400000003"}, []string{contact.FullName, contact.Email, contact.Phone})
}

func TestIdentifyMakesAPersonEverywhere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newFlowWorld(t)
		w.hidden = append(w.hidden, "comet@example.com", "61400000003")
		p := comet()
		report, err := w.client.Identify(t.Context(), p)
		require.NoError(t, err)
		assert.Equal(t, identified, told(report))
		assert.Equal(t, "created", stepOf(t, report, playline.Smooven, "player").Detail)
		assert.Equal(t, "created", stepOf(t, report, playline.Fyno, "profile").Detail)
		w.checkComet()
		w.discreet(report)
		player, _ := w.service.Player(p.ID)
		want := p.Identity
		want.SmoovenID, want.ContactID = player.ID, w.contactOf("comet")
		assert.Equal(t, want, report.Identity, "the ids that were learned")

		p.Identity = report.Identity
		again, err := w.client.Identify(t.Context(), p)
		require.NoError(t, err)
		assert.Equal(t, identified, told(again))
		assert.Equal(t, "updated", stepOf(t, again, playline.Smooven, "player").Detail)
		assert.Contains(t, stepOf(t, again, playline.SmartSender, "contact").Detail, "nothing to change")
		w.checkComet()
		w.untouched()

		_, err = w.client.Forget(t.Context(), again.Identity, playline.ForgetOptions{})
		require.NoError(t, err)
		assert.Equal(t, []string(nil), w.known("device-ghi-789", "comet@example.com", "comet"), "what Identify made Forget erases")
	})
}

func TestIdentifyUpdatesAndKeepsTheRest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newFlowWorld(t)
		p := playline.Person{Identity: w.ace, LastName: "z", FirstName: "ace"}
		p.ContactID, p.Email = w.contact, "ace.two@example.com"
		report, err := w.client.Identify(t.Context(), p)
		require.NoError(t, err)
		assert.Equal(t, "contact 1, found by its id, updated", stepOf(t, report, playline.SmartSender, "contact").Detail)
		player, _ := w.service.Player(p.ID)
		assert.Equal(t, emulator.PlayerChannels{
			Email: p.Email, SMS: p.Phone, Push: &emulator.PlayerPush{DeviceToken: "secret-push-token"},
		}, player.Channels)
		profile, err := w.client.Profiles.Get(t.Context(), p.ID)
		require.NoError(t, err)
		assert.Equal(t, "ace z", profile.Name)
		assert.Equal(t, p.Email, profile.Channels.Email)
		require.Len(t, profile.Channels.Push, 1, "tokens stay")
		assert.JSONEq(t, `{"level":5}`, string(profile.Properties))
		contact, err := w.client.Contacts.Get(t.Context(), w.contact)
		require.NoError(t, err)
		assert.Equal(t, []string{"ace z", p.Email, p.Phone}, []string{contact.FullName, contact.Email, contact.Phone})
		w.untouched()
	})
}

// TestIdentifyWithOneStepFailing lets each operation fail: the others are done, the report says what failed, and a second call does the rest.
func TestIdentifyWithOneStepFailing(t *testing.T) {
	t.Parallel()
	for _, fault := range []struct {
		name  string
		fault emulator.Fault
		fails bool
	}{
		{"503", emulator.Fault{Status: http.StatusServiceUnavailable}, true},
		{"403", emulator.Fault{Status: http.StatusForbidden}, true},
		{"404", emulator.Fault{Status: http.StatusNotFound}, true},
		{"no answer", emulator.Fault{Mode: emulator.Hang}, true},
		{"the answer is lost", emulator.Fault{Mode: emulator.ResetAfter}, true},
		{"the answer is lost once", emulator.Fault{Mode: emulator.ResetAfter, Times: 1}, false},
	} {
		for _, op := range []struct{ operation, step string }{
			{"registerPlayer", "smooven: player"},
			{"createProfile", "fyno: profile"},
			{"setProperties", "fyno: properties"},
			{"searchContacts", "smartsender: contact"},
			{"createContactGate", "smartsender: contact"},
		} {
			t.Run(op.operation+"/"+fault.name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := newFlowWorld(t)
					w.hidden = append(w.hidden, "comet@example.com", "61400000003")
					script := fault.fault
					script.Operation = op.operation
					remove := w.service.Inject(script)
					report, err := w.client.Identify(t.Context(), comet(), playline.Retry(playline.RetryPolicy{MaxAttempts: 2}))
					remove()
					w.discreet(report)
					w.untouched()
					if !fault.fails {
						require.NoError(t, err)
						w.checkComet()
						return
					}
					require.Error(t, err)
					for i, line := range told(report) {
						switch {
						case strings.HasPrefix(line, op.step):
							assert.Equal(t, op.step+": failed", line)
						case op.operation == "createProfile" && strings.HasPrefix(line, "fyno: properties"):
							assert.Equal(t, "fyno: properties: not asked", line)
						default:
							assert.Equal(t, identified[i], line)
						}
					}
					_, err = w.client.Identify(t.Context(), comet())
					require.NoError(t, err)
					w.checkComet()
					w.untouched()
				})
			})
		}
	}
}

func TestIdentifyAContact(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(w *flowWorld, p *playline.Person)
		want   playline.FlowStatus
		says   string
	}{
		{"none, and no channel to make one", func(_ *flowWorld, p *playline.Person) { p.Gate = nil }, playline.FlowImpossible, "set Person.Gate"},
		{"none, and a channel that makes none", func(_ *flowWorld, p *playline.Person) { p.Gate.ChannelID = 2 }, playline.FlowFailed, "400"},
		{"none with that id", func(_ *flowWorld, p *playline.Person) { p.ContactID = 999 }, playline.FlowFailed, "there is no contact 999"},
		{"none with that id, and the address is there", func(_ *flowWorld, p *playline.Person) {
			p.ContactID, p.Email, p.Phone = 999, "ace@example.com", ""
		}, playline.FlowFailed, "contacts [1]; set Identity.ContactID to the right one"},
		{"the gate is somebody else's", func(w *flowWorld, p *playline.Person) {
			_, err := w.client.Contacts.Create(w.t.Context(), 1, playline.ContactCreate{Identifier: p.Gate.Identifier, FirstName: "dash"})
			require.NoError(w.t, err)
		}, playline.FlowFailed, "set ContactID"},
		{"a value that the service skips", func(w *flowWorld, p *playline.Person) {
			p.ContactID = w.contact
			w.service.Inject(emulator.Fault{Operation: "updateContact", Status: http.StatusOK, Body: `{"state":true}`})
		}, playline.FlowFailed, "did not take email, firstName, lastName, phone"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newFlowWorld(t)
				w.hidden = append(w.hidden, "comet@example.com", "61400000003")
				p := comet()
				tt.change(w, &p)
				report, err := w.client.Identify(t.Context(), p)
				assert.Equal(t, tt.want == playline.FlowFailed, err != nil, err)
				step := stepOf(t, report, playline.SmartSender, "contact")
				assert.Equal(t, tt.want, step.Status)
				assert.Contains(t, step.String(), tt.says)
				if p.ContactID != 0 {
					assert.Zero(t, w.service.Calls("createContactGate"), "with an id there is no second contact made")
				}
				w.discreet(report)
				w.untouched()
			})
		})
	}
}

func TestIdentifySaysWhatIsNotConfigured(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newFlowWorld(t)
		client, err := playline.New(playline.WithSmoovenAppID(emulator.SmoovenAppID), playline.WithBaseURL(playline.Smooven, "http://127.0.0.1"+emulator.SmoovenPath),
			playline.WithHTTPClient(&http.Client{Transport: w.service}))
		require.NoError(t, err)
		report, err := client.Identify(t.Context(), comet())
		require.NoError(t, err)
		assert.Equal(t, []string{
			"smooven: player: done", "fyno: profile: not configured", "smartsender: contact: not configured", "sunshine: user: not configured", "playsmart: account: not configured",
		}, told(report))
	})
}

func TestIdentifyRefusesWhatIsWrong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newFlowWorld(t)
		for name, change := range map[string]func(p *playline.Person){
			"nobody":                     func(p *playline.Person) { p.Identity = playline.Identity{} },
			"tags without an id":         func(p *playline.Person) { p.ID = "" },
			"a gate without a channel":   func(p *playline.Person) { p.Gate.ChannelID = 0 },
			"a gate without an id":       func(p *playline.Person) { p.Gate.Identifier = "" },
			"a gate without a name":      func(p *playline.Person) { p.FirstName = "" },
			"a long name":                func(p *playline.Person) { p.LastName = strings.Repeat("x", 256) },
			"a property of a wrong type": func(p *playline.Person) { p.Properties = playline.Properties{"a": struct{}{}} },
			"a zone that is no text":     func(p *playline.Person) { p.Timezone = "\xff" },
		} {
			p := comet()
			change(&p)
			report, err := w.client.Identify(t.Context(), p)
			require.ErrorIs(t, err, playline.ErrInvalid, name)
			assert.Nil(t, report, name)
		}
		assert.Zero(t, w.service.TotalCalls())
	})
}

// TestIdentifyAnAddressInSmallLetters: a service that keeps addresses so has taken it.
func TestIdentifyAnAddressInSmallLetters(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newFlowWorld(t)
		who := playline.Identity{Email: "Ace@Example.com"}
		report, err := w.client.Identify(t.Context(), playline.Person{Identity: who})
		nothingFailed(t, report, err)
		assert.Contains(t, stepOf(t, report, playline.SmartSender, "contact").Detail, "nothing to change")
		assert.NotContains(t, w.changes(), "updateContact")
	})
}
