// The page: state in the address, one stream, and the keys.

import { Charts } from "./chart.js";
import { fill, steps } from "./connect.js";
import { Detail } from "./detail.js";
import { byId, h, said, setText } from "./dom.js";
import { Faults } from "./faults.js";
import { count } from "./format.js";
import { Live } from "./live.js";
import { Rows } from "./rows.js";
import { Send } from "./send.js";
import { views } from "./views.js";

const charts = new Charts();
const faults = new Faults();
const rows = new Rows((row) => choose(row));
const detail = new Detail({
  onclose: close, onplayer: showPlayer, onevents: (id) => go({ view: "events", q: `player:${id}`, only: "", person: "" }),
  onresend: (request) => send.again(request), onrequest: (number) => detail.request({ n: number }),
});
const send = new Send(byId("send-dialog"), (number) => go({ view: "requests", q: "", only: "", person: "" }) ?? detail.request({ n: number }));
const live = new Live(frame, (next) => state.paused || show(next));

// state is what is looked at. All but the pause stands in the address, so that a reload shows the same.
const state = { view: "events", q: "", only: "", person: "", paused: false };

// keep: the next stream is for the rows that are there already.
let keep = false;

const current = () => views.find((view) => view.name === state.view);

function go(changes) {
  const before = { ...state };
  Object.assign(state, changes);
  if (state.view !== before.view && changes.person === undefined) state.person = "";
  const address = new URLSearchParams();
  for (const name of ["view", "q", "only", "person"]) if (state[name]) address.set(name, state[name]);
  history.replaceState(null, "", `#${address}`);
  const listed = state.view !== before.view || state.q !== before.q || state.only !== before.only;
  if (listed) draw();
  if (state.view !== before.view && !state.person) detail.close();
  if (listed || state.person !== before.person) {
    open();
    keep = !listed;
  }
}

// open asks for the stream of what is looked at.
function open() {
  live.open({ view: state.view, q: state.q, only: state.only, person: state.person });
}

// draw writes the controls of the view.
function draw() {
  const view = current();
  for (const tab of byId("tabs").children) {
    const chosen = tab.id === `tab-${view.name}`;
    tab.setAttribute("aria-selected", String(chosen));
    tab.tabIndex = chosen ? 0 : -1;
  }
  byId("list").setAttribute("aria-labelledby", `tab-${view.name}`);
  byId("only").replaceChildren(...view.only.map(([value, label]) => h("option", { value }, label)));
  byId("only").value = state.only;
  byId("only").hidden = view.only.length < 2;
  hint();
  if (byId("filter").value !== state.q) byId("filter").value = state.q;
  rows.open(view);
  byId("empty").hidden = true;
}

// hint says what can be typed, where there is room to say it.
const narrow = matchMedia("(max-width: 640px)");
function hint() {
  byId("filter").placeholder = narrow.matches ? "Filter" : `Filter: ${current().hint}`;
}
narrow.addEventListener("change", hint);

// Figures change every two seconds, all at once: slowly enough to be read, and so that they agree with each other.
const figuresEvery = 2000;
let figured = 0;

function frame(next) {
  const figures = next.reset || Math.abs(next.now - figured) >= figuresEvery;
  if (figures) figured = next.now;
  faults.show(next.services, next.scripted, figures && !state.paused);
  if (state.paused) {
    if (next.rows && !next.reset) rows.add(next.rows, next.more ?? 0);
    return;
  }
  if (next.reset && !keep) rows.clear();
  if (next.reset) keep = false;
  charts.add(next);
  if (figures) charts.figures();
  setText(byId("figure-total"), count(next.events));
  for (const view of views) setText(byId(`count-${view.name}`), count(view.total(next)));
  if (next.rows) rows.add(next.rows, next.more ?? 0);
  if (next.person && next.person.id === state.person) detail.person(next.person);
  empty(next);
}

// empty says what to do where there is nothing to see.
function empty(next) {
  const view = current();
  const place = byId("empty");
  const why = rows.size > 0 ? "" : next.requests === 0 ? "start" : state.q || (state.only && !view.sorts) ? "filter" : "none";
  byId("rows").hidden = why !== "";
  place.hidden = why === "";
  if (place.dataset.why === why + view.name) return;
  place.dataset.why = why + view.name;
  switch (why) {
    case "start":
      place.replaceChildren(h("h2", {}, "Nothing has arrived yet"), ...steps());
      break;
    case "filter":
      place.replaceChildren(h("h2", {}, `No ${view.many} match the filter`),
        h("button", { type: "button", onclick: () => go({ q: "", only: "" }) }, "Clear the filter"));
      break;
    default:
      place.replaceChildren(h("h2", {}, `No ${view.many} yet`), h("p", {}, nothing[view.name]));
  }
}

const nothing = {
  events: "Gameplay events appear here when PlaySmart accepts them: client.Ingest.Send, or the batcher's Track.",
  players: "Whoever registers, has a profile or sends events appears here: client.Players.Register, client.Profiles.Create.",
  messages: "What the players would have been sent appears here, codes included: client.Events.Fire.",
  requests: "Every request to any of the five services appears here.",
  refusals: "What a service refuses appears here, by its reason, with what to do about it.",
};

function choose(row) {
  switch (state.view) {
    case "events": go({ person: "" }); detail.event(row); break;
    case "messages": go({ person: "" }); detail.message(row); break;
    case "requests": go({ person: "" }); detail.request(row); break;
    case "refusals": go({ person: "" }); detail.refusal(row); break;
    default: showPlayer(row.id);
  }
}

function showPlayer(id) {
  go({ person: id });
}

function close() {
  detail.close();
  rows.unselect();
  if (state.person) go({ person: "" });
}

function show(connection) {
  const labels = { connecting: "Connecting", live: "Live", reconnecting: "Reconnecting", paused: "Paused" };
  byId("status").dataset.state = connection;
  setText(byId("status-text"), labels[connection]);
}

function pause(on) {
  state.paused = rows.paused = on;
  byId("pause").setAttribute("aria-pressed", String(on));
  byId("pause").textContent = on ? "Resume" : "Pause";
  show(on ? "paused" : "connecting");
  keep = false;
  if (!on) open(); // begins with the newest
}

function pace(slow) {
  rows.slow = slow;
  byId("pace").setAttribute("aria-pressed", String(slow));
  byId("pace").setAttribute("aria-label", `Pace of the rows: ${slow ? "slow" : "live"}`);
  setText(byId("pace"), `Pace: ${slow ? "slow" : "live"}`);
}

async function forget() {
  try {
    const answer = await fetch("/_inspector/clear", { method: "POST" });
    if (!answer.ok) throw new Error(await answer.text());
    close();
    said("Events, notifications and requests are cleared");
  } catch (error) {
    said(`Nothing was cleared: ${error.message}`);
  }
}

function theme() {
  const order = ["auto", "light", "dark"];
  const root = document.documentElement;
  const next = order[(order.indexOf(root.dataset.theme ?? "auto") + 1) % order.length];
  if (next === "auto") delete root.dataset.theme;
  else root.dataset.theme = next;
  try {
    localStorage.setItem("playline-theme", next);
  } catch {
    // not remembered, then
  }
  label();
}

function label() {
  const name = document.documentElement.dataset.theme ?? "auto";
  setText(byId("theme"), `Theme: ${name}`);
  byId("theme").setAttribute("aria-label", `Theme: ${name === "auto" ? "as the system" : name}`);
}

// The tabs, with the arrow keys between them.
for (const view of views) {
  byId("tabs").append(h("button", { type: "button", role: "tab", id: `tab-${view.name}`, "aria-controls": "list", onclick: () => go({ view: view.name, q: "", only: "" }) },
    view.label, h("span", { class: "count", id: `count-${view.name}` }, "0")));
}
byId("tabs").addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (step) {
    const next = views[(views.findIndex((view) => view.name === state.view) + step + views.length) % views.length];
    byId(`tab-${next.name}`).focus();
    go({ view: next.name, q: "", only: "" });
  } else if (event.key === "ArrowDown") {
    event.preventDefault();
    rows.enter();
  }
});

let typing = 0;
byId("filter").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => go({ q: byId("filter").value.trim() }), 200);
});
byId("filter").addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown" || event.key === "Enter") {
    event.preventDefault();
    rows.enter();
  } else if (event.key === "Escape") {
    clearTimeout(typing);
    byId("filter").value = "";
    go({ q: "" });
  }
});
byId("only").addEventListener("change", () => go({ only: byId("only").value }));
byId("pause").addEventListener("click", () => pause(!state.paused));
byId("pace").addEventListener("click", () => pace(byId("pace").getAttribute("aria-pressed") !== "true"));
byId("forget").addEventListener("click", forget);
byId("send").addEventListener("click", () => send.open());
byId("theme").addEventListener("click", theme);
byId("connect").addEventListener("click", () => {
  fill(byId("connect-dialog"));
  byId("connect-dialog").showModal();
});
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, dialog")) return;
  if (event.key === "/") {
    event.preventDefault();
    byId("filter").focus();
    byId("filter").select();
  } else if (event.key === "p" || event.key === "P") {
    pause(!state.paused);
    said(state.paused ? "Paused" : "Live");
  } else if (event.key === "Escape" && detail.open) {
    close();
  }
});

const address = new URLSearchParams(location.hash.slice(1));
for (const name of ["view", "q", "only", "person"]) state[name] = address.get(name) ?? state[name];
if (!views.some((view) => view.name === state.view)) state.view = "events";
setText(byId("address"), location.host);
label();
draw();
open();
