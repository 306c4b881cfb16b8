package playline_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/emulator"
)

// otherSmartSender is an emulator whose SmartSender differs in what it takes of an update, and in how it shows a contact's info.
type otherSmartSender struct {
	service *emulator.Emulator
	take    func(values map[string]any) // nil: all
	show    func(info map[string]any)   // nil: as it is
	updates []map[string]any            // as they were sent
}

// RoundTrip changes an update on its way there, and an info on its way back.
func (o *otherSmartSender) RoundTrip(req *http.Request) (*http.Response, error) {
	if isContact := strings.Contains(req.URL.Path, "/contacts/"); isContact && req.Method == http.MethodPut {
		var in struct {
			Values map[string]any `json:"values"`
		}
		if err := json.NewDecoder(req.Body).Decode(&in); err != nil {
			return nil, err
		}
		o.updates = append(o.updates, maps.Clone(in.Values))
		if o.take != nil {
			o.take(in.Values)
		}
		req.Body, req.ContentLength = encoded(in)
	}
	resp, err := o.service.RoundTrip(req)
	if err != nil || o.show == nil || !strings.HasSuffix(req.URL.Path, "/info") {
		return resp, err
	}
	var info map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&info); err != nil {
		return nil, err
	}
	o.show(info)
	resp.Body, resp.ContentLength = encoded(info)
	return resp, nil
}

func encoded(v any) (io.ReadCloser, int64) {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // of what came as JSON
	}
	return io.NopCloser(bytes.NewReader(body)), int64(len(body))
}

// use makes a client of the world that reaches SmartSender so.
func (o *otherSmartSender) use(w *flowWorld) {
	o.service = w.service
	w.service.Inject(emulator.Fault{Operation: "deleteContact", Status: http.StatusMethodNotAllowed})
	client, err := playline.New(append(w.service.Options(), playline.WithHTTPClient(&http.Client{Transport: o}))...)
	require.NoError(w.t, err)
	w.client = client
}
