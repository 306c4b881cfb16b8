package emulator

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Operations by both of their names.

func TestOperationsAreThoseOfTheContractsAndOfTheClient(t *testing.T) {
	inContracts := map[string]string{}
	for service, c := range contracts() {
		for _, r := range c.routes {
			for _, op := range r.methods {
				inContracts[op.id] = service
			}
		}
	}
	methods := map[string]string{}
	for _, op := range namedOperations {
		assert.Equal(t, op.service, inContracts[op.id], op.id)
		delete(inContracts, op.id)
		for _, method := range op.methods {
			methods[method] = op.id
		}
	}
	assert.Empty(t, inContracts, "operations of the contracts that have no name")

	source, err := os.ReadFile("../ops.go")
	require.NoError(t, err)
	found := regexp.MustCompile(`op\{"([\w.]+)", "(\w+)",`).FindAllStringSubmatch(string(source), -1)
	require.NotEmpty(t, found)
	for _, m := range found {
		assert.Equal(t, m[2], methods[m[1]], m[1])
		delete(methods, m[1])
	}
	assert.Empty(t, methods, "methods that are not there")
}

func TestTheDocumentationListsTheOperations(t *testing.T) {
	source, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	want := ""
	for line := range strings.SplitSeq(strings.TrimSpace(Operations()), "\n") {
		want += "//\t" + line + "\n"
	}
	assert.Contains(t, string(source), want)
}

func TestAnOperationGoesByBothNames(t *testing.T) {
	const validate = "/fyno/v1/" + FynoWorkspace + "/live/verify/validate?otp=1&request_id=x"
	for _, name := range []string{"validateOTP", "Verify.Validate"} {
		t.Run(name, func(t *testing.T) {
			e := New()
			remove := e.Inject(Fault{Service: Fyno, Operation: name, Status: 503})
			assert.Equal(t, 503, send(t, e, request(t, "POST", validate, "", fynoAuth)).status)
			assert.Equal(t, 400, send(t, e, request(t, "POST", "/fyno/v1/"+FynoWorkspace+"/live/profiles", "{}", fynoAuth)).status)
			assert.Equal(t, 1, e.Calls(name))
			assert.Equal(t, "validateOTP", e.Requests()[0].Operation)
			remove()
			assert.Equal(t, 400, send(t, e, request(t, "POST", validate, "", fynoAuth)).status)
			assert.Equal(t, 2, e.Calls(name))
		})
	}
	assert.NoError(t, Fault{Operation: "Profiles.DeleteTokens", Status: 500}.Validate(), "two methods call this operation")
	for name, fault := range map[string]Fault{
		"no operation":               {Operation: "Verify.validate", Status: 503},
		"an operationId that is not": {Operation: "validateotp", Status: 503},
		"a service alone":            {Operation: "Verify", Status: 503},
	} {
		t.Run(name, func(t *testing.T) {
			err := fault.Validate()
			require.Error(t, err)
			for _, want := range []string{fault.Operation, "validateOTP (Verify.Validate)", "ingestEvents (Ingest.Send)", "deleteChannels (Profiles.DeleteChannels, Profiles.DeleteTokens)"} {
				assert.Contains(t, err.Error(), want)
			}
		})
	}
	err := Fault{Service: Sunshine, Operation: "Verify.Validate", Status: 503}.Validate()
	require.ErrorContains(t, err, `no operation "Verify.Validate" of sunshine: use one of createClient`)
	assert.NotContains(t, err.Error(), "validateOTP (", "only those of the service")
	assert.PanicsWithValue(t, "emulator: Calls: "+noOperation("", "validateOtp").Error(), func() { New().Calls("validateOtp") })
}
