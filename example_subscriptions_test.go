package playline_test

import (
	"context"
	"fmt"

	"github.com/playline/playline-go"
)

// Examples of SubscriptionsService and SuppressionsService.

func ExampleSubscriptionsService_Preferences() {
	client := withProfile()
	preferences, err := client.Subscriptions.Preferences(context.Background(), "ace", playline.PreferencesOptions{EventList: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, topic := range preferences.Topics["Game"] { // topics by the name of their section: a settings page
		fmt.Println(topic.Name, topic.ChannelConfig[playline.ChannelSMS], len(topic.NotificationEvents))
	}
	// Output:
	// Daily rewards on 2
	// Tournaments off 2
}

func ExampleSubscriptionsService_Update() {
	client := withProfile()
	consents, err := client.Subscriptions.Update(context.Background(), "ace", playline.TopicConsents{
		"STOURNAMENT": {playline.ChannelPush: playline.OptedIn, playline.ChannelEmail: playline.OptedOut},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println((*consents)["STOURNAMENT"][playline.ChannelPush], (*consents)["STOURNAMENT"][playline.ChannelEmail])
	// Output: opted-in opted-out
}

func ExampleSubscriptionsService_UpdateTopic() {
	ctx := context.Background()
	client := withProfile()
	// A link at the foot of a mail: no more of these. AllTopics in place of the id is "unsubscribe from everything".
	_, err := client.Subscriptions.UpdateTopic(ctx, "SNEWS", playline.TopicConsent{
		DistinctID: "ace", Channel: playline.ChannelEmail, Consent: playline.OptedOut,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	preferences, err := client.Subscriptions.Preferences(ctx, "ace", playline.PreferencesOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, topic := range preferences.Topics["Account"] {
		if topic.SubscriptionID == "SNEWS" {
			fmt.Println(topic.Name, topic.Consents[playline.ChannelEmail])
		}
	}
	// Output: News opted-out
}

func ExampleSuppressionsService_Add() {
	ctx := context.Background()
	client := withProfile()
	_, err := client.Suppressions.Add(ctx, playline.SuppressionCreate{
		Destination: "+61400000000", Channel: playline.ChannelSMS, Description: "the number has a new owner",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = client.Events.Fire(ctx, "season-start", playline.Recipient{To: playline.Destinations{SMS: "+61400000000"}})
	fmt.Println(err != nil) // a *PartialError that names the channel
	// Output: true
}

func ExampleSuppressionsService_List() {
	ctx := context.Background()
	client := withProfile()
	_, err := client.Suppressions.Add(ctx, playline.SuppressionCreate{DistinctID: "ace", Channel: playline.ChannelEmail, Description: "bounced"})
	if err != nil {
		fmt.Println(err)
		return
	}
	list, err := client.Suppressions.List(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range list.Suppressions {
		fmt.Println(s.DistinctID, s.Channel, s.Description)
	}
	// Output: ace email bounced
}

func ExampleSuppressionsService_Delete() {
	ctx := context.Background()
	client := withProfile()
	if _, err := client.Suppressions.Add(ctx, playline.SuppressionCreate{DistinctID: "ace", Channel: playline.ChannelEmail}); err != nil {
		fmt.Println(err)
		return
	}
	_, err := client.Suppressions.Delete(ctx, playline.SuppressionKey{DistinctID: "ace"})
	fmt.Println(err)
	list, err := client.Suppressions.List(ctx)
	fmt.Println(len(list.Suppressions), err)
	// Output:
	// <nil>
	// 0 <nil>
}
