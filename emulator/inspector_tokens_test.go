package emulator

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Values that look like a token, in any place.

func TestWhatLooksLikeAToken(t *testing.T) {
	jwt := New().Token("device-1", time.Hour)
	const base64Secret = "q8ZtP1xVb/3nR+7mKcY2wLh0Ej5uSgDf9TaXoB4iUvM="
	tests := []struct{ name, text, want string }{
		{"a JWT", jwt, hidden},
		{"a JWT in a sentence", "token " + jwt + ", valid", "token " + hidden + ", valid"},
		{"a JWT in quotes", `"` + jwt + `"`, `"` + hidden + `"`},
		{"a JWT in a path", "/players/" + jwt + "/x", "/players/" + hidden + "/x"},
		{"a JWT that is cut", jwt[:40], hidden},
		{"a JWT behind an escape of JSON", `\n` + jwt, `\n` + hidden},
		{"a JWT behind an escaped character", `\u2028` + jwt, `\u2028` + hidden},
		{"a JWT behind a name", "access=" + jwt, "access=" + hidden},
		{"a secret key", "sk_live_51Habcdef", hidden},
		{"a secret key of the emulator", SmoovenKey, hidden},
		{"a secret key in capitals", "SK_LIVE_51HABCDEF", hidden},
		{"a secret key in a path", "/v1/keys/sk_test_abcdef", "/v1/keys/" + hidden},
		{"a secret key that is escaped", "a%3Dsk_test_abcdef", "a%3D" + hidden},
		{"a key of another kind", "ghp_16C7e42F292c6912E7710c838347Ae178B4a", hidden},
		{"base64", base64Secret, hidden},
		{"base64 in a sentence", "it is " + base64Secret + ".", "it is " + hidden},
		{"base64 without its end", strings.TrimRight(base64Secret, "="), hidden},
		{"base64 for URLs", "q8ZtP1xVb_3nR-7mKcY2wLh0Ej5uSgDf9TaXoB4iUvM", hidden},
		{"base64 in a path", "/players/q8ZtP1xVb_3nR-7mKcY2wLh0Ej5uSgDf9TaXoB4iUvM/gates", "/players/" + hidden + "/gates"},
		{"base64 that a path escapes", "/players/" + url.PathEscape(base64Secret), "/players/" + hidden},
		{"hexadecimal digits of a hash", strings.Repeat("0123456789abcdef", 4), hidden},
		{"two of them", "sk_live_51Habcdef sk_live_51Habcdef", hidden + " " + hidden},

		{"a UUID", "0b59df61-c587-4f44-a669-f0177a161b81", ""},
		{"a UUID in capitals", "0B59DF61-C587-4F44-A669-F0177A161B81", ""},
		{"a UUID without lines", "0b59df61c5874f44a669f0177a161b81", ""},
		{"an id of 24 digits", SunshineAppID, ""},
		{"a ULID", "01ARZ3NDEKTSV4RRFFQ69G5FAV", ""},
		{"an event id", "JX2K7QWERTYU-1234567", ""},
		{"a name in camel case", "ComboReachedBonusMultiplierLevelTwelve", ""},
		{"it with a number", "ComboReachedBonusMultiplierLevel12", ""},
		{"a path", "/fyno/v1/FYEMULATOR/live/profiles/properties/set-once", ""},
		{"a bundle id", "com.example.stackblaster.android.release", ""},
		{"words that hold a prefix", "task_list_of_the_day, risk_assessment_open", ""},
		{"a time", "2026-04-22T14:30:00.123456789+00:00", ""},
		{"a sentence", "The quick brown fox jumps over the lazy dog", ""},
		{"an address", "nova.of.the.night.owls@example.com", ""},
		{"an agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0", ""},
		{"long words", strings.Repeat("long", 5000), ""},
		{"nothing", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := tt.want
			if want == "" {
				want = tt.text
			}
			assert.Equal(t, want, withoutTokens(tt.text))
		})
	}
	// random secrets of 24 to 47 bytes
	draw := rand.New(rand.NewPCG(3, 4))
	missed := 0
	for range 2000 {
		secret := make([]byte, 24+draw.IntN(24))
		for i := range secret {
			secret[i] = byte(draw.Uint32())
		}
		for _, text := range []string{base64.StdEncoding.EncodeToString(secret), base64.RawURLEncoding.EncodeToString(secret)} {
			// a slash near an end may leave a few digits
			if left := strings.ReplaceAll(withoutTokens(text), hidden, ""); len(left) > 12 {
				missed++
			}
		}
		assert.Equal(t, hidden, withoutTokens(hex.EncodeToString(secret)))
	}
	assert.LessOrEqual(t, missed, 40, "of 4,000 random secrets in base64")
}

// TestInspectorHidesTokensInEveryPlace sends a token in every place that a request has, and looks
// for it in every view.
func TestInspectorHidesTokensInEveryPlace(t *testing.T) {
	e := New()
	secrets := []string{e.Token("x", time.Hour), "sk_live_plantedAbc123", "q8ZtP1xVb/3nR+7mKcY2wLh0Ej5uSgDf9TaXoB4iUvM="}
	var fragments []string
	live := "/fyno/v1/" + FynoWorkspace + "/live"
	for _, secret := range secrets {
		fragments = append(fragments, secret, secret[len(secret)/2:], url.PathEscape(secret))
		text, err := json.Marshal(secret)
		require.NoError(t, err)
		quoted, escaped := string(text), url.PathEscape(secret)
		for _, step := range []struct{ method, target, body, header string }{
			{"POST", "/smooven/v1/players/register", `{"external_id":` + quoted + `,"channels":{"email":"a@example.com"},"tags":[` + quoted + `]}`, smoovenAuth},
			{"POST", "/smooven/v1/players/batch", `{"players":[{"external_id":` + quoted + `,"channels":{"sms":` + quoted + `}}]}`, smoovenAuth},
			{"GET", "/smooven/v1/players/" + escaped, "", smoovenAuth},
			{"GET", "/elsewhere/" + escaped + "?q=" + url.QueryEscape(secret), "", "User-Agent: " + secret},
			{"POST", live + "/profiles", `{"distinct_id":` + quoted + `,"name":` + quoted + `,"channel":{"slack":` + quoted + `}}`, fynoAuth},
			{"POST", live + "/profiles/properties/set", `{"distinct_id":` + quoted + `,"$set":{` + quoted + `:` + quoted + `,"list":[` + quoted + `]}}`, fynoAuth},
			{"POST", live + "/event", `{"event":` + quoted + `,"to":{"slack":` + quoted + `},"data":{` + quoted + `:[{"note":"a\n` + secret + ` b"}]}}`, fynoAuth},
			{"POST", live + "/event", `{"event":"x","distinct_id":` + quoted + `,"` + secret + `":1}`, "Idempotency-Key: " + secret},
			{"POST", "/fyno/v1/" + FynoWorkspace + "/suppressions", `{"distinct_id":` + quoted + `,"channel":"sms","description":` + quoted + `}`, fynoAuth},
			{"POST", "/playsmart/auth/register", `{"email":` + quoted + `,"password":"correct-horse-9","deviceId":` + quoted + `}`, "X-App-Version: " + secret},
			{"POST", "/smartsender/v1/channels/1/gates", `{"identifier":` + quoted + `,"firstName":` + quoted + `,"parameters":{` + quoted + `:` + quoted + `}}`, smartSenderAuth},
			{"GET", "/smartsender/v1/contacts", "", smartSenderAuth},
		} {
			send(t, e, request(t, step.method, step.target, step.body, step.header))
		}
		a := send(t, e, request(t, "POST", "/playsmart/ingest/events", `{"user_id":`+quoted+`,"game_id":`+quoted+`,"events":[
			{"type":"Custom","customEventName":`+quoted+`,"timestamp":"2026-04-22T14:30:00Z","customdata":{`+quoted+`:{"deep":[`+quoted+`]}}}]}`,
			"Authorization: Bearer "+e.Token(secret, time.Hour)))
		require.Equal(t, 202, a.status, a.text)
		e.AddClient(secret, "sdk")
	}
	var shown strings.Builder
	players := watch(t, e, "view=players")()
	require.Len(t, shownIn(players), len(secrets))
	for _, view := range []string{"events", "requests", "messages", "players"} {
		shown.WriteString(watch(t, e, "view="+view)().text)
	}
	for i := range secrets {
		id := players.at("rows", i, "id").(string)
		assert.Regexp(t, `^\[hidden-[0-9a-f]{8}\]$`, id)
		a := watch(t, e, "view=events&q="+url.QueryEscape("player:"+id)+"&person="+url.QueryEscape(id))()
		assert.Equal(t, id, a.at("person", "id"))
		assert.EqualValues(t, 1, a.at("person", "eventCount"), "who is hidden is found by the name that is shown")
		assert.Len(t, a.at("rows"), 1)
		shown.WriteString(a.text)
	}
	for number := range e.TotalCalls() {
		shown.WriteString(visit(t, e, "GET", fmt.Sprintf("%s/request/%d", InspectorPath, number+1), "").Body.String())
	}
	for _, fragment := range fragments {
		if i := strings.Index(shown.String(), fragment); i >= 0 {
			assert.Fail(t, "a token is shown", "%q: ...%s", fragment, shown.String()[max(0, i-100):i+len(fragment)])
		}
	}
}
