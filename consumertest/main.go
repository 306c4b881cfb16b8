// Program consumertest uses the library as a stranger's module does: it imports what is exported
// and nothing else, and is built outside of the workspace. It does not compile if the exported API
// breaks an example of the README.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/emulator"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run lets one player register, play and leave, against an emulator behind a socket, and prints the
// results to out.
func run(ctx context.Context, out *os.File) error {
	services, err := emulator.Listen("127.0.0.1:0")
	if err != nil {
		return err
	}
	defer services.Close()
	client, err := playline.New(services.Options()...)
	if err != nil {
		return err
	}

	player, err := client.Players.Register(ctx, playline.Player{
		ExternalID: "device-abc-123", Channels: playline.PlayerChannels{Email: "ace@example.com"},
	}, playline.Timeout(10*time.Second))
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "registered", player.PlayerID)
	if _, err = client.Players.Get(ctx, "ply_999999"); !errors.Is(err, playline.ErrNotFound) {
		return fmt.Errorf("there is a player who never was: %w", err)
	}

	b, err := client.NewBatcher(batcher.Config{GameID: "com.example.stackblaster", Tokens: sessions{services}})
	if err != nil {
		return err
	}
	p := b.Player("device-abc-123")
	for level := range 3 {
		if err := p.TrackAttrs(ctx, batcher.LevelCompleted, slog.Int("level", level)); err != nil {
			return err
		}
	}
	report, err := b.Close(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "delivered", report.Delivered, "stored", services.EventCount())
	return nil
}

// sessions is a batcher.TokenSource: a game's own table of who is logged in.
type sessions struct{ issuer *emulator.Server }

// Token implements batcher.TokenSource.
func (s sessions) Token(_ context.Context, userID string) (batcher.Token, error) {
	if userID == "" {
		return batcher.Token{}, batcher.ErrNoToken
	}
	return batcher.Token{Value: batcher.Secret(s.issuer.Token(userID, time.Hour))}, nil
}
