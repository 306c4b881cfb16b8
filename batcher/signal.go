package batcher

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// Signal is something that happened to the game, at which waiting for fuller batches is not worth it.
type Signal uint8

// The signals.
const (
	LevelEnd       Signal = iota // a level or a match ended
	SessionEnd                   // a player left
	Background                   // the app went into the background and may be stopped
	MemoryPressure               // memory is short
	ProcessEnding                // the process was told to end
)

// Signal makes every player send what waits, and does not wait for it; see Flush for that. In a loop that must not stall, prefer
// Player.Signal: this one looks at every player.
func (b *Batcher) Signal(Signal) {
	for l := range b.lanes() {
		l.mu.Lock()
		b.hurryLocked(l)
		l.mu.Unlock()
	}
}

// Signal makes the player send what waits, and does not wait for it.
func (p *Player) Signal(Signal) {
	if l := p.batcher.find(p.id); l != nil {
		l.mu.Lock()
		p.batcher.hurryLocked(l)
		l.mu.Unlock()
	}
}

// NotifyContext returns a context that ends when the process gets SIGTERM or SIGINT, or when parent
// ends. At that moment the batcher sends everything that waits, and the program has time to end its
// work and to call Close. A second signal ends the program at once. stop undoes it all.
func NotifyContext(parent context.Context, b *Batcher) (ctx context.Context, stop context.CancelFunc) {
	ctx, cancel := signal.NotifyContext(parent, os.Interrupt, syscall.SIGTERM)
	undo := context.AfterFunc(ctx, func() {
		cancel() // the signals have their default effect again
		b.Signal(ProcessEnding)
	})
	return ctx, func() {
		undo()
		cancel()
	}
}

// ShutdownHook is for http.Server.RegisterOnShutdown: when the server shuts down, everything that waits is sent.
func (b *Batcher) ShutdownHook() func() { return func() { b.Signal(ProcessEnding) } }
