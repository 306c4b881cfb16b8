package emulator

import (
	"net/http"

	"github.com/playline/playline-go"
)

// Options configure a client for the emulator inside this process, without a socket: they fit
// testing/synctest bubbles.
//
//	client, err := playline.New(emulator.New().Options()...)
func (e *Emulator) Options() []playline.Option {
	return append(clientOptions("http://127.0.0.1"), playline.WithHTTPClient(&http.Client{Transport: e}))
}

// Options configure a client for this server.
//
//	client, err := playline.New(emulator.Start(t).Options()...)
func (s *Server) Options() []playline.Option { return clientOptions(s.URL) }

// clientOptions configure all five services under a base URL.
func clientOptions(base string) []playline.Option {
	return []playline.Option{
		playline.WithSmooven(SmoovenKey), playline.WithBaseURL(playline.Smooven, base+SmoovenPath),
		playline.WithFyno(FynoWorkspace, FynoVersion, FynoKey), playline.WithBaseURL(playline.Fyno, base+FynoPath),
		playline.WithSmartSender(SmartSenderToken), playline.WithBaseURL(playline.SmartSender, base+SmartSenderPath),
		playline.WithSunshine(SunshineAppID, SunshineKeyID, SunshineSecret), playline.WithBaseURL(playline.Sunshine, base+SunshinePath),
		playline.WithPlaySmart(), playline.WithBaseURL(playline.PlaySmart, base+PlaySmartPath),
	}
}
