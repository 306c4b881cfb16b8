package emulator

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
)

// The methods by which a test looks into the services.

func TestEmulatorShowsWhatTheServicesDid(t *testing.T) {
	e := &Emulator{fyno: newFyno(&options{}), smartSender: newSmartSender(&options{})}
	st := serviceTest{T: t, service: e.fyno}
	st.want(http.StatusAccepted, "fireEvent", `{"event":"x","to":{"sms":"+61400000000"}}`)
	assert.Len(t, e.Messages(), 1)

	st = serviceTest{T: t, service: e.smartSender}
	id := e.AddContact(Contact{FirstName: "Ace"})
	assert.Equal(t, "Ace", st.contact("1")["firstName"])
	assert.EqualValues(t, 1, id)
	st.want(http.StatusOK, "fireContactEvent", `{"name":"x"}`, "contactId", "1")
	assert.Len(t, e.Fired(id), 1)
	gate := st.want(http.StatusOK, "createContactGate", `{"identifier":"i","firstName":"Blitz"}`, "channelId", "1")
	assert.Greater(t, e.GateContact(int64(gate["id"].(float64))), id)
}
