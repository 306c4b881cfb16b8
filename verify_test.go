package playline

import (
	"context"
	"net/http"
)

// One-time passwords: what is sent and what is read.

var verifyRows = []row{
	{
		op: opValidateOTP, class: "never",
		call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return c.Verify.Validate(ctx, OTPCheck{RequestID: "evt-1", OTP: "493021"}, opts...)
		},
		path: "/FYTEST/live/verify/validate", query: "otp=493021&request_id=evt-1",
		status: http.StatusOK, reply: statusReply, result: statusOK,
	},
	{
		op: opValidateOTP, class: "never", variant: "by destination",
		call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return c.Verify.Validate(ctx, OTPCheck{Destination: "+61400000000", OTP: "49 30&21"}, opts...)
		},
		path: "/FYTEST/live/verify/validate", query: "destination=%2B61400000000&otp=49+30%2621",
		status: http.StatusOK, reply: statusReply, result: statusOK,
	},
}
