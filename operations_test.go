package playline

import (
	"context"
	"encoding/base64"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/internal/retry"
)

// row is one operation as it should look on the wire, in both directions.
type row struct {
	op      *op
	variant string // tells several rows of one operation apart
	call    func(ctx context.Context, c *Client, opts ...RequestOption) (any, error)
	path    string // escaped, behind the base
	query   string
	body    string // JSON, "" for none
	status  int
	reply   string // JSON
	result  any
	class   string // as operations.md has it
	test    bool   // on Fyno's version test
	// hostile calls the operation with an id in place of the named placeholder; hostileID does so for ids that are numbers.
	hostile   map[string]func(ctx context.Context, c *Client, id string) error
	hostileID map[string]func(ctx context.Context, c *Client, id int64) error
}

func (r row) name() string {
	if r.variant == "" {
		return r.op.name
	}
	return r.op.name + " " + r.variant
}

// client returns the client that the row wants.
func (r row) client(t *testing.T, s *scripted) *Client {
	t.Helper()
	if r.test {
		return newClient(t, s, WithFyno("FYTEST", FynoTest, keyFyno))
	}
	return newClient(t, s)
}

// retryClass is the class by which the row's failures are judged.
func (r row) retryClass(t *testing.T) retry.Class {
	t.Helper()
	for class := retry.Safe; class <= retry.Never; class++ {
		if class.String() == r.class {
			return class
		}
	}
	t.Fatalf("%s: the row has no class", r.name())
	return 0
}

// auth is the Authorization header that the row's request carries.
func (r row) auth() string {
	switch r.op {
	case opIngestEvents:
		return "Bearer " + tokenPlayer
	case opRegisterAccount, opLogin:
		return ""
	}
	return map[Service]string{
		Smooven:     "Bearer " + keySmooven,
		Fyno:        "Bearer " + keyFyno,
		SmartSender: "Bearer " + keySmartSender,
		Sunshine:    "Basic " + base64.StdEncoding.EncodeToString([]byte(keySunshineID+":"+keySunshine)),
	}[r.op.service]
}

// rows is every row of every service.
var rows = slices.Concat(
	playerRows, profileRows, channelRows, propertyRows, subscriptionRows, suppressionRows, eventRows, verifyRows,
	contactRows, messagingRows, accountRows, ingestRows,
)

func TestEveryOperationHasARow(t *testing.T) {
	t.Parallel()
	for _, o := range ops {
		assert.True(t, slices.ContainsFunc(rows, func(r row) bool { return r.op == o }), "%s has no row", o.name)
	}
	for _, r := range rows {
		assert.Contains(t, ops, r.op, "%s is not in ops", r.op.name)
	}
}

func TestEveryPathArgumentHasAHostileCall(t *testing.T) {
	t.Parallel()
	fixed := []string{"WSID", "version", "appId"}
	for _, o := range ops {
		for _, m := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(o.path, -1) {
			name := m[1]
			covered := slices.Contains(fixed, name) || slices.ContainsFunc(rows, func(r row) bool {
				return r.op == o && (r.hostile[name] != nil || r.hostileID[name] != nil)
			})
			assert.True(t, covered, "%s: no hostile call for {%s}", o.name, name)
		}
	}
}

func TestOperationsShareAnEndpointOnlyUnderOneID(t *testing.T) {
	t.Parallel()
	ids := map[string]string{}
	names := map[string]bool{}
	for _, o := range ops {
		endpoint := string(o.service) + " " + o.method + " " + o.path
		if id, ok := ids[endpoint]; ok {
			assert.Equal(t, id, o.id, "%s shares %s", o.name, endpoint)
		}
		ids[endpoint] = o.id
		assert.False(t, names[o.name], "%s stands there twice", o.name)
		names[o.name] = true
	}
}

func TestOperationsCoverTheContracts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("contracts/*.openapi.yaml")
	require.NoError(t, err)
	require.Len(t, files, 5)
	var wanted []string
	for _, file := range files {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		service := strings.TrimSuffix(filepath.Base(file), ".openapi.yaml")
		for _, m := range regexp.MustCompile(`(?m)^\s+operationId:\s*(\w+)\s*$`).FindAllStringSubmatch(string(content), -1) {
			wanted = append(wanted, service+" "+m[1])
		}
	}
	require.NotEmpty(t, wanted)
	var covered []string
	for _, o := range ops {
		covered = append(covered, string(o.service)+" "+o.id)
	}
	slices.Sort(covered)
	slices.Sort(wanted)
	assert.Equal(t, wanted, slices.Compact(covered))
}

// TestClassesAreThoseOfTheDocument holds the classes of the code against the ones that the rows state.
func TestClassesAreThoseOfTheDocument(t *testing.T) {
	t.Parallel()
	for _, r := range rows {
		if r.variant == "" {
			assert.Equal(t, r.class, r.op.class.String(), r.op.name)
		}
	}
}
