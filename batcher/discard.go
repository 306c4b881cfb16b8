package batcher

import "context"

// The off switch: a batcher for programs and tests that send nothing.

// Discard returns a Batcher that checks events and drops them, for a program whose telemetry is
// switched off. Track returns what it would return otherwise for an event that cannot be sent and
// after Close, and nil for every other event. Nothing is kept, sent or counted, and no token is
// asked for; Flush, End and Close return at once.
func Discard() *Batcher {
	none := TokenFunc(func(context.Context, string) (Token, error) { return Token{}, ErrNoToken })
	b, err := New(struct{ Sender }{}, Config{GameID: "discard", Tokens: none})
	if err != nil {
		panic(err) // the Config above is valid
	}
	b.off = true
	return b
}

// discard is the end of Track for a batcher that is switched off.
func (p *Player) discard() error {
	if p.batcher.closed.Load() {
		return ErrClosed
	}
	return checkUserID(p.id)
}
