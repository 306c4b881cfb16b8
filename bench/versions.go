package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
)

// peerModules are the modules whose versions the report prints.
var peerModules = []string{
	"gopkg.in/segmentio/analytics-go.v3",
	"github.com/posthog/posthog-go",
	"go.opentelemetry.io/otel/sdk/log",
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp",
}

// printVersions prints the measured versions, and the machine.
func printVersions(out io.Writer) {
	fmt.Fprintf(out, "%s %s/%s, %d CPUs. ", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	info, ok := debug.ReadBuildInfo()
	if !ok {
		fmt.Fprintln(os.Stderr, "bench: no build information: the versions of the peers are not known")
		return
	}
	var versions []string
	for _, path := range peerModules {
		for _, m := range info.Deps {
			if m.Path == path {
				versions = append(versions, path+" "+m.Version)
			}
		}
	}
	fmt.Fprintf(out, "Peers: %s. Event: %d bytes.\n", strings.Join(versions, ", "), encodedBytes(1000)/1000)
}
