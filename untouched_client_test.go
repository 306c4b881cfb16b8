package playline

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/batcher"
)

// fieldsOf is every exported field of what p points to, functions as their addresses, and of the structs behind exported pointers.
func fieldsOf(p any) map[string]any {
	out := map[string]any{}
	v := reflect.ValueOf(p).Elem()
	for i := range v.NumField() {
		name, field := v.Type().Field(i).Name, v.Field(i)
		switch {
		case !v.Type().Field(i).IsExported():
		case field.Kind() == reflect.Func:
			out[name] = field.Pointer()
		case field.Kind() == reflect.Map:
			out[name] = field.Len()
		case field.Kind() == reflect.Pointer && !field.IsNil() && field.Elem().Kind() == reflect.Struct:
			out[name] = field.Pointer()
			for inner, value := range fieldsOf(field.Interface()) {
				out[name+"."+inner] = value
			}
		default:
			out[name] = field.Interface()
		}
	}
	return out
}

// TestSecurityNoClientIsChanged: neither the defaults of net/http nor the caller's client and transport, in no exported field, by no option
// and no call. It is not parallel, because others could use the defaults meanwhile.
func TestSecurityNoClientIsChanged(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, `{"success":true,"message":"","player_id":"","external_id":"","channels_registered":[],"created":true}`)
	}))
	t.Cleanup(server.Close)
	std := http.DefaultTransport.(*http.Transport)
	_ = std.Clone() // the first use of a transport sets up HTTP/2 in it, whoever makes it
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS10, InsecureSkipVerify: true}, MaxIdleConnsPerHost: 1, ResponseHeaderTimeout: time.Hour,
	}
	_ = transport.Clone()
	t.Cleanup(transport.CloseIdleConnections)
	follow := func(*http.Request, []*http.Request) error { return nil }
	for name, mine := range map[string]*http.Client{
		"none":             nil,
		"the default":      http.DefaultClient,
		"one with all set": {Transport: transport, CheckRedirect: follow, Jar: jar, Timeout: time.Minute},
		"an empty one":     {},
	} {
		watched := map[string]any{"http.DefaultClient": http.DefaultClient, "http.DefaultTransport": std, "the transport": transport}
		opts := []Option{WithSmooven(keySmooven), WithPlaySmart(), WithBaseURL(Smooven, server.URL), WithBaseURL(PlaySmart, server.URL)}
		if mine != nil {
			watched["the client"] = mine
			opts = append(opts, WithHTTPClient(mine))
		}
		before := map[string]map[string]any{}
		for what, p := range watched {
			before[what] = fieldsOf(p)
		}
		require.Contains(t, before["the transport"], "TLSClientConfig.MinVersion", "the watch is too shallow")

		c, err := New(opts...)
		require.NoError(t, err)
		require.NoError(t, getPlayer(t.Context(), c))
		_, err = c.Players.Register(t.Context(), Player{ExternalID: "ace"}, Header("User-Agent", "game/1"), Timeout(time.Minute))
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, getPlayer(ctx, c), context.Canceled)
		b, err := c.NewBatcher(batcher.Config{
			GameID: "com.example.stackblaster",
			Tokens: batcher.TokenFunc(func(context.Context, string) (batcher.Token, error) {
				return batcher.Token{Value: batcher.Secret(tokenPlayer)}, nil
			}),
		})
		require.NoError(t, err)
		require.NoError(t, b.Player("ace").TrackAttrs(t.Context(), batcher.AppOpen))
		_, err = b.Close(t.Context())
		require.NoError(t, err)

		for what, p := range watched {
			assert.Equal(t, before[what], fieldsOf(p), "%s, with %s", what, name)
		}
		assert.Same(t, std, http.DefaultTransport)
	}
}
