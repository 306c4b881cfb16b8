// Telemetry shows what OpenTelemetry sees of a game server: the trace of a call that had to be
// repeated twice, and the metrics of a batcher that a small fleet of players fills while the
// service is down for a while. It runs against an emulator inside the process, ends by itself, and
// fails where the metrics do not agree with the batcher's ledger.
//
//	go run ./examples/telemetry
//	go run ./examples/telemetry -d 10m -metrics 127.0.0.1:9464
//
// The second one lets a Prometheus scrape the metrics, for otelplayline/dashboard.json.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/emulator"
	"github.com/playline/playline-go/otelplayline"
)

// settings are the flags.
type settings struct {
	duration time.Duration
	players  int
	metrics  string // where to serve them; "": nowhere
}

func main() {
	var s settings
	flag.DurationVar(&s.duration, "d", 3*time.Second, "how long the players play; the service is down in the middle third")
	flag.IntVar(&s.players, "players", 200, "players in the fleet")
	flag.StringVar(&s.metrics, "metrics", "", "a loopback address to serve /metrics on while they play, such as 127.0.0.1:9464")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, s, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "\ntelemetry:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, s settings, out io.Writer) error {
	// The program's own providers: one prints, one is read at the end, one is for Prometheus. The
	// library knows none of them.
	tree := &tree{}
	tracers := sdktrace.NewTracerProvider(sdktrace.WithSyncer(tree))
	reader, registry := sdkmetric.NewManualReader(), prometheus.NewRegistry()
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(registry))
	if err != nil {
		return err
	}
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader), sdkmetric.WithReader(exporter))
	providers := []otelplayline.Option{otelplayline.WithTracerProvider(tracers), otelplayline.WithMeterProvider(meters)}

	services, err := emulator.Listen("127.0.0.1:0", emulator.WithRecordLimit(0))
	if err != nil {
		return err
	}
	defer services.Close()
	hooks, err := otelplayline.NewHooks(providers...)
	if err != nil {
		return err
	}
	client, err := playline.New(append(services.Options(), playline.WithHooks(hooks))...)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "telemetry: an emulator of the five services at %s\n", services.URL)
	if s.metrics != "" {
		stop, err := serve(ctx, s.metrics, registry, out)
		if err != nil {
			return err
		}
		defer stop()
	}

	fmt.Fprint(out, "\na call that the service refused twice:\n\n")
	if err := retried(ctx, client, services); err != nil {
		return err
	}
	tree.print(out)

	fmt.Fprintf(out, "\n%d players for %s, the service down in the middle:\n\n", s.players, s.duration)
	fleet, err := newFleet(client, services, s.players, providers)
	if err != nil {
		return err
	}
	report, err := fleet.play(ctx, s.duration)
	if err != nil {
		return err
	}
	totals, err := table(context.WithoutCancel(ctx), reader, out)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\n  ledger: %s\n", report.Ledger)
	if totals["delivered"] != report.Delivered || report.Delivered != report.Accepted || fleet.tracked != report.Accepted {
		return fmt.Errorf("%d events tracked, but the metrics say %v and the ledger %s", fleet.tracked, totals, report.Ledger)
	}
	fmt.Fprintf(out, "  %d events tracked here, %d in the metrics, %d stored by the emulator\n", fleet.tracked, totals["delivered"], services.EventCount())
	return nil
}

// retried makes one call that takes three attempts.
func retried(ctx context.Context, client *playline.Client, services *emulator.Server) error {
	player, err := client.Players.Register(ctx, playline.Player{ExternalID: "device-abc-123"})
	if err != nil {
		return err
	}
	services.Inject(emulator.Fault{Operation: "getPlayer", Status: 503, Delay: 20 * time.Millisecond, Times: 2})
	_, err = client.Players.Get(ctx, player.PlayerID)
	return err
}
