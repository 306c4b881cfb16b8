package playline_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/emulator"
)

// forgotten is a report of Forget that did everything that can be done.
var forgotten = []string{
	"playsmart: events that wait: done",
	"playsmart: account and stored events: impossible",
	"sunshine: look for clients: found",
	"sunshine: client (whatsapp): done",
	"sunshine: client (telegram): done",
	"sunshine: client (sdk): impossible",
	"sunshine: user, conversations and messages: impossible",
	"smartsender: contact: done",
	"smooven: player: done",
	"fyno: suppressions: done",
	"fyno: profile: done",
	"fyno: messages that were sent: impossible",
}

// forgottenBefore is a report where a call before had done it all.
var forgottenBefore = []string{
	"playsmart: events that wait: nothing there",
	"playsmart: account and stored events: impossible",
	"sunshine: look for clients: found",
	"sunshine: client (sdk): impossible",
	"sunshine: user, conversations and messages: impossible",
	"smartsender: contact: nothing there",
	"smooven: player: nothing there",
	"fyno: suppressions: nothing there",
	"fyno: profile: nothing there",
	"fyno: messages that were sent: impossible",
}

// leftOver is what of ace cannot be erased, or is not by default.
var leftOver = []string{"suppression ace@example.com", "client sdk"}

// options are those of a game server with one batcher.
func (w *flowWorld) options() playline.ForgetOptions {
	return playline.ForgetOptions{Events: []playline.EventEraser{w.batcher}}
}

func TestForgetErasesWhatCanBeErased(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newFlowWorld(t)
		report, err := w.client.Forget(t.Context(), w.ace, w.options())
		require.NoError(t, err)
		assert.Equal(t, forgotten, told(report))
		assert.Equal(t, leftOver, w.ofAce())
		w.untouched()
		assert.Equal(t, int64(3), w.batcher.Ledger().Erased)
		assert.ErrorIs(t, w.batcher.Track(t.Context(), "device-abc-123", batcher.Event{Type: batcher.AppOpen}), batcher.ErrErased)
		assert.Len(t, report.Impossible(), 4)
		assert.Contains(t, stepOf(t, report, playline.SmartSender, "contact").Detail, "by its e-mail address, which no service keeps unique")
		assert.Contains(t, stepOf(t, report, playline.Fyno, "suppressions").Detail, "2 removed; 1 of the address or the number stay")
		w.discreet(report)

		again, err := w.client.Forget(t.Context(), w.ace, w.options())
		require.NoError(t, err)
		assert.Equal(t, forgottenBefore, told(again), "a second call finds nothing")
		assert.Equal(t, leftOver, w.ofAce())
		w.untouched()

		o := w.options()
		o.LiftSuppressions = true
		again, err = w.client.Forget(t.Context(), w.ace, o)
		require.NoError(t, err)
		assert.Equal(t, "1 removed", stepOf(t, again, playline.Fyno, "suppressions").Detail)
		assert.Equal(t, []string{"client sdk"}, w.ofAce())
		w.untouched()
	})
}

// TestForgetWithOneStepFailing lets each operation of the flow fail in each way: the other steps are done, the report says what failed, and a
// second call does the rest.
func TestForgetWithOneStepFailing(t *testing.T) {
	t.Parallel()
	for _, fault := range []struct {
		name  string
		fault emulator.Fault
		is    error // what the step's error matches
	}{
		{"503", emulator.Fault{Status: http.StatusServiceUnavailable}, playline.ErrUnavailable},
		{"the answer is lost once", emulator.Fault{Mode: emulator.ResetAfter, Times: 1}, nil},
		{"403", emulator.Fault{Status: http.StatusForbidden}, playline.ErrForbidden},
		{"429", emulator.Fault{Status: http.StatusTooManyRequests}, playline.ErrRateLimited},
		{"a 404 that is not the service's", emulator.Fault{Status: http.StatusNotFound, Body: "<html>no such page</html>"}, playline.ErrUnavailable},
		{"no answer", emulator.Fault{Mode: emulator.Hang}, playline.ErrUnavailable},
		{"not JSON", emulator.Fault{Mode: emulator.NotJSON}, nil},
		{"it repeats what it was sent", emulator.Fault{Status: http.StatusBadRequest}, playline.ErrInvalid},
	} {
		for _, op := range []struct{ operation, step string }{
			{"listClients", "sunshine: look for clients"},
			{"removeClient", "sunshine: client (whatsapp)"},
			{"searchContacts", "smartsender: contact"},
			{"deleteContact", "smartsender: contact"},
			{"registerPlayer", "smooven: player"},
			{"deletePlayer", "smooven: player"},
			{"listSuppressions", "fyno: suppressions"},
			{"deleteSuppression", "fyno: suppressions"},
			{"deleteProfiles", "fyno: profile"},
		} {
			t.Run(op.operation+"/"+fault.name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := newFlowWorld(t)
					script := fault.fault
					script.Operation = op.operation
					if strings.HasPrefix(fault.name, "it repeats") {
						script.Body = echo(op.step)
					}
					remove := w.service.Inject(script)
					report, err := w.client.Forget(t.Context(), w.ace, w.options(), playline.Retry(playline.RetryPolicy{MaxAttempts: 2}))
					remove()
					w.discreet(report)
					w.untouched()
					assert.Equal(t, err == nil, report.Err() == nil)
					failed := 0
					for _, line := range told(report) {
						if strings.HasSuffix(line, ": failed") {
							failed++
							assert.True(t, strings.HasPrefix(line, op.step) || strings.HasPrefix(line, "sunshine: client ("), line)
						}
					}
					switch {
					case script.Mode == emulator.ResetAfter:
						// A second attempt does it, or says that the first one had worked.
						require.NoError(t, err)
					case op.operation == "deleteContact" && script.Status == http.StatusNotFound:
						// There may be no such operation: the contact's data are cleared. See TestForgetAContactThatCannotBeDeleted.
						require.NoError(t, err)
					default:
						require.Error(t, err)
						assert.Positive(t, failed)
						if fault.is != nil {
							assert.ErrorIs(t, err, fault.is)
						}
						for _, s := range report.Steps {
							assert.Equal(t, s.Status == playline.FlowFailed, s.Err != nil, s)
						}
					}
					_, err = w.client.Forget(t.Context(), w.ace, w.options())
					require.NoError(t, err, "the second call does the rest")
					assert.Equal(t, leftOver, w.ofAce())
					w.untouched()
				})
			})
		}
	}
}

// echo is a refusal in the words of a step's service that repeats the person and the credentials.
func echo(step string) string {
	person := "bad: ace@example.com, +61400000000, "
	switch service, _, _ := strings.Cut(step, ":"); service {
	case emulator.Smooven:
		return `{"success":false,"error":{"code":"bad","message":"` + person + emulator.SmoovenKey + `"}}`
	case emulator.Fyno:
		return `{"status":"error","_message":"` + person + emulator.FynoKey + `"}`
	case emulator.SmartSender:
		return `{"error":{"code":400,"message":"` + person + emulator.SmartSenderToken + `"}}`
	}
	return `{"errors":[{"code":"bad_request","title":"` + person + emulator.SunshineSecret + `"}]}`
}

// TestForgetCancelledBetweenSteps ends the context when a request arrives: what comes after is not begun, and a second call does it.
func TestForgetCancelledBetweenSteps(t *testing.T) {
	t.Parallel()
	for _, operation := range []string{
		"listClients", "removeClient", "searchContacts", "deleteContact", "getContact", "registerPlayer", "deletePlayer", "listSuppressions", "deleteSuppression", "deleteProfiles",
	} {
		t.Run(operation, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newFlowWorld(t)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				remove := w.service.Inject(emulator.Fault{Operation: operation, Mode: emulator.HangAfter, Match: func(*http.Request) bool { cancel(); return true }})
				report, err := w.client.Forget(ctx, w.ace, w.options())
				remove()
				require.ErrorIs(t, err, context.Canceled)
				calls := w.service.TotalCalls()
				require.NotEmpty(t, report.Steps)
				began := false
				for _, s := range report.Steps {
					if s.Status == playline.FlowFailed && !began {
						began = true // this one was cut
						continue
					}
					if began {
						assert.Contains(t, []playline.FlowStatus{playline.FlowFailed, playline.FlowImpossible}, s.Status, s)
					}
				}
				assert.Equal(t, 1, w.service.Calls(operation), "%d requests", calls)
				w.discreet(report)

				_, err = w.client.Forget(t.Context(), w.ace, w.options())
				require.NoError(t, err)
				assert.Equal(t, leftOver, w.ofAce())
				w.untouched()
			})
		})
	}
}

func TestForgetWithADeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newFlowWorld(t)
		w.service.Inject(emulator.Fault{Service: emulator.SmartSender, Mode: emulator.Hang, Times: 1})
		report, err := w.client.Forget(t.Context(), w.ace, w.options(), playline.Timeout(time.Second))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, playline.FlowFailed, stepOf(t, report, playline.SmartSender, "contact").Status)
		assert.Equal(t, playline.FlowDone, stepOf(t, report, playline.Fyno, "profile").Status, "Timeout is each call's, not the flow's")
	})
}

func TestForgetSaysWhatIsNotConfigured(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newFlowWorld(t)
		all := w.service.Options() // a credential, then a base URL, for each service; then the HTTP client
		for i, service := range []playline.Service{playline.Smooven, playline.Fyno, playline.SmartSender, playline.Sunshine, playline.PlaySmart} {
			client, err := playline.New(all[2*i], all[2*i+1], all[len(all)-1])
			require.NoError(t, err)
			w.service.ResetRecord()
			report, err := client.Forget(t.Context(), w.ace, playline.ForgetOptions{DryRun: true})
			require.NoError(t, err)
			for _, s := range report.Steps {
				if s.Service != service {
					assert.Equal(t, playline.FlowNotConfigured, s.Status, s)
				}
			}
			for _, r := range w.service.Requests() {
				assert.Equal(t, string(service), r.Service)
			}
		}
	})
}

// TestForgetSaysWhomItCouldNotAsk: a configured service that the identity holds no key for may know the
// person. That is an error, whatever the others say, and goes away with the key.
func TestForgetSaysWhomItCouldNotAsk(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		who      playline.Identity
		notAsked []string
	}{
		{
			"an e-mail address alone",
			playline.Identity{Email: "nobody@example.com"},
			[]string{"playsmart: events that wait", "sunshine: clients", "smooven: player", "fyno: profile"},
		},
		{
			"a phone number alone",
			playline.Identity{Phone: "+61400000009"},
			[]string{
				"playsmart: events that wait", "playsmart: account and stored events", "sunshine: clients", "smooven: player", "fyno: profile",
			},
		},
		{
			"a contact's id alone",
			playline.Identity{ContactID: 999},
			[]string{
				"playsmart: events that wait", "playsmart: account and stored events", "sunshine: clients", "smooven: player",
				"fyno: suppressions", "fyno: profile",
			},
		},
		{"the game's id alone", playline.Identity{ID: "device-nobody"}, []string{"smartsender: contact"}},
		{
			"Fyno's id alone",
			playline.Identity{FynoID: "device-nobody"},
			[]string{
				"playsmart: events that wait", "playsmart: account and stored events", "sunshine: clients", "smartsender: contact", "smooven: player",
			},
		},
		{"the game's id and an address", playline.Identity{ID: "device-nobody", Email: "nobody@example.com"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newFlowWorld(t)
				for _, dry := range []bool{true, false} {
					o := w.options()
					o.DryRun = dry
					report, err := w.client.Forget(t.Context(), tt.who, o)
					var notAsked []string
					for _, s := range report.Steps {
						if s.Status == playline.FlowNotAsked {
							notAsked = append(notAsked, string(s.Service)+": "+s.What)
							assert.ErrorContains(t, err, s.Detail, "the error says which key is missing")
						}
					}
					assert.Equal(t, tt.notAsked, notAsked)
					assert.Equal(t, len(tt.notAsked) > 0, errors.Is(err, playline.ErrNotAsked), err)
					assert.Equal(t, err, report.Err())
					assert.False(t, report.Complete(), "the vendors have a part in it each time")
					nothingFailed(t, report, err)
					w.discreet(report)
				}
				w.untouched()
			})
		})
	}
}

// TestACompleteReport: a report is complete if nothing is left to do, and only then.
func TestACompleteReport(t *testing.T) {
	t.Parallel()
	for status, want := range map[playline.FlowStatus]bool{
		playline.FlowDone: true, playline.FlowFound: true, playline.FlowNothing: true, playline.FlowNotConfigured: true,
		playline.FlowNotAsked: false, playline.FlowUnconfirmed: false, playline.FlowPlanned: false, playline.FlowFailed: false,
		playline.FlowImpossible: false, "": false, "erased": false,
	} {
		report := playline.FlowReport{Steps: []playline.FlowStep{{Status: playline.FlowDone}, {Status: status}, {Status: playline.FlowNothing}}}
		assert.Equal(t, want, report.Complete(), "%q", status)
	}
	assert.False(t, playline.FlowReport{}.Complete(), "nobody was asked")
	synctest.Test(t, func(t *testing.T) {
		w := newFlowWorld(t)
		all := w.service.Options()
		client, err := playline.New(all[0], all[1], all[len(all)-1]) // Smooven alone, which can erase all it has
		require.NoError(t, err)
		for _, dry := range []bool{true, false} {
			report, err := client.Forget(t.Context(), w.ace, playline.ForgetOptions{DryRun: dry})
			require.NoError(t, err)
			assert.Equal(t, !dry, report.Complete(), report)
		}
	})
}

func TestForgetWithThePublicAppID(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newFlowWorld(t)
		client, err := playline.New(playline.WithSmoovenAppID(emulator.SmoovenAppID), playline.WithBaseURL(playline.Smooven, "http://127.0.0.1"+emulator.SmoovenPath),
			playline.WithHTTPClient(&http.Client{Transport: w.service}))
		require.NoError(t, err)
		_, err = client.Forget(t.Context(), w.ace, playline.ForgetOptions{})
		require.ErrorIs(t, err, playline.ErrNotConfigured)
		assert.Zero(t, w.service.TotalCalls(), "nothing is registered that then cannot be deleted")
	})
}

func TestForgetRefusesWhatIsNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newFlowWorld(t)
		for name, who := range map[string]playline.Identity{
			"nothing":           {},
			"a brand alone":     {BrandID: "b"},
			"no address":        {Email: "ace"},
			"no E.164":          {Phone: "0400 000 000"},
			"no contact id":     {ContactID: -1},
			"not UTF-8":         {ID: "\xff"},
			"a service's id":    {FynoID: "\xff"},
			"PlaySmart's id":    {PlaySmartID: "\xff"},
			"Sunshine's id":     {SunshineID: "\xff"},
			"Smooven's own id":  {SmoovenID: "\xff"},
			"Sunshine's brand.": {ID: "ace", BrandID: "\xff"},
		} {
			report, err := w.client.Forget(t.Context(), who, playline.ForgetOptions{})
			require.ErrorIs(t, err, playline.ErrInvalid, name)
			assert.Nil(t, report, name)
		}
		_, err := w.client.Forget(t.Context(), w.ace, playline.ForgetOptions{Events: []playline.EventEraser{nil}})
		require.ErrorIs(t, err, playline.ErrInvalid)
		assert.Zero(t, w.service.TotalCalls())
	})
}

// eraser is an EventEraser that a test writes.
type eraser func(ctx context.Context, user string) (batcher.Erasure, error)

func (e eraser) Erase(ctx context.Context, user string) (batcher.Erasure, error) { return e(ctx, user) }

func TestForgetTellsOfEachEraser(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newFlowWorld(t)
		w.ace.PlaySmartID = "sub-1"
		said := func(sum batcher.Erasure, err error) playline.EventEraser {
			return eraser(func(_ context.Context, user string) (batcher.Erasure, error) {
				assert.Equal(t, "sub-1", user)
				return sum, err
			})
		}
		broken := errors.New("the disk of ace@example.com is gone")
		report, err := w.client.Forget(t.Context(), w.ace, playline.ForgetOptions{Events: []playline.EventEraser{
			said(batcher.Erasure{Events: 5, InDoubt: 2}, nil), said(batcher.Erasure{Events: 1}, broken), said(batcher.Erasure{}, nil),
		}})
		require.ErrorIs(t, err, broken)
		assert.Equal(t, "5 dropped, 2 of them may have arrived", report.Steps[0].Detail)
		assert.Equal(t, []string{
			"playsmart: events that wait (1 of 3): done", "playsmart: events that wait (2 of 3): failed", "playsmart: events that wait (3 of 3): nothing there",
		}, told(report)[:3])
		assert.NotContains(t, report.String(), "ace@example.com")
		assert.Equal(t, "1 dropped", report.Steps[1].Detail)
		assert.Equal(t, playline.FlowDone, stepOf(t, report, playline.Fyno, "profile").Status, "it holds up nothing else")
	})
}

// A person who was deleted and has come back has another player id at Smooven. An identity that was kept holds the old one.
func TestForgetFindsAPlayerWhoCameBackUnderAnotherID(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newFlowWorld(t)
		player, found := w.service.Player(w.ace.ID)
		require.True(t, found)
		w.ace.SmoovenID = "ply_999999"
		report, err := w.client.Forget(t.Context(), w.ace, w.options())
		require.NoError(t, err)
		assert.Equal(t, playline.FlowDone, stepOf(t, report, playline.Smooven, "player").Status)
		assert.Equal(t, player.ID, report.Identity.SmoovenID)
		_, found = w.service.Player(w.ace.ID)
		assert.False(t, found)
		w.untouched()
	})
}
