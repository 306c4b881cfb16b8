// Agones is the shutdown of a game server that Agones runs: on SIGTERM it takes no more players,
// sees its players off, closes the batcher within the grace period of its pod, and only then tells
// the sidecar to shut the game server down, because that ends the pod. It speaks the sidecar's REST
// API (https://agones.dev/site/docs/guides/client-sdks/rest/) with net/http.
//
// Without a sidecar it plays the part of the cluster too: a sidecar in the process, and a SIGTERM
// while PlaySmart is down. At the end the ledger is compared with the emulator's record, and with
// the events that had arrived at the call of /shutdown:
//
//	go run ./examples/agones
//
// If AGONES_SDK_HTTP_PORT is set, as Agones sets it, it speaks to that sidecar and waits for a
// SIGTERM from outside; PlaySmart is an emulator all the same. -grace is the
// terminationGracePeriodSeconds of the pod. Copy server.go and sidecar.go into your server.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/emulator"
)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "agones:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("agones", flag.ContinueOnError)
	grace := flags.Duration("grace", 30*time.Second, "terminationGracePeriodSeconds of the pod")
	if err := flags.Parse(args); err != nil {
		return err
	}
	playSmart, err := emulator.Listen("127.0.0.1:0")
	if err != nil {
		return err
	}
	defer playSmart.Close()
	client, err := playline.New(playSmart.Options()...)
	if err != nil {
		return err
	}
	b, err := client.NewBatcher(batcher.Config{
		GameID: "com.example.stackblaster",
		// A real server gets the token from the player when it joins.
		Tokens: batcher.TokenFunc(func(_ context.Context, userID string) (batcher.Token, error) {
			return batcher.Token{Value: batcher.Secret(playSmart.Token(userID, time.Hour))}, nil
		}),
	})
	if err != nil {
		return err
	}
	// In the moment of the signal everything that waits is sent, so that Close finds little to do.
	ctx, stop := batcher.NotifyContext(ctx, b)
	defer stop()

	host := newSidecar(os.Getenv("AGONES_SDK_HTTP_PORT"))
	var acted *cluster
	if os.Getenv("AGONES_SDK_HTTP_PORT") == "" {
		if acted, err = startCluster(ctx, playSmart, out); err != nil {
			return err
		}
		defer acted.close()
		host.url = acted.url
	}
	server := &server{sidecar: host, batcher: b, grace: *grace, out: out}
	report, err := server.serve(ctx)
	if err != nil {
		return err
	}
	if stored := int64(playSmart.EventCount()); report.Delivered != report.Accepted || stored != report.Delivered {
		return fmt.Errorf("the ledger says %s, the emulator has %d", report.Ledger, stored)
	}
	if acted != nil {
		return acted.check(report)
	}
	return nil
}
