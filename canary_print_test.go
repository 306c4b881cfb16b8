package playline

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/batcher"
)

// everyVerb is a value in all the ways in which programs write values down. Verbs that do not fit a type matter most: fmt then shows
// what is behind a pointer, which %+v does not.
func everyVerb(t *testing.T, v any) string {
	t.Helper()
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%+s", "%q", "%#q", "%d", "%x", "%X", "%t", "%e"} {
		fmt.Fprintf(&out, verb+"\n", v)
	}
	encoded, err := json.Marshal(v)
	if err == nil {
		out.Write(encoded)
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("seen", "v", v, slog.Group("in", "v", v))
	slog.New(slog.NewJSONHandler(&out, nil)).Info("seen", "v", v, slog.Group("in", "v", v))
	return out.String()
}

// credentials are the canaries that are secrets, in the forms in which a printed value can show them.
func credentials() []string {
	plain := []string{keySmooven, keyFyno, keySmartSender, keySunshine, tokenPlayer, "app_live_canary"}
	var all []string
	for _, s := range plain {
		all = append(all, s, fmt.Sprintf("%x", s), fmt.Sprintf("%X", s), strings.Trim(fmt.Sprintf("%d", []byte(s)), "[]"))
	}
	return append(all, basicCredentials(keySunshineID, keySunshine), fmt.Sprintf("%x", basicCredentials(keySunshineID, keySunshine)))
}

func TestSecurityAPrintedClientShowsNoCredential(t *testing.T) {
	t.Parallel()
	for name, extra := range map[string][]Option{
		"plain":         nil,
		"public id":     {WithSmoovenAppID("app_live_canary")},
		"ready token":   {WithSunshineToken("app1", keySunshine)},
		"signed tokens": {WithSunshineJWT("app1", keySunshineID, keySunshine, SunshineApp)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := script(jsonBody(200, `{"clients":[],"meta":{"hasMore":false}}`))
			c := newClient(t, s, extra...)
			_, err := c.Messaging.ListClients(t.Context(), "ace", ClientListOptions{})
			require.NoError(t, err)
			b, err := c.NewBatcher(batcher.Config{GameID: "com.example.stackblaster", Tokens: batcher.TokenFunc(nil)})
			require.NoError(t, err)
			b.SetToken("ace", batcher.Token{Value: batcher.Secret(tokenPlayer)})
			values := []any{c, *c, []any{c}, map[string]any{"c": c}, struct{ C *Client }{c}, b, b.Player("ace"), b.Stats()}
			for field := range reflect.TypeFor[Client]().NumField() {
				if v := reflect.ValueOf(c).Elem().Field(field); v.CanInterface() {
					values = append(values, v.Interface(), v.Elem().Interface())
				}
			}
			require.Greater(t, len(values), 20, "the services are not among them")
			for _, v := range values {
				printed := everyVerb(t, v)
				for _, secret := range credentials() {
					assert.NotContains(t, printed, secret, "%T", v)
				}
			}
			report, err := b.Close(t.Context())
			require.NoError(t, err)
			assert.NotContains(t, everyVerb(t, report), tokenPlayer)
		})
	}
}

// TestSecurityPrintedResultsShowNoSecret: what calls return, and what is given to them.
func TestSecurityPrintedResultsShowNoSecret(t *testing.T) {
	t.Parallel()
	eachRow(t, func(t *testing.T, r row) {
		t.Helper()
		var captured Response
		r.inBubble(t, script(jsonBody(r.status, r.reply)), func(t *testing.T, result any, err error) {
			t.Helper()
			require.NoError(t, err)
			printed := everyVerb(t, result)
			for _, secret := range append(credentials(), passwordAce, "493021", "eyJ") {
				assert.NotContains(t, printed, secret)
			}
		}, CaptureResponse(&captured))
	})
	for name, request := range map[string]any{
		"an OTP":         OTPCheck{RequestID: "r", OTP: "493021", Destination: "0"},
		"a registration": AccountCreate{Password: "correct horse"},
		"a login":        &Credentials{Password: "correct horse"},
		"a session":      Session{AccessToken: Secret("correct horse").Hold(), RefreshToken: Secret("correct horse").Hold()},
		"a batch":        batcher.Batch{UserID: "ace", Token: batcher.Token{Value: "correct horse"}},
	} {
		printed := everyVerb(t, request)
		assert.NotContains(t, printed, "493021", name)
		assert.NotContains(t, printed, "correct horse", name)
		assert.NotContains(t, printed, fmt.Sprintf("%x", "correct horse"), name)
		assert.Contains(t, printed, redacted, name)
	}
}
