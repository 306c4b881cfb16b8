package shape_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/playline/playline-go/internal/shape"
)

// The check against answers that lack something, in each way that a body can.

var person = shape.Object(
	shape.Has("ok", shape.Bool),
	shape.Has("word", shape.Word("yes")),
	shape.Has("inner", shape.Object(shape.Has("n", shape.Number), shape.Has("any", shape.Any))),
	shape.Has("list", shape.SomeOf(shape.Object(shape.Has("id", shape.Text)))),
	shape.May("map", shape.MapOf(shape.ListOf(nil))),
	shape.May("no", shape.No),
)

const whole = `{"ok":true,"word":"yes","inner":{"n":-1.5e3,"any":null},"list":[{"id":"a"}]}`

// TestWhatAnAnswerLacks: the words name members and kinds, and nothing of the answer.
func TestWhatAnAnswerLacks(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ body, want string }{
		"nothing": {whole, ""},
		"nothing, with white space and more members": {
			" \t\r\n{ \"x\" : [ 1 , { } ] , \"ok\" : false , \"word\" : \"y\\u0065s\" , \"inner\" : { \"any\" : [ ] , \"n\" : 0 } , \"list\" : [ { \"id\" : \"\\\"\" } , {\"id\":\"\"} ] , \"map\":null, \"no\":false } ",
			"",
		},
		"everything":                  {"", "it is empty"},
		"everything but white space":  {" \n", "it is empty"},
		"a page":                      {"<html>secret</html>", "it is not JSON"},
		"half":                        {whole[:20], "it is not JSON"},
		"two":                         {whole + whole, "it is not JSON"},
		"null":                        {"null", "it is null instead of an object"},
		"a list":                      {"[" + whole + "]", "it is a list instead of an object"},
		"a text":                      {`"secret"`, "it is text instead of an object"},
		"an empty object":             {"{}", "it has no ok"},
		"a number for true":           {`{"ok":1,"word":"yes"}`, "its ok is a number instead of true or false"},
		"a text for true":             {`{"ok":"true"}`, "its ok is text instead of true or false"},
		"another word":                {`{"ok":true,"word":"secret"}`, `its word is not "yes"`},
		"null in place of an object":  {`{"ok":true,"word":"yes","inner":null}`, "its inner is null instead of an object"},
		"an inner member":             {`{"ok":true,"word":"yes","inner":{"n":1}}`, "it has no inner.any"},
		"an item":                     {`{"ok":true,"word":"yes","inner":{"n":1,"any":1},"list":[]}`, "its list has no item"},
		"a member of an item":         {`{"ok":true,"word":"yes","inner":{"n":1,"any":1},"list":[{"id":"a"},{}]}`, "it has no list[].id"},
		"a kind in a map":             {`{"map":{"secret":1}}`, "its map.* is a number instead of a list"},
		"false":                       {`{"no":true}`, "its no is not false"},
		"one way or the other":        {`{"ok":true,"ok":true}`, "its ok is there twice, or in other letters"},
		"the right letters":           {`{"OK":true}`, "its ok is there twice, or in other letters"},
		"the right letters, too":      {`{"ok":true,"Ok":false}`, "its ok is there twice, or in other letters"},
		"one way, behind an escape":   {`{"ok":true,"\u006fk":false}`, "its ok is there twice, or in other letters"},
		"a bracket in a text":         {`{"a":"]}\\","ok":true,"b":["\"}",{"c":"["}],"word":"no"}`, `its word is not "yes"`},
		"a literal before a brace":    {`{"inner":{"any":true,"n":false}}`, "its inner.n is true or false instead of a number"},
		"what stands in a deep place": {`{"a":{"ok":true,"word":"yes"}}`, "it has no ok"},
	} {
		assert.Equal(t, test.want, person.Lacks([]byte(test.body)), name)
	}
	assert.Empty(t, shape.ListOf(shape.Object()).Lacks([]byte("[ ]")))
	assert.Equal(t, "its [] is a number instead of an object", shape.ListOf(shape.Object()).Lacks([]byte("[{},7]")))
	assert.Empty(t, shape.Any.Lacks([]byte("null")))
}

// FuzzLacks: no body makes the check panic, and none that is not JSON has a shape.
func FuzzLacks(f *testing.F) {
	f.Add([]byte(whole))
	f.Add([]byte(`{"\u0000":[[[{}]]],"a":-0}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if person.Lacks(body) == "" {
			assert.True(t, json.Valid(body), "%q has the shape, and is no JSON", body)
		}
	})
}
