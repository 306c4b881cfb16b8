// How to point a game at the emulator: the commands, to be copied.

import { h, said } from "./dom.js";

function command(text) {
  const button = h("button", {
    type: "button", class: "copy", onclick: async () => {
      try {
        await navigator.clipboard.writeText(text);
        button.textContent = "Copied";
        said("Copied");
      } catch {
        getSelection().selectAllChildren(line); // no right to the clipboard: then it is there to be copied by hand
        button.textContent = "Selected";
      }
      setTimeout(() => (button.textContent = "Copy"), 1500);
    },
  }, "Copy");
  const line = h("code", {}, text);
  return h("div", { class: "command" }, line, button);
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
