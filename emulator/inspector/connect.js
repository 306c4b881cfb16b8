// How to point a game at the emulator: the commands, to be copied.

import { copyTo, h } from "./dom.js";

function command(text) {
  const line = h("code", {}, text);
  return h("div", { class: "command" }, line, copyTo("Copy", () => text, line, "copy"));
}

/** steps are the commands that connect a game to this emulator. */
export function steps() {
  return [
    h("p", {}, "In the shell where your game's backend starts:"),
    command(`eval "$(curl -s ${location.origin}/_inspector/env)"`),
    h("p", {}, "Then start it. playline.NewFromEnv() finds the emulator. Or let the quickstart play an evening:"),
    command("go run ./examples/quickstart"),
    h("p", { class: "note" }, "The variables hold this emulator's own made-up credentials."),
  ];
}

/** fill writes the dialog. */
export function fill(dialog) {
  dialog.replaceChildren(h("h2", { id: "connect-title" }, "Connect a game"), ...steps(),
    h("form", { method: "dialog" }, h("button", { type: "button", onclick: () => dialog.close() }, "Close")));
}
