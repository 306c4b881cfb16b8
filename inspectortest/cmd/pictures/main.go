// Command pictures takes the pictures of the inspector in docs/, with a game behind it
// that meets an outage. It takes two minutes, because that is what the chart shows.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/playline/playline-go/emulator"
	"github.com/playline/playline-go/inspectortest"
)

// picture is one file: a theme, a size, a view, and what is clicked before it is taken.
type picture struct {
	file, theme   string
	width, height int64
	scale         float64
	at            string // after the #
	click         string // a selector
}

func main() {
	folder := flag.String("to", "docs", "the folder to write into")
	played := flag.Duration("d", 125*time.Second, "how long the game is played before")
	all := flag.Bool("all", false, "pictures of every view, for whoever works on the page")
	flag.Parse()
	pictures := []picture{
		{"inspector-light.png", "light", 1440, 900, 1, "view=events", ""},
		{"inspector-dark.png", "dark", 1440, 900, 1, "view=players&person=device-ace-01", ""},
		{"inspector-phone.png", "light", 400, 860, 1.5, "view=events", ""},
	}
	if *all {
		pictures = append(pictures,
			picture{"requests.png", "light", 1440, 900, 1, "view=requests", "#rows tbody tr:nth-child(3)"},
			picture{"messages.png", "dark", 1440, 900, 1, "view=messages", ""},
			picture{"players.png", "light", 1440, 900, 1, "view=players&person=device-nova-01", ""},
			picture{"medium.png", "light", 1100, 800, 1, "view=requests", ""},
			picture{"phone-requests.png", "dark", 400, 2000, 1, "view=requests", ""},
			picture{"phone-messages.png", "light", 400, 2000, 1, "view=messages", ""},
			picture{"phone-events.png", "light", 400, 2000, 1, "view=events", ""},
			picture{"phone-refusals.png", "light", 400, 2000, 1, "view=refusals", ""},
			picture{"refusals.png", "light", 1280, 900, 1, "view=refusals", "#rows tbody tr"},
			picture{"requests-1280.png", "light", 1280, 900, 1, "view=requests", "#rows tbody tr:nth-child(3)"},
			picture{"events-1280.png", "light", 1280, 900, 1, "view=events", ""},
			picture{"send-1280.png", "light", 1280, 900, 1, "view=events", "#send"},
			picture{"phone-send.png", "dark", 400, 860, 1, "view=events", "#send"},
		)
	}
	if err := run(*folder, *played, pictures, *all); err != nil {
		fmt.Fprintln(os.Stderr, "pictures:", err)
		os.Exit(1)
	}
}

func run(folder string, played time.Duration, pictures []picture, empty bool) error {
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return fmt.Errorf("%s: there is no such folder: run this from the root of the repository, or name another one with -to", folder)
	}
	ctx, cancel := context.WithTimeout(context.Background(), played+3*time.Minute)
	defer cancel()
	server, err := emulator.Listen("127.0.0.1:8787", emulator.WithInspector())
	if err != nil {
		return err
	}
	defer server.Close()
	profile, err := os.MkdirTemp("", "pictures")
	if err != nil {
		return err
	}
	defer os.RemoveAll(profile)
	tab, end, err := inspectortest.Browser(ctx, profile)
	if err != nil {
		return err
	}
	defer end()
	if empty {
		if err := take(tab, server.URL, folder, picture{"empty.png", "light", 1440, 900, 1, "view=events", ""}); err != nil {
			return err
		}
	}
	session, err := inspectortest.NewSession(server)
	if err != nil {
		return err
	}
	if err := session.Register(ctx); err != nil {
		return err
	}
	playing, stop := context.WithCancel(ctx)
	var game sync.WaitGroup
	var failed error
	game.Go(func() { failed = session.Play(playing, 120, 900) })
	for i, service := range []string{emulator.Smooven, emulator.SmartSender, emulator.Sunshine} {
		game.Go(func() { visit(playing, session, service, time.Duration(400+350*i)*time.Millisecond) })
	}
	err = errors.Join(evening(ctx, session, server, played), takeAll(tab, server.URL, folder, pictures))
	stop()
	game.Wait()
	return errors.Join(err, failed, session.Close(ctx))
}

// visit calls a service again and again. A refusal is part of the picture.
func visit(ctx context.Context, session *inspectortest.Session, service string, every time.Duration) {
	for n := 0; ctx.Err() == nil; n++ {
		_ = session.Visit(ctx, service, n)
		select {
		case <-time.After(every):
		case <-ctx.Done():
		}
	}
}

// evening lets time pass: notifications now and then, and an outage of the ingest when two thirds
// are over.
func evening(ctx context.Context, session *inspectortest.Session, server *emulator.Server, played time.Duration) error {
	began, broken, limited := time.Now(), false, false
	heal := func() {}
	defer func() { heal() }()
	for time.Since(began) < played {
		if err := session.Notify(ctx); err != nil {
			return err
		}
		switch part := float64(time.Since(began)) / float64(played); {
		case part > 0.60 && !broken:
			broken = true
			heal = server.Inject(emulator.Fault{Operation: "ingestEvents", Status: 503})
		case part > 0.72:
			heal()
		}
		if !limited && time.Since(began) > played-20*time.Second {
			limited = true
			if err := inspectortest.Flip(ctx, server, emulator.Sunshine, "limit", true); err != nil {
				return err
			}
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func takeAll(tab context.Context, url, folder string, pictures []picture) error {
	for _, p := range pictures {
		if err := take(tab, url, folder, p); err != nil {
			return fmt.Errorf("%s: %w", p.file, err)
		}
	}
	return nil
}

func take(tab context.Context, url, folder string, p picture) error {
	if err := inspectortest.Screen(tab, p.width, p.height, p.scale, p.theme); err != nil {
		return err
	}
	err := chromedp.Do(tab,
		chromedp.Navigate("about:blank"),
		chromedp.Navigate(url+emulator.InspectorPath+"/#"+p.at),
		chromedp.WaitVisible(chromedp.CSS(`#status[data-state="live"]`)),
		chromedp.Sleep(1500*time.Millisecond),
	)
	if err == nil && p.click != "" {
		press := `((e) => { e.dispatchEvent(new PointerEvent("pointerdown", {bubbles: true, button: 0})); e.click(); return true; })(document.querySelector("` + p.click + `"))`
		_, err = chromedp.Run(tab, chromedp.Evaluate[bool](press))
		err = errors.Join(err, chromedp.Do(tab, chromedp.Sleep(700*time.Millisecond)))
	}
	if err != nil {
		return err
	}
	shot, err := chromedp.Run(tab, chromedp.CaptureScreenshot())
	if err != nil {
		return err
	}
	return write(filepath.Join(folder, p.file), shot)
}

// write compresses a picture better than the browser does.
func write(name string, shot []byte) error {
	decoded, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		return err
	}
	var small bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&small, decoded); err != nil {
		return err
	}
	fmt.Println(name, small.Len(), "bytes")
	return os.WriteFile(name, small.Bytes(), 0o600)
}
