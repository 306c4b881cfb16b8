// Nakama is a runtime module of a Nakama server that feeds the batcher from session and match
// hooks. The module to copy is in gameplay/, plugin/ makes it what Nakama loads, and host/ plays
// the server's part here and in the tests.
//
// This program plays an evening of it against an emulator of PlaySmart: players log in, play in
// matches, some leave, and the server shuts down in the middle. At the end every player's events
// are compared with the emulator's record:
//
//	go run ./examples/nakama
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/emulator"
	"github.com/playline/playline-go/examples/nakama/gameplay"
	"github.com/playline/playline-go/examples/nakama/host"
)

const (
	players = 200
	ticks   = 30
	inMatch = 20
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "nakama:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	playSmart, err := emulator.Listen("127.0.0.1:0")
	if err != nil {
		return err
	}
	defer playSmart.Close()
	fmt.Fprintf(out, "nakama: %d players in %d matches, an emulator of PlaySmart at %s\n", players, players/inMatch, playSmart.URL)
	nakama := host.New(out, map[string]string{
		"PLAYLINE_GAME_ID": "com.example.stackblaster", "PLAYLINE_PLAYSMART_URL": playSmart.URL + emulator.PlaySmartPath,
	})
	if err := nakama.Load(ctx, gameplay.Init); err != nil {
		return err
	}
	e := &evening{nakama: nakama, sent: map[string]int{}}
	if err := e.arrive(ctx, playSmart); err != nil {
		return err
	}
	if err := e.play(ctx); err != nil {
		return err
	}
	// Matches are under way, and the service is down for the first second of the grace period.
	time.AfterFunc(time.Second, playSmart.Inject(emulator.Fault{Operation: "ingestEvents", Status: 503}))
	nakama.Shutdown(ctx, 30*time.Second, e.matches...)
	for userID := range e.sent {
		nakama.Disconnect(ctx, userID) // the last thing that a server does
	}
	return e.compare(playSmart, out)
}

// evening is what the players do.
type evening struct {
	nakama  *host.Server
	matches []*host.Match
	sent    map[string]int // events that there must be, by user id
	total   int
}

func (e *evening) expect(userID string) { e.sent[userID]++; e.total++ }

// arrive lets the players in. Every fourth logs in to PlaySmart only later: until then the events
// wait.
func (e *evening) arrive(ctx context.Context, playSmart *emulator.Server) error {
	accounts, err := playline.New(playSmart.Options()...)
	if err != nil {
		return err
	}
	for i := range players {
		userID, email := fmt.Sprintf("device-%03d", i), fmt.Sprintf("player-%03d@example.com", i)
		_, err := accounts.Accounts.Register(ctx, playline.AccountCreate{Email: email, Password: "correct-horse", DeviceID: userID})
		if err != nil {
			return err
		}
		e.nakama.Connect(ctx, userID)
		e.expect(userID) // AppOpen
		if i%inMatch == 0 {
			match, err := e.nakama.StartMatch(ctx)
			if err != nil {
				return err
			}
			e.matches = append(e.matches, match)
		}
		if i%4 != 0 {
			if err := e.logIn(ctx, i); err != nil {
				return err
			}
		}
		if !e.matches[i/inMatch].Join(ctx, userID) {
			return fmt.Errorf("%s was not let in", userID)
		}
		e.expect(userID) // MatchJoined
	}
	return nil
}

func (e *evening) logIn(ctx context.Context, i int) error {
	payload := fmt.Sprintf(`{"email":"player-%03d@example.com","password":"correct-horse"}`, i)
	_, err := e.nakama.RPC(ctx, fmt.Sprintf("device-%03d", i), "playsmart_login", payload)
	return err
}

// play runs the matches. Every tenth player leaves before the end; the others are there when the
// server shuts down.
func (e *evening) play(ctx context.Context) error {
	for tick := range ticks {
		for n, match := range e.matches {
			var messages []host.Message
			for i := n * inMatch; i < (n+1)*inMatch; i++ {
				userID := fmt.Sprintf("device-%03d", i)
				message := host.Message{UserID: userID, OpCode: gameplay.OpCombo, Data: fmt.Sprintf(`{"combo":%d}`, tick%9+1)}
				if tick%10 == 9 {
					message.OpCode, message.Data = gameplay.OpLevel, fmt.Sprintf(`{"level":%d,"score":%d}`, tick/10+1, 100*tick)
				}
				messages = append(messages, message)
				e.expect(userID)
			}
			if !match.Tick(ctx, messages...) {
				return fmt.Errorf("match %d ended", n)
			}
		}
	}
	for i := range players {
		userID := fmt.Sprintf("device-%03d", i)
		if i%4 == 0 {
			if err := e.logIn(ctx, i); err != nil {
				return err
			}
		}
		if i%10 == 0 {
			e.matches[i/inMatch].Leave(ctx, userID)
			e.nakama.Disconnect(ctx, userID)
		}
		e.expect(userID) // GameEnd, now or at the shutdown
	}
	return nil
}

func (e *evening) compare(playSmart *emulator.Server, out io.Writer) error {
	fmt.Fprintf(out, "  %d events expected, %d stored by the emulator\n", e.total, playSmart.EventCount())
	for userID, expected := range e.sent {
		events := playSmart.Events(userID)
		if len(events) != expected {
			return fmt.Errorf("%s: %d events expected, %d stored", userID, expected, len(events))
		}
		if first, last := events[0].Type, events[len(events)-1].Type; first != "AppOpen" || last != "GameEnd" {
			return fmt.Errorf("%s: the events are not in order: %s came first and %s last", userID, first, last)
		}
	}
	return nil
}
