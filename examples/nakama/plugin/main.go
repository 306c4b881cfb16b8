// Plugin is what Nakama loads:
//
//	go build -buildmode=plugin -trimpath -o playsmart.so ./plugin
//
// with the Go version and the version of nakama-common that the server was built with; its release
// notes name both. In the server's configuration it needs runtime.env with PLAYLINE_GAME_ID, and
// shutdown_grace_sec above 0.
package main

import (
	"context"
	"database/sql"

	"github.com/heroiclabs/nakama-common/runtime"

	"github.com/playline/playline-go/examples/nakama/gameplay"
)

// InitModule is called by Nakama when it starts.
func InitModule(ctx context.Context, logger runtime.Logger, _ *sql.DB, nk runtime.NakamaModule, initializer runtime.Initializer) error {
	return gameplay.Init(ctx, logger, nk, initializer)
}

// main is for go vet and go build, which know nothing of plugins. Nakama does not call it.
func main() {}
