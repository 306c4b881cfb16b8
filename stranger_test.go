package playline_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/emulator"
)

// A stranger between client and emulator, by seed. It answers a third of all requests in the place of the
// services, with one of forty answers, before the emulator saw the request or after it was carried out.
// Whatever happens: what is reported as done is in the emulator, and what is there was not refused.
//
//	PLAYLINE_STRANGER_SEEDS=2000 go test -run TestAStrangerBetween -timeout 60m .

const strangerSeeds = 200

// strangersAnswers are twelve statuses of success and of refusal with pages, empty bodies and JSON of others.
func strangersAnswers() []*http.Response {
	var all []*http.Response
	add := func(status int, body string, header ...string) {
		resp := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
		for i := 0; i < len(header); i += 2 {
			resp.Header.Set(header[i], header[i+1])
		}
		all = append(all, resp) //nolint:bodyclose // made by hand, of a text
	}
	for _, status := range []int{200, 201, 202} {
		for _, body := range []string{"", "null", "{}", "[]", `"ok"`, `{"error":{"code":"X"}}`, "<html>welcome</html>"} {
			add(status, body)
		}
	}
	for _, status := range []int{400, 401, 403, 404, 409, 413, 422} {
		add(status, "<html>sorry</html>")
		add(status, "{}")
	}
	add(302, "", "Location", "https://portal.example.com/")
	add(429, "slow down", "Retry-After", "1")
	add(502, "<html>bad gateway</html>")
	add(503, "<html>maintenance</html>")
	add(521, "")
	return all
}

// between is the stranger.
type between struct {
	emulator *emulator.Emulator

	mu  sync.Mutex
	rng *rand.Rand
}

// RoundTrip implements http.RoundTripper.
func (b *between) RoundTrip(req *http.Request) (*http.Response, error) {
	answers := strangersAnswers()
	b.mu.Lock()
	strange, after, answer := b.rng.IntN(3) == 0, b.rng.IntN(2) == 0, answers[b.rng.IntN(len(answers))]
	b.mu.Unlock()
	answer.Request = req
	switch {
	case !strange:
		return b.emulator.RoundTrip(req)
	// A 429 is about load and a 413 about size, whoever says so: who does has taken nothing.
	case after && answer.StatusCode != http.StatusTooManyRequests && answer.StatusCode != http.StatusRequestEntityTooLarge:
		resp, err := b.emulator.RoundTrip(req)
		if err != nil {
			return nil, err
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	case req.Body != nil:
		_, _ = io.Copy(io.Discard, req.Body)
	}
	return answer, nil
}

func TestThereAreFortyStrangers(t *testing.T) {
	t.Parallel()
	assert.Len(t, strangersAnswers(), 40) //nolint:bodyclose // made by hand, of texts
}

func TestAStrangerBetween(t *testing.T) {
	t.Parallel()
	seeds := strangerSeeds
	if text := os.Getenv("PLAYLINE_STRANGER_SEEDS"); text != "" {
		var err error
		seeds, err = strconv.Atoi(text)
		require.NoError(t, err)
	}
	for seed := range uint64(seeds) {
		synctest.Test(t, func(t *testing.T) { meetStranger(t, seed) })
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// meetStranger plays one seed.
func meetStranger(t *testing.T, seed uint64) {
	t.Helper()
	services := emulator.New()
	honest, err := playline.New(services.Options()...)
	require.NoError(t, err)
	strange := &between{emulator: services, rng: rand.New(rand.NewPCG(seed, 40))}
	c, err := playline.New(append(services.Options(), playline.WithHTTPClient(&http.Client{Transport: strange}))...)
	require.NoError(t, err)
	ctx := t.Context()

	// Typed calls of each class but key, whose second attempt the emulator answers as the first.
	there := func(err error) bool {
		if err != nil {
			require.ErrorIs(t, err, playline.ErrNotFound)
		}
		return err == nil
	}
	for n := range 3 {
		id := fmt.Sprintf("profile-%d", n)
		_, err := c.Profiles.Create(ctx, playline.ProfileCreate{DistinctID: id})
		_, look := honest.Profiles.Get(ctx, id)
		tells(t, "Profiles.Create", err, there(look))
		id = fmt.Sprintf("player-%d", n)
		_, err = c.Players.Register(ctx, playline.Player{ExternalID: id, Channels: playline.PlayerChannels{Email: "ace@example.com"}})
		_, found := services.Player(id)
		tells(t, "Players.Register", err, found)
		email := fmt.Sprintf("ace%d@example.com", n)
		_, err = c.Accounts.Register(ctx, playline.AccountCreate{Email: email, Password: "correct-horse-9", DeviceID: id})
		_, look = honest.Accounts.Login(ctx, playline.Credentials{Email: email, Password: "correct-horse-9"})
		tells(t, "Accounts.Register", err, look == nil)
	}
	sent, err := honest.Events.Fire(ctx, "login_otp", playline.Recipient{To: playline.Destinations{SMS: "+61400000000"}})
	require.NoError(t, err)
	_, err = c.Verify.Validate(ctx, playline.OTPCheck{RequestID: sent.RequestID, OTP: "not-it"})
	require.Error(t, err, "a wrong password was accepted")

	// An import.
	var players []playline.Player
	for n := range 5 {
		players = append(players, playline.Player{ExternalID: fmt.Sprintf("import-%d", n), Channels: playline.PlayerChannels{Email: "ace@example.com"}})
	}
	summary, err := c.Players.ImportAll(ctx, slices.Values(players), playline.ImportOptions{})
	imported := 0
	for _, p := range players {
		if _, found := services.Player(p.ExternalID); found {
			imported++
		}
	}
	assert.LessOrEqual(t, summary.Imported, imported, "players that were reported as imported")
	for _, f := range summary.Failures {
		if _, found := services.Player(f.Player.ExternalID); found {
			require.ErrorIs(t, f.Err, playline.ErrOutcomeUnknown)
		}
	}
	tells(t, "Players.ImportAll", err, imported > 0)

	deliver(t, c, services)
	forget(t, c, honest, services)
}

// tells holds what a call reports against what is there.
func tells(t *testing.T, what string, err error, there bool) {
	t.Helper()
	open := errors.Is(err, playline.ErrOutcomeUnknown) || errors.Is(err, playline.ErrUnavailable) || errors.Is(err, playline.ErrRateLimited)
	switch {
	case err == nil:
		assert.True(t, there, "%s: reported as done, and it is not there", what)
	case !open:
		assert.False(t, there, "%s: reported as refused, and it is there: %v", what, err)
	}
}

// deliver tracks events of three players and closes the batcher.
func deliver(t *testing.T, c *playline.Client, services *emulator.Emulator) {
	t.Helper()
	var mu sync.Mutex // guards the following: players have their outcomes at the same time
	results, inDoubt := map[string]batcher.Result{}, map[string]bool{}
	b, err := c.NewBatcher(batcher.Config{
		GameID: "com.example.stackblaster",
		Tokens: batcher.TokenFunc(func(_ context.Context, user string) (batcher.Token, error) {
			return batcher.Token{Value: batcher.Secret(services.Token(user, time.Hour))}, nil
		}),
		OnOutcome: func(o batcher.Outcome) {
			mu.Lock()
			defer mu.Unlock()
			for _, r := range o.Records {
				event := o.UserID + " " + nameOf(string(r.JSON))
				results[event], inDoubt[event] = o.Result, o.InDoubt > 0
			}
		},
	})
	require.NoError(t, err)
	for n := range 12 {
		user := []string{"ace", "blitz", "nova"}[n%3]
		require.NoError(t, b.Player(user).TrackCustom(t.Context(), fmt.Sprintf("event-%d", n)))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	_, _ = b.Close(ctx) // what the stranger kept open is returned as unknown
	stored := map[string]bool{}
	for _, user := range []string{"ace", "blitz", "nova"} {
		for _, e := range services.Events(user) {
			stored[user+" "+e.CustomEventName] = true
		}
	}
	for event, result := range results {
		switch result {
		case batcher.Delivered:
			assert.True(t, stored[event], "%s: delivered, and it is not there", event)
		case batcher.Rejected:
			// A 413 after an answer that was lost: the outcome says that an attempt may have arrived.
			assert.False(t, stored[event] && !inDoubt[event], "%s: rejected, and it is there", event)
		}
	}
}

// nameOf returns the customEventName of an event.
func nameOf(event string) string {
	_, rest, _ := strings.Cut(event, `"customEventName":"`)
	name, _, _ := strings.Cut(rest, `"`)
	return name
}

// forget erases a person, and believes a report only if it is complete.
func forget(t *testing.T, c, honest *playline.Client, services *emulator.Emulator) {
	t.Helper()
	ctx := t.Context()
	player, err := honest.Players.Register(ctx, playline.Player{ExternalID: "gone", Channels: playline.PlayerChannels{Email: "gone@example.com"}})
	require.NoError(t, err)
	_, err = honest.Profiles.Create(ctx, playline.ProfileCreate{DistinctID: "gone"})
	require.NoError(t, err)
	report, _ := c.Forget(ctx, playline.Identity{ID: "gone", SmoovenID: player.PlayerID, Email: "gone@example.com"}, playline.ForgetOptions{})
	for _, s := range report.Steps {
		if s.Status != playline.FlowDone && s.Status != playline.FlowNothing {
			continue
		}
		switch {
		case s.Service == playline.Smooven:
			_, found := services.Player("gone")
			assert.False(t, found, "smooven: %s: %s", s.What, s.Status)
		case s.Service == playline.Fyno && s.What == "profile":
			_, err := honest.Profiles.Get(ctx, "gone")
			assert.ErrorIs(t, err, playline.ErrNotFound, "fyno: %s: %s", s.What, s.Status)
		}
	}
}
