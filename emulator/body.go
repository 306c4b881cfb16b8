package emulator

import (
	"bytes"
	"encoding/json"
)

// withBody makes a handler that wants the request's body decoded into one that does not: numbers
// that land in an any stay json.Number, so that large integers survive. A body that the contract
// allows and In cannot hold is refused.
func withBody[In any](s service, handle func(*call, In) reply) func(*call) reply {
	return func(c *call) reply {
		var in In
		decoder := json.NewDecoder(bytes.NewReader(c.body))
		decoder.UseNumber()
		if err := decoder.Decode(&in); err != nil {
			return s.invalid(c.operation, violation{field: "body", rule: "cannot be read: " + err.Error()})
		}
		return handle(c, in)
	}
}
