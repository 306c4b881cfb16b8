// Package inspectortest tries the emulator's inspector in a real browser, and takes its pictures. It is a module of its own, because
// what drives the browser is nothing that users of the library need.
//
//	go test ./inspectortest                              the tests; skipped where there is no Chromium
//	INSPECTOR_BROWSER=required go test ./inspectortest   they fail there
//	go run ./inspectortest/cmd/pictures                  the pictures in docs/
package inspectortest
