package main

import (
	"context"
	"fmt"
	"iter"

	"github.com/playline/playline-go"
)

// contacts are the calls to SmartSender.
func (s *script) contacts() []step {
	c := s.client.Contacts
	const whatsApp = 1 // the emulator's channel
	page := playline.PageOptions{Page: 1, Size: 20}
	var ids []int64
	create := func(name string) step {
		return step{"Contacts.Create", func(ctx context.Context) error {
			gate, err := c.Create(ctx, whatsApp, playline.ContactCreate{
				Identifier: "61400000000-" + name, FirstName: name, LastName: "of the clan", Email: name + "@example.com",
				Phone: "+61400000000", Parameters: map[string]any{"level": "7", "clan": "red"},
			})
			if err == nil {
				ids = append(ids, s.emulator.GateContact(gate.ID))
			}
			return err
		}, nil}
	}
	return []step{
		create("ace"), create("blitz"), create("nova"),
		{"Contacts.Create", func(ctx context.Context) error {
			_, err := c.Create(ctx, 99, playline.ContactCreate{Identifier: "x", FirstName: "x"})
			return err
		}, playline.ErrNotFound},
		{"Contacts.List", func(ctx context.Context) error {
			_, err := c.List(ctx, page)
			return err
		}, nil},
		{"Contacts.All", func(ctx context.Context) error { return drain(c.All(ctx, playline.PageOptions{Size: 1}), 3) }, nil},
		{"Contacts.Search", func(ctx context.Context) error {
			_, err := c.Search(ctx, "ace & co/?", page)
			return err
		}, nil},
		{"Contacts.SearchAll", func(ctx context.Context) error {
			return drain(c.SearchAll(ctx, "blitz", playline.PageOptions{Size: 1}), 1)
		}, nil},
		{"Contacts.Get", func(ctx context.Context) error {
			_, err := c.Get(ctx, ids[0])
			return err
		}, nil},
		{"Contacts.Get", func(ctx context.Context) error {
			_, err := c.Get(ctx, 1<<62)
			return err
		}, playline.ErrNotFound},
		{"Contacts.Update", func(ctx context.Context) error {
			_, err := c.Update(ctx, ids[0], map[string]any{"firstName": "ace", "level": 8, "rare": true})
			return err
		}, nil},
		{"Contacts.Info", func(ctx context.Context) error {
			_, err := c.Info(ctx, ids[0])
			return err
		}, nil},
		{"Contacts.Chat", func(ctx context.Context) error {
			_, err := c.Chat(ctx, ids[0])
			return err
		}, nil},
		{"Contacts.Gates", func(ctx context.Context) error {
			_, err := c.Gates(ctx, ids[0], page)
			return err
		}, nil},
		{"Contacts.AllGates", func(ctx context.Context) error {
			return drain(c.AllGates(ctx, ids[0], playline.PageOptions{Size: 1}), 1)
		}, nil},
		{"Contacts.Fire", func(ctx context.Context) error {
			_, err := c.Fire(ctx, ids[0], "SeasonStart")
			return err
		}, nil},
		{"Contacts.Unite", func(ctx context.Context) error {
			_, err := c.Unite(ctx, ids[0], ids[1])
			return err
		}, nil},
		{"Contacts.Delete", func(ctx context.Context) error {
			_, err := c.Delete(ctx, ids[2]) //nolint:staticcheck // deprecated by the vendor, and still an operation
			return err
		}, nil},
	}
}

// drain walks a list to its end, and expects a number of items.
func drain[T any](list iter.Seq2[T, error], want int) error {
	got := 0
	for _, err := range list {
		if err != nil {
			return err
		}
		got++
	}
	if got != want {
		return fmt.Errorf("%d items, not %d", got, want)
	}
	return nil
}
