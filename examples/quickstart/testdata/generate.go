//go:build ignore

// Generate writes session.jsonl: one evening of com.example.stackblaster, 1,000 events of three
// players as their devices would have recorded them. From the root of the repository:
//
//	go run examples/quickstart/testdata/generate.go > examples/quickstart/testdata/session.jsonl
//
// Every run writes the same bytes: the generator is seeded, and no number comes out of more than
// one rounding.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"slices"
	"time"
)

// event is one line. Without customdata (nil) the field is absent, with an empty map it is {}.
type event struct {
	UserID          string    `json:"user_id"`
	Type            string    `json:"type"`
	CustomEventName string    `json:"customEventName,omitzero"`
	Timestamp       string    `json:"timestamp"`
	CustomData      any       `json:"customdata,omitzero"`
	at              time.Time // Timestamp, to sort by
}

type object = map[string]any

// player is one device and what it remembers between sessions.
type player struct {
	rand   *rand.Rand
	id     string
	zone   *time.Location // the device's clock; nova's is set to UTC
	locale string
	money  string // the currency of the device's shop
	level  int
	gems   int
	now    time.Time
	began  time.Time // the level
	events []event
}

// session is one time in the game: its first event is AppOpen, its last GameEnd.
type session struct {
	minute int // after 19:30 in Brisbane
	events int
}

func main() {
	random := rand.New(rand.NewPCG(20260422, 1000))
	brisbane, adelaide := time.FixedZone("", 10*3600), time.FixedZone("", 9*3600+1800)
	evening := time.Date(2026, 4, 22, 19, 30, 0, 0, brisbane)

	var events []event
	for _, p := range []struct {
		player
		sessions []session
	}{
		{player{id: "device-ace-01", zone: brisbane, locale: "en-AU", money: "AUD", level: 41}, []session{{0, 160}, {33, 140}, {76, 100}}},
		{player{id: "device-blitz-02", zone: adelaide, locale: "ja-JP", money: "JPY", level: 7}, []session{{2, 90}, {21, 120}, {47, 110}, {83, 80}}},
		{player{id: "device-nova-03", zone: time.FixedZone("", 0), locale: "ru-RU", money: "EUR", level: 118}, []session{{11, 120}, {58, 80}}},
	} {
		p.rand = random
		for _, s := range p.sessions {
			start := evening.Add(time.Duration(s.minute)*time.Minute + time.Duration(random.IntN(40_000))*time.Millisecond)
			if !start.After(p.now) {
				log.Fatalf("%s: the session at minute %d starts before the one before it ends", p.id, s.minute)
			}
			p.now = start
			p.play(s.events)
		}
		events = append(events, p.events...)
	}
	slices.SortStableFunc(events, func(a, b event) int { return a.at.Compare(b.at) })

	out := bufio.NewWriter(os.Stdout)
	lines := json.NewEncoder(out)
	lines.SetEscapeHTML(false)
	for _, e := range events {
		if err := lines.Encode(e); err != nil {
			log.Fatal(err)
		}
	}
	if err := out.Flush(); err != nil {
		log.Fatal(err)
	}
}

// play records one session of exactly n events: levels, one after the other, until the player
// leaves in the middle of one.
func (p *player) play(n int) {
	start, end := p.now, len(p.events)+n
	p.open()
	for left := func() int { return end - 1 - len(p.events) }; left() > 0; {
		p.began = p.now
		p.custom("LevelStarted", object{"level": p.level, "lives": 1 + p.rand.IntN(5), "retry": p.chance(20)})
		for range min(left(), 1+p.rand.IntN(3)) {
			p.pause(2_000, 14_000)
			p.burst(min(left(), 1+p.rand.IntN(6)))
		}
		if left() >= 4 && !p.chance(15) {
			p.pause(800, 5_000)
			p.complete()
			p.intermission()
		}
	}
	p.pause(500, 9_000)
	p.add("GameEnd", "", p.sometimes(object{
		"reason":     p.pick("quit", "background", "low_battery", "lives_used_up"),
		"duration_s": p.now.Sub(start).Milliseconds() / 1000,
		"totals":     object{"events": n, "last_level": p.level, "gems": p.gems, "best_combo": nil},
	}))
}

func (p *player) open() {
	p.add("AppOpen", "", object{
		"app_version": "3.14." + p.pick("0", "1", "2-beta"),
		"cold_start":  p.chance(60),
		"locale":      p.locale,
		"device":      object{"os": p.pick("android", "ios"), "ram_mb": 4096, "battery": p.hundredths(500, 9_900), "screen": []int{1080, 2400}},
		"session_id":  fmt.Sprint(1<<53 + 1 + 2*p.rand.Int64N(1<<40)), // beyond what a JSON number holds exactly
		"experiments": []any{object{"name": "gravity_v2", "arm": p.pick("a", "b")}, object{"name": "new_shop", "arm": nil}},
	})
}

// burst records n events within a second: a chain of blocks that falls.
func (p *player) burst(n int) {
	for i := range n {
		p.now = p.now.Add(time.Duration(4+p.rand.IntN(120)) * time.Millisecond)
		switch p.rand.IntN(10) {
		case 0, 1, 2:
			p.custom("BlocksCleared", object{
				"count": 3 + p.rand.IntN(18), "colours": p.some("red", "blue", "gold", "\u7fe0", "\U0001f7ea"),
				"cells": [][]int{{p.rand.IntN(9), p.rand.IntN(16)}, {p.rand.IntN(9), p.rand.IntN(16)}}, "gravity": -9.81,
			})
		case 3, 4, 5:
			p.custom("ComboReached", object{"combo": i + 2, "multiplier": p.hundredths(100, 900), "perfect": p.chance(30)})
		case 6, 7:
			p.custom("PowerUpUsed", object{"item": object{"name": p.item(), "rarity": p.rand.IntN(5)}, "left": p.rand.IntN(12)})
		case 8:
			p.custom("EmoteShown", object{
				"emote": p.pick("\U0001f680", "\U0001f469\u200d\U0001f680", "\U0001f1e6\U0001f1fa", "¯\\_(ツ)_/¯"),
				"text":  p.pick("GG \"easy\"", "<b>wow</b> & more", "line one\nline two\ttab", ""),
			})
		case 9:
			p.custom(p.pick("FrameDropped", "InputLag", "花火イベント"), object{
				"ms": p.hundredths(1_700, 25_000), "drift": json.Number("1.25e-7"), "frame": 1<<53 - 1 - p.rand.Int64N(1<<20), "samples": []any{},
			})
		}
	}
}

func (p *player) complete() {
	p.add("LevelCompleted", "", object{
		"level":   p.level,
		"score":   1000*p.level + p.rand.IntN(90_000),
		"stars":   1 + p.rand.IntN(3),
		"time_s":  float64(p.now.Sub(p.began).Milliseconds()) / 1000,
		"rewards": []object{{"kind": "coins", "amount": 10 * (1 + p.rand.IntN(9))}, {"kind": "item", "item": p.item(), "amount": 1}},
		"board":   object{"size": object{"w": 9, "h": 16}, "seed": fmt.Sprint(uint64(1<<63) + p.rand.Uint64N(1<<62)), "flawless": p.chance(25)},
	})
	p.level++
}

// intermission is what happens between two levels: an advertisement, the shop, a setting.
func (p *player) intermission() {
	if p.chance(45) {
		p.pause(300, 1_500)
		p.add("AdImpression", "", p.sometimes(object{
			"network": "ads.example.com", "placement": p.pick("level_end", "revive", "double_reward"), "rewarded": p.chance(50),
			"revenue": object{"amount": float64(1+p.rand.IntN(40_000)) / 1e6, "currency": "USD"}, "shown_ms": 5_000 + p.rand.IntN(25_000),
		}))
		p.pause(5_000, 31_000)
	}
	if p.chance(18) {
		size := p.rand.IntN(3)
		gems := []int{80, 500, 1200}[size]
		p.add("IAPPurchase", "", object{
			"product_id": fmt.Sprintf("com.example.stackblaster.gems_%d", gems),
			"price":      map[string][]float64{"AUD": {1.49, 7.99, 15}, "JPY": {160, 800, 1600}, "EUR": {0.99, 4.99, 9.99}}[p.money][size],
			"currency":   p.money,
			"quantity":   1,
			"order":      object{"id": fmt.Sprintf("GPA.%04d-%04d", p.rand.IntN(10_000), p.rand.IntN(10_000)), "sandbox": false, "coupon": nil},
		})
		p.gems += gems
		p.pause(1_000, 4_000)
	}
	if p.chance(12) {
		p.custom("SettingsChanged", object{"sound": p.chance(50), "volume": p.hundredths(0, 100), "nickname": "caf\u0065\u0301 \u0928\u093f"})
	}
	p.pause(2_000, 12_000)
}

// add records an event at the player's time. Nothing is recorded in the same millisecond twice.
func (p *player) add(kind, name string, data any) {
	p.now = p.now.Add(time.Millisecond)
	p.events = append(p.events, event{
		UserID: p.id, Type: kind, CustomEventName: name,
		Timestamp: p.now.In(p.zone).Format("2006-01-02T15:04:05.000-07:00"), CustomData: data, at: p.now,
	})
}

func (p *player) custom(name string, data object) { p.add("Custom", name, p.sometimes(data)) }

// sometimes returns data; now and then it is empty instead, or absent.
func (p *player) sometimes(data object) any {
	switch p.rand.IntN(16) {
	case 0:
		return object{}
	case 1:
		return nil
	}
	return data
}

// item is a name from the shop: several scripts, both directions, combining characters.
func (p *player) item() string {
	return p.pick(
		"Hammer", "Rainbow \U0001f308 Block", "ブロック爆弾", "积木炸弹", "Ледяной куб", "مكعب ناري", "\u0041\u030angstro\u0308m Ray", "벽돌",
	)
}

// pause lets between low and high milliseconds pass.
func (p *player) pause(low, high int) {
	p.now = p.now.Add(time.Duration(low+p.rand.IntN(high-low)) * time.Millisecond)
}

func (p *player) chance(percent int) bool { return p.rand.IntN(100) < percent }

func (p *player) pick(values ...string) string { return values[p.rand.IntN(len(values))] }

func (p *player) some(values ...string) []string { return values[:1+p.rand.IntN(len(values))] }

// hundredths is a number of two decimals, low/100 to high/100: one division, so every machine gets
// the same.
func (p *player) hundredths(low, high int) float64 { return float64(low+p.rand.IntN(high-low)) / 100 }
