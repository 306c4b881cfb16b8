package playline_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/playline/playline-go"
)

// propertiesOf returns what Fyno has of the player ace.
func propertiesOf(client *playline.Client) map[string]any {
	profile, err := client.Profiles.Get(context.Background(), "ace")
	if err != nil {
		panic(err)
	}
	properties, err := profile.PropertyMap()
	if err != nil {
		panic(err)
	}
	return properties
}

func ExamplePropertiesService_Set() {
	client := withProfile()
	accepted, err := client.Properties.Set(context.Background(), "ace", playline.Properties{
		"level": 41, "clan": "blue", "vip": true, "modes": []string{"rush", "duel"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(accepted.RequestID != "") // for Fyno's support
	fmt.Println(propertiesOf(client))
	// Output:
	// true
	// map[clan:blue level:41 modes:[rush duel] vip:true]
}

func ExamplePropertiesService_SetOnce() {
	client := withProfile()
	for _, source := range []string{"trailer", "friend"} { // only the first one counts
		if _, err := client.Properties.SetOnce(context.Background(), "ace", playline.Properties{"came_by": source}); err != nil {
			fmt.Println(err)
			return
		}
	}
	fmt.Println(propertiesOf(client))
	// Output: map[came_by:trailer]
}

func ExamplePropertiesService_Add() {
	client := withProfile()
	for range 3 {
		_, err := client.Properties.Add(context.Background(), "ace", playline.Properties{"coins": 50, "lives": -1})
		if errors.Is(err, playline.ErrOutcomeUnknown) {
			continue // it may have been added: adding again could do so twice
		}
		if err != nil {
			fmt.Println(err)
			return
		}
	}
	fmt.Println(propertiesOf(client))
	// Output: map[coins:150 lives:-3]
}

func ExamplePropertiesService_Append() {
	client := withProfile()
	for _, badge := range []string{"first-blood", "marathon", "marathon"} { // a list holds a value once
		if _, err := client.Properties.Append(context.Background(), "ace", playline.Properties{"badges": badge}); err != nil {
			fmt.Println(err)
			return
		}
	}
	fmt.Println(propertiesOf(client))
	// Output: map[badges:[first-blood marathon]]
}

func ExamplePropertiesService_Remove() {
	ctx := context.Background()
	client := withProfile()
	if _, err := client.Properties.Set(ctx, "ace", playline.Properties{"friends": []string{"blitz", "nova"}}); err != nil {
		fmt.Println(err)
		return
	}
	if _, err := client.Properties.Remove(ctx, "ace", playline.Properties{"friends": "blitz"}); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(propertiesOf(client))
	// Output: map[friends:[nova]]
}

func ExamplePropertiesService_Unset() {
	ctx := context.Background()
	client := withProfile()
	if _, err := client.Properties.Set(ctx, "ace", playline.Properties{"clan": "blue", "clan_rank": 3, "level": 41}); err != nil {
		fmt.Println(err)
		return
	}
	if _, err := client.Properties.Unset(ctx, "ace", []string{"clan", "clan_rank"}); err != nil { // left the clan
		fmt.Println(err)
		return
	}
	fmt.Println(propertiesOf(client))
	// Output: map[level:41]
}

func ExamplePropertiesService_Batch() {
	client := withProfile()
	result, err := client.Properties.Batch(context.Background(), []playline.PropertyChange{
		{DistinctID: "ace", Actions: playline.PropertyActions{
			Set:    playline.Properties{"level": 42},
			Append: playline.Properties{"badges": "marathon"},
		}},
		{DistinctID: "blitz", Actions: playline.PropertyActions{Once: playline.Properties{"came_by": "friend"}}},
	})
	if err != nil { // a *PartialError names the items that were not taken
		fmt.Println(err)
		return
	}
	for i, actions := range result.Batch {
		fmt.Println(i, actions)
	}
	fmt.Println(propertiesOf(client))
	// Output:
	// 0 map[$append:ok $set:ok]
	// 1 map[$once:ok]
	// map[badges:[marathon] level:42]
}
