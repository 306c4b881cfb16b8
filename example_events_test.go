package playline_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/playline/playline-go"
)

// Examples of EventsService and VerifyService.

func ExampleEventsService_Fire() {
	client, services := newClient()
	accepted, err := client.Events.Fire(context.Background(), "tournament_start", playline.Recipient{
		To:   playline.Destinations{SMS: "+61400000000", Email: "ace@example.com"},
		Data: map[string]any{"name": "Friday Cup", "minutes": 15},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(accepted.Messages[playline.ChannelSMS].Status, accepted.Messages[playline.ChannelEmail].Status)
	fmt.Println(len(services.Messages()), "messages")
	// Output:
	// ok ok
	// 2 messages
}

func ExampleEventsService_Fire_suppressed() {
	ctx := context.Background()
	client := withProfile()
	if _, err := client.Suppressions.Add(ctx, playline.SuppressionCreate{DistinctID: "ace", Channel: playline.ChannelSMS}); err != nil {
		fmt.Println(err)
		return
	}
	accepted, err := client.Events.Fire(ctx, "daily_reward", playline.Recipient{
		DistinctID: "ace", To: playline.Destinations{SMS: "+61400000000", Email: "ace@example.com"},
	})
	if partial, ok := errors.AsType[*playline.PartialError](err); ok { // together with the result
		fmt.Println("not sent:", partial.Items[0].Key, partial.Items[0].Code)
	}
	fmt.Println("sent:", accepted.Messages[playline.ChannelEmail].Status)
	// Output:
	// not sent: sms suppressed
	// sent: ok
}

func ExampleEventsService_FireBulk() {
	client, services := newClient()
	accepted, err := client.Events.FireBulk(context.Background(), "newsletter", []playline.Recipient{
		{To: playline.Destinations{Email: "ace@example.com"}, Data: map[string]any{"level": 42}},
		{To: playline.Destinations{Email: "blitz@example.com"}, Data: map[string]any{"level": 7}},
	})
	if err != nil { // a *PartialError names the recipients by their place
		fmt.Println(err)
		return
	}
	for _, item := range accepted.Items {
		fmt.Println(item.Index, item.Messages[playline.ChannelEmail].Status)
	}
	fmt.Println(services.Calls("fireEventBulk"), "request")
	// Output:
	// 0 ok
	// 1 ok
	// 1 request
}

func ExampleVerifyService_Validate() {
	ctx := context.Background()
	client, services := newClient()
	sent, err := client.Events.Fire(ctx, "login_otp", playline.Recipient{To: playline.Destinations{SMS: "+61400000000"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	typed := []playline.Secret{"000000", playline.Secret(services.Messages()[0].OTP)} // what the player types
	for _, code := range typed {
		switch _, err := client.Verify.Validate(ctx, playline.OTPCheck{RequestID: sent.RequestID, OTP: code}); {
		case errors.Is(err, playline.ErrInvalid):
			fmt.Println("wrong, used or expired")
		case errors.Is(err, playline.ErrOutcomeUnknown):
			fmt.Println("no answer: the attempt may have counted") // never repeated by itself
		case err != nil:
			fmt.Println(err)
		default:
			fmt.Println("right")
		}
	}
	// Output:
	// wrong, used or expired
	// right
}
