package batcher_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/emulator"
)

// serve plays until the process is told to end, and leaves nothing behind: what could not be delivered within the grace period is
// written to leftOver, an event a line.
func serve(ctx context.Context, b *batcher.Batcher, server *http.Server, grace time.Duration, leftOver io.Writer) error {
	ctx, stop := batcher.NotifyContext(ctx, b) // SIGTERM or Ctrl-C: in that moment everything that waits is sent
	defer stop()
	<-ctx.Done()

	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	handlers, cancel := context.WithTimeout(ending, grace/3)
	defer cancel()
	err := server.Shutdown(handlers)       // first those who track,
	report, undelivered := b.Close(ending) // then what they tracked
	for _, left := range report.LeftOver {
		for _, record := range left.Records {
			if _, failed := fmt.Fprintf(leftOver, "%s %s\n", left.UserID, record.JSON); failed != nil {
				return errors.Join(err, undelivered, failed)
			}
		}
	}
	return errors.Join(err, undelivered)
}

func Example_shutdown() {
	b, service := newBatcher(nil)
	service.Inject(emulator.Fault{Operation: "ingestEvents", Mode: emulator.Hang}) // a bad night
	at := time.Date(2026, 1, 2, 20, 0, 0, 0, time.UTC)
	_ = b.Track(context.Background(), "device-abc-123", batcher.Event{Type: batcher.AppOpen, Time: at})

	told, cancel := context.WithCancel(context.Background())
	cancel() // SIGTERM
	err := serve(told, b, &http.Server{ReadHeaderTimeout: time.Second}, 50*time.Millisecond, os.Stdout)
	fmt.Println(err)
	// Output:
	// device-abc-123 {"type":"AppOpen","timestamp":"2026-01-02T20:00:00.000+00:00"}
	// batcher: closed with 1 events of 1 players not delivered: they are in Report.LeftOver: context deadline exceeded
}
