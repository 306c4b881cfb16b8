// Package retry decides whether a failed attempt may be repeated, and when.
//
// The decision is one table: what kind of failure it was against the class of the operation.
package retry

// Class says how an operation may be repeated. It belongs to the operation, not to its HTTP method.
type Class uint8

// The classes, from the most to the least repeatable.
const (
	// Safe operations have the same effect when repeated.
	Safe Class = iota
	// Key operations are safe while an idempotency key goes with them.
	Key
	// Unsent operations are repeated only if the server cannot have accepted the request.
	Unsent
	// Never operations get one attempt, whatever happens.
	Never
	classes
)

// String is the class as comments and tables name it: safe, key, unsent or never.
func (c Class) String() string { return [classes]string{"safe", "key", "unsent", "never"}[c] }

// Kind is how a failed attempt looked to the client.
type Kind uint8

// The kinds of failure.
const (
	// NotSent: no connection was made, or the request was not fully written.
	NotSent Kind = iota
	// Lost: the request may have arrived, and no whole answer came back.
	Lost
	// Timeout408 is the status 408.
	Timeout408
	// Throttled is the status 429.
	Throttled
	// Unavailable is a 503 with Retry-After: the server said that it took nothing, and when to come
	// again.
	Unavailable
	// ServerError is 500, 502, 504, a 503 without Retry-After, or 520 to 530: a network in front of
	// the service that did not reach it.
	ServerError
	// OtherServerError is any other 5xx, such as 501.
	OtherServerError
	// Unreadable is an answer that cannot be used and would be the same again: a success that is
	// too long or cannot be decoded, or a redirect, which tells of a wrong base URL. It says
	// nothing about the request either.
	Unreadable
	// Stranger is an answer that is not the service's own: a success or a refusal of a proxy, a
	// portal, a mock. It says nothing about the request, which the service may have carried out, or
	// may never have seen.
	Stranger
	// Refused is a definite no of the service itself: a 4xx, or a success that says that it failed.
	Refused
	kinds
)

// Verdict is the consequence of a failure.
type Verdict uint8

// The verdicts.
const (
	// Final: the outcome is known, and repeating would not change it.
	Final Verdict = iota
	// Retry: repeat after a pause.
	Retry
	// Doubt: the server may have carried the request out, and the class forbids to find out by
	// repeating.
	Doubt
)

// verdicts is the retry policy of the whole library.
var verdicts = [kinds][classes]Verdict{
	//                  Safe   Key    Unsent Never
	NotSent:          {Retry, Retry, Retry, Final},
	Lost:             {Retry, Retry, Doubt, Doubt},
	Timeout408:       {Retry, Retry, Doubt, Doubt},
	Throttled:        {Retry, Retry, Retry, Final},
	Unavailable:      {Retry, Retry, Retry, Final},
	ServerError:      {Retry, Retry, Doubt, Doubt},
	OtherServerError: {Final, Final, Doubt, Doubt},
	Unreadable:       {Final, Final, Doubt, Doubt},
	Stranger:         {Retry, Retry, Doubt, Doubt},
	Refused:          {Final, Final, Final, Final},
}

// Judge returns the verdict on a failure of that kind for an operation of that class.
func Judge(c Class, k Kind) Verdict { return verdicts[k][c] }

// KindOf classifies an answer by its status; hasRetryAfter separates the two kinds of 503.
func KindOf(status int, hasRetryAfter bool) Kind {
	switch {
	case status == 408:
		return Timeout408
	case status == 429:
		return Throttled
	case status == 503 && hasRetryAfter:
		return Unavailable
	case status == 500, status == 502, status == 503, status == 504, status >= 520 && status <= 530:
		return ServerError
	case status >= 500:
		return OtherServerError
	}
	return Refused
}
