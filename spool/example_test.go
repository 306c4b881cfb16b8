package spool_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/emulator"
	"github.com/playline/playline-go/spool"
)

// directory returns a new directory, and what removes it.
func directory() (dir string, remove func()) {
	dir, err := os.MkdirTemp("", "spool")
	if err != nil {
		panic(err)
	}
	return dir, func() { _ = os.RemoveAll(dir) }
}

// A batcher with a spool. If this process ends before it has delivered the tracked events, the next
// one delivers them.
func Example() {
	dir, remove := directory()
	defer remove()
	ctx := context.Background()
	service := emulator.New() // PlaySmart, in this process
	game := func(signedIn bool) (*spool.Spool, *batcher.Batcher) {
		store, err := spool.Open(dir, spool.Options{Sync: spool.Interval})
		if err != nil {
			panic(err)
		}
		client, err := playline.New(service.Options()...)
		if err != nil {
			panic(err)
		}
		b, err := client.NewBatcher(batcher.Config{
			GameID: "com.example.stackblaster",
			Store:  store,
			Linger: time.Millisecond,
			Tokens: batcher.TokenFunc(func(_ context.Context, userID string) (batcher.Token, error) {
				if !signedIn {
					return batcher.Token{}, errors.New("the player is not signed in")
				}
				return batcher.Token{Value: batcher.Secret(service.Token(userID, time.Hour))}, nil
			}),
		})
		if err != nil {
			panic(err)
		}
		return store, b
	}

	store, b := game(false)
	_ = b.Player("device-abc-123").Track(ctx, batcher.Event{Type: batcher.LevelCompleted, Data: map[string]any{"level": 5}})
	over, cancel := context.WithCancel(ctx)
	cancel() // no time to wait for the player
	_, _ = b.Close(over)
	_ = store.Close() // after the batcher
	fmt.Println(service.EventCount(), "delivered")

	store, b = game(true)
	report, err := b.Close(ctx)
	fmt.Println(report.Delivered, "delivered by the next process,", err)
	fmt.Println(store.Close())
	// Output:
	// 0 delivered
	// 1 delivered by the next process, <nil>
	// <nil>
}

// A spool with Options.MaxBytes of events accepts no more. Events that have their result make room.
func ExampleOptions_limits() {
	dir, remove := directory()
	defer remove()
	o := spool.Options{Sync: spool.Always, SegmentBytes: 1000, MaxBytes: 2000}
	store, err := spool.Open(dir, o)
	if err != nil {
		panic(err)
	}
	event := batcher.StoredEvent{UserID: "ace", Accepted: time.Now(), JSON: []byte(`{"type":"GameEnd"}`)}
	var ids []uint64
	for err == nil {
		var id uint64
		if id, err = store.Append(context.Background(), event); err == nil {
			ids = append(ids, id)
		}
	}
	fmt.Println(errors.Is(err, spool.ErrFull), len(ids) > 30)

	_ = store.Settled(context.Background(), ids) // it counts from the next commit on: after Options.Every, or here at Close
	_ = store.Close()
	store, _ = spool.Open(dir, o)
	defer store.Close()
	_, err = store.Append(context.Background(), event)
	fmt.Println("room again:", err == nil)
	// Output:
	// true true
	// room again: true
}

// A damaged file does not keep Open from working. The spool sets the file aside, and keeps its
// readable events.
func ExampleOptions_report() {
	dir, remove := directory()
	defer remove()
	store, _ := spool.Open(dir, spool.Options{})
	for n := range 3 {
		_, _ = store.Append(context.Background(), batcher.StoredEvent{UserID: "ace", JSON: fmt.Appendf(nil, `{"n":%d}`, n)})
	}
	_ = store.Close()
	file, _ := os.OpenFile(filepath.Join(dir, "0000000000000001.spool"), os.O_RDWR, 0)
	_, _ = file.WriteAt(make([]byte, 100), 0) // a disk that forgets
	_ = file.Close()

	store, err := spool.Open(dir, spool.Options{Report: func(d spool.Damage) {
		fmt.Println(filepath.Base(d.Path), "-", d.Err, "-", d.Salvaged, "saved")
	}})
	if err != nil {
		panic(err)
	}
	for e, err := range store.Recover(context.Background()) {
		if err != nil {
			panic(err)
		}
		fmt.Println(string(e.JSON), "in doubt:", e.InDoubt) // the note that it was sent may be in the lost part
	}
	fmt.Println(store.Close())
	// Output:
	// 0000000000000001.spool.damaged - one of its two meta pages is not valid - 3 saved
	// {"n":0} in doubt: true
	// {"n":1} in doubt: true
	// {"n":2} in doubt: true
	// <nil>
}

// Inspect reads a directory that no process has open, and changes nothing. Spoolctl uses it.
func ExampleInspect() {
	dir, remove := directory()
	defer remove()
	store, _ := spool.Open(dir, spool.Options{})
	_, _ = store.Append(context.Background(), batcher.StoredEvent{UserID: "ace", JSON: []byte(`{"n":1}`)})
	_ = store.Close()

	view, err := spool.Inspect(dir)
	if err != nil {
		panic(err)
	}
	defer view.Close()
	for _, f := range view.Files {
		fmt.Println(f.Name, "-", f.Waiting, "waiting")
	}
	for e, err := range view.Events() {
		if err != nil {
			panic(err)
		}
		fmt.Println(e.UserID, string(e.JSON))
	}
	// Output:
	// 0000000000000001.spool - 1 waiting
	// ace {"n":1}
}
