// Contracttest runs the whole SDK against the emulator, through a proxy that holds every request
// and every answer against the OpenAPI documents of contracts/. It prints how much of the contracts
// was covered, and fails below all of it.
//
//	go run ./contracttest    in the root of the repository
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
)

func main() {
	dir := flag.String("contracts", "contracts", "folder of the OpenAPI documents")
	flag.Parse()
	if err := check(*dir); err != nil {
		fmt.Fprintln(os.Stderr, "contracttest:", err)
		os.Exit(1)
	}
}

// check carries out the run and prints its result.
func check(dir string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	report, err := run(ctx, dir)
	if err != nil {
		return err
	}
	report.print(os.Stdout)
	return report.err()
}
