package main

import (
	"bytes"
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/heroiclabs/nakama-common/runtime"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/examples/nakama/host"
)

// The name under which Nakama looks for the module.

func TestTheEntryThatNakamaLooksFor(t *testing.T) {
	// The type that the server asserts of the symbol.
	entry, ok := any(InitModule).(func(context.Context, runtime.Logger, *sql.DB, runtime.NakamaModule, runtime.Initializer) error)
	require.True(t, ok)
	var out bytes.Buffer
	server := host.New(&out, map[string]string{"PLAYLINE_GAME_ID": "com.example.stackblaster"})
	require.NoError(t, server.Load(t.Context(), func(ctx context.Context, log runtime.Logger, nk runtime.NakamaModule, initializer runtime.Initializer) error {
		return entry(ctx, log, nil, nk, initializer)
	}))
	server.Shutdown(t.Context(), time.Second)
	assert.Contains(t, out.String(), "accepted 0 = delivered 0")
}
