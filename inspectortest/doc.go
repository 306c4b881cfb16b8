// Package inspectortest tries the emulator's inspector in a real browser, and takes its pictures.
// It is a module of its own, because what drives the browser is nothing that users of the library
// need.
//
//	go test ./inspectortest               the tests; skipped without Chromium
//	go run ./inspectortest/cmd/pictures   the pictures in docs/
//
// With INSPECTOR_BROWSER=required the tests fail without Chromium.
package inspectortest
