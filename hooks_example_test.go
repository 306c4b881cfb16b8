package playline_test

import (
	"context"
	"fmt"
	"net/http"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/emulator"
)

// Telemetry of one's own, in one function: a line for each request. The module otelplayline makes OpenTelemetry of hooks.
func ExampleWithHooks() {
	services := emulator.New()
	client, err := playline.New(append(services.Options(), playline.WithHooks(playline.Hooks{
		AttemptEnd: func(_ context.Context, call playline.CallInfo, result playline.CallResult) {
			fmt.Println(call.Operation, call.Method, call.Route, "attempt", result.Attempts, "status", result.StatusCode)
		},
	}))...)
	if err != nil {
		panic(err)
	}
	services.Inject(emulator.Fault{Operation: "getPlayer", Status: http.StatusServiceUnavailable, Times: 1})
	player, err := client.Players.Register(context.Background(), playline.Player{ExternalID: "device-abc-123"})
	if err != nil {
		panic(err)
	}
	if _, err := client.Players.Get(context.Background(), player.PlayerID); err != nil {
		panic(err)
	}
	// Output:
	// Players.Register POST /players/register attempt 1 status 200
	// Players.Get GET /players/{player_id} attempt 1 status 503
	// Players.Get GET /players/{player_id} attempt 2 status 200
}
