package main

import (
	"context"
	"time"

	"github.com/playline/playline-go"
)

// fullProperties has a value of every kind that can be set.
func fullProperties() playline.Properties {
	return playline.Properties{
		"clan": "red", "level": 41, "rate": 0.5, "beta": true, "since": time.Date(2026, 4, 22, 14, 30, 0, 0, time.UTC),
		"modes": []string{"rush", "duel"}, "scores": []any{1, 2.5, "best"},
	}
}

// properties are the changes to the properties of "ace".
func (s *script) properties(c *playline.Client) []step {
	listed := playline.Properties{"modes": "coop", "scores": 7}
	actions := playline.PropertyActions{
		Set: fullProperties(), Once: fullProperties(), Add: playline.Properties{"level": -1.5}, Append: listed, Remove: listed,
		Unset: []string{"beta"},
	}
	return []step{
		{"Properties.Set", func(ctx context.Context) error {
			_, err := c.Properties.Set(ctx, "ace", fullProperties())
			return err
		}, nil},
		{"Properties.SetOnce", func(ctx context.Context) error {
			_, err := c.Properties.SetOnce(ctx, "ace", fullProperties())
			return err
		}, nil},
		{"Properties.Add", func(ctx context.Context) error {
			_, err := c.Properties.Add(ctx, "ace", playline.Properties{"level": 1})
			return err
		}, nil},
		{"Properties.Append", func(ctx context.Context) error {
			_, err := c.Properties.Append(ctx, "ace", listed)
			return err
		}, nil},
		{"Properties.Remove", func(ctx context.Context) error {
			_, err := c.Properties.Remove(ctx, "ace", listed)
			return err
		}, nil},
		{"Properties.Unset", func(ctx context.Context) error {
			_, err := c.Properties.Unset(ctx, "ace", []string{"rate"})
			return err
		}, nil},
		{"Properties.Batch", func(ctx context.Context) error {
			_, err := c.Properties.Batch(ctx, []playline.PropertyChange{
				{DistinctID: "ace", Actions: actions},
				{DistinctID: "nova", Actions: playline.PropertyActions{Set: playline.Properties{"level": 1}}},
			})
			return err
		}, nil},
	}
}
