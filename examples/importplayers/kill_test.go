package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/emulator"
)

// The program as a process of its own, which is killed.

// childEnv makes the test's binary the program.
const childEnv = "IMPORTPLAYERS_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		main()
	}
	os.Exit(m.Run())
}

// importing returns the program as a process that imports a file into an emulator.
func importing(service *emulator.Server, path string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], "-concurrency", "3", path) //nolint:noctx // the test kills it
	cmd.Env = append(append(os.Environ(), childEnv+"=1"), service.Env()...)
	return cmd
}

// TestAKilledImportGoesOn kills the program again and again, a request further each time, and runs
// the same command until it ends by itself.
func TestAKilledImportGoesOn(t *testing.T) {
	t.Parallel()
	for name, signal := range map[string]os.Signal{"kill -9": os.Kill, "SIGTERM": syscall.SIGTERM} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if runtime.GOOS == "windows" && signal == syscall.SIGTERM {
				t.Skip("there is no SIGTERM")
			}
			const n = 9_000
			service := emulator.Start(t)
			path := filepath.Join(t.TempDir(), "players.csv")
			require.NoError(t, generateFile(path, n))
			kills, status := 0, -1
			for status != 0 && status != exitRowsFailed {
				require.Less(t, kills, 40, "it makes no progress")
				cmd := importing(service, path)
				var out strings.Builder
				cmd.Stdout, cmd.Stderr = &out, &out
				before := service.Calls("importPlayers")
				require.NoError(t, cmd.Start())
				over, ended := context.WithCancel(t.Context())
				go func() {
					defer ended()
					_ = cmd.Wait()
				}()
				for over.Err() == nil && service.Calls("importPlayers") <= before+kills {
					select {
					case <-over.Done():
					case <-time.After(time.Millisecond): // a process has no clock of a bubble
					}
				}
				_ = cmd.Process.Signal(signal)
				<-over.Done()
				status = cmd.ProcessState.ExitCode()
				if signal == syscall.SIGTERM && status != exitRowsFailed && status != -1 { // -1: before it listened to signals
					require.Equal(t, exitStopped, status, out.String())
					require.Contains(t, out.String(), "interrupted")
				}
				kills++
			}
			assert.Greater(t, kills, 1)
			assert.Equal(t, exitRowsFailed, status)
			_, err := os.Stat(statePath(path))
			require.ErrorIs(t, err, os.ErrNotExist)
			left, err := filepath.Glob(path + ".*")
			require.NoError(t, err)
			assert.Empty(t, left)
			mended, err := mend(failedPath(path, 1))
			require.NoError(t, err)
			assert.Equal(t, n/200, mended, "each failed row is there once")
			assert.NoFileExists(t, failedPath(path, 2))

			_, err = importing(service, failedPath(path, 1)).CombinedOutput()
			require.NoError(t, err)
			assert.Len(t, service.Players(), n)
		})
	}
}
