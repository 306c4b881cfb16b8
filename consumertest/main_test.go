package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/emulator"
)

// The tests of a stranger need no test library: a consumer does not download the imports of the
// library's own tests.

func TestRun(t *testing.T) {
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if err := run(t.Context(), out); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(out.Name())
	if want := "registered ply_000001\ndelivered 3 stored 3\n"; err != nil || string(text) != want {
		t.Fatalf("got %q, %v, want %q", text, err, want)
	}
}

// start returns a client of emulated services that live as long as the test.
func start(t *testing.T) (*playline.Client, *emulator.Server) {
	t.Helper()
	services := emulator.Start(t)
	client, err := playline.New(append(services.Options(), playline.WithRetryPolicy(playline.RetryPolicy{MaxAttempts: 1}))...)
	if err != nil {
		t.Fatal(err)
	}
	return client, services
}

func TestErrors(t *testing.T) {
	client, services := start(t)
	_, err := client.Players.Get(t.Context(), "ply_999999")
	var answer *playline.Error
	if !errors.Is(err, playline.ErrNotFound) || !errors.As(err, &answer) || answer.StatusCode != http.StatusNotFound || answer.Operation != "Players.Get" {
		t.Errorf("no such player: %v", err)
	}
	_, err = client.Players.Register(t.Context(), playline.Player{})
	var invalid *playline.ValidationError
	if !errors.Is(err, playline.ErrInvalid) || !errors.As(err, &invalid) || invalid.Field == "" {
		t.Errorf("a player without an id: %v", err)
	}
	services.Inject(emulator.TooMany("getPlayer", time.Second))
	_, err = client.Players.Get(t.Context(), "ply_999999")
	if !errors.Is(err, playline.ErrRateLimited) || !errors.As(err, &answer) || answer.RetryAfter != time.Second {
		t.Errorf("throttled: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = client.Players.Get(ctx, "ply_000001"); !errors.Is(err, context.Canceled) || errors.Is(err, playline.ErrUnavailable) {
		t.Errorf("given up by the caller: %v", err)
	}
}

func TestIterator(t *testing.T) {
	client, services := start(t)
	const contacts = 45
	for range contacts {
		services.AddContact(emulator.Contact{FirstName: "ace"})
	}
	seen := map[int64]bool{}
	for contact, err := range client.Contacts.All(t.Context(), playline.PageOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		seen[contact.ID] = true
	}
	if len(seen) != contacts || services.Calls("listContacts") != 3 {
		t.Errorf("%d contacts in %d pages", len(seen), services.Calls("listContacts"))
	}
}

// wire is the stranger's own batcher.Sender. It keeps the events that it gets and refuses one
// player.
type wire struct {
	mu  sync.Mutex
	got map[string]int
}

func (w *wire) Send(_ context.Context, b batcher.Batch) (batcher.Receipt, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var body struct{ Events []json.RawMessage }
	if err := json.Unmarshal(b.AppendBody(nil), &body); err != nil || len(body.Events) != b.Events {
		return batcher.Receipt{}, &batcher.SendError{Failure: batcher.Invalid, Err: errors.New("the body does not hold what it says")}
	}
	if b.UserID == "blitz" {
		return batcher.Receipt{}, &batcher.SendError{Failure: batcher.Forbidden, Err: errors.New("not this player")}
	}
	w.got[b.UserID] += b.Events
	return batcher.Receipt{}, nil
}

func TestOwnSenderAndTokens(t *testing.T) {
	w := &wire{got: map[string]int{}}
	var told sync.Map
	b, err := batcher.New(w, batcher.Config{
		GameID: "com.example.stackblaster",
		Tokens: batcher.TokenFunc(func(context.Context, string) (batcher.Token, error) { return batcher.Token{Value: "t"}, nil }),
		OnOutcome: func(o batcher.Outcome) {
			told.Store(o.UserID, o.Result)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, user := range []string{"ace", "blitz"} {
		p := b.Player(user)
		if err := p.Track(t.Context(), batcher.Event{Type: batcher.Custom, Name: "PowerUpUsed", Data: map[string]any{"power": "bomb"}}); err != nil {
			t.Fatal(err)
		}
		if err := p.TryTrack(batcher.Event{Type: batcher.AppOpen}); err != nil {
			t.Fatal(err)
		}
	}
	var invalid *batcher.InvalidEventError
	if err := b.Player("ace").Track(t.Context(), batcher.Event{Type: batcher.Custom}); !errors.As(err, &invalid) {
		t.Errorf("an event without a name: %v", err)
	}
	b.Player("ace").Signal(batcher.LevelEnd)

	report, err := b.Close(t.Context())
	if report.Delivered != 2 || len(report.LeftOver) != 1 || w.got["ace"] != 2 {
		t.Errorf("report %+v, %v, sent %v", report, err, w.got)
	}
	if r, _ := told.Load("ace"); r != batcher.Delivered {
		t.Errorf("ace: %v", r)
	}
	if left := report.LeftOver; len(left) == 1 && (left[0].UserID != "blitz" || left[0].Result != batcher.Returned || len(left[0].Records) != 2) {
		t.Errorf("left over: %+v", left)
	}
	if err := b.Player("ace").Track(t.Context(), batcher.Event{Type: batcher.AppOpen}); !errors.Is(err, batcher.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}
