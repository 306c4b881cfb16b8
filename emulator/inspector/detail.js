// The panel beside the rows: one event, request, notification or player in full.

import { asCurl, asGo } from "./copy.js";
import { byId, copyTo, h } from "./dom.js";
import { clock, count, milliseconds, pretty, title } from "./format.js";
import { code, delivery, outcome, verdict } from "./views.js";

const section = (name, ...content) => h("section", {}, h("h3", {}, name), content);
const facts = (list) => h("dl", {}, list.filter(([, value]) => value !== "" && value !== undefined).map(([name, value]) => [h("dt", {}, h("bdi", {}, name)), h("dd", {}, typeof value === "string" ? h("bdi", {}, value) : value)]));
const pairs = (list) => facts(list.map(({ name, value }) => [name, value]));
const none = (text) => h("p", { class: "note" }, text);
const json = (text) => h("pre", { tabindex: "0" }, text);

/**
 * Detail is the panel. onplayer is called for a player who is asked for, onevents for that player's events, onresend for a request that is
 * to be sent again, and onrequest for the number of one that is asked for.
 */
export class Detail {
  #panel = byId("detail");
  #drawn = "";
  #onclose;
  #onplayer;
  #onevents;
  #onresend;
  #onrequest;

  constructor({ onclose, onplayer, onevents, onresend, onrequest }) {
    this.#onresend = onresend;
    this.#onrequest = onrequest;
    this.#onclose = onclose;
    this.#onplayer = onplayer;
    this.#onevents = onevents;
    this.#panel.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.#onclose();
    });
  }

  get open() {
    return !this.#panel.hidden;
  }

  close() {
    this.#panel.hidden = true;
    this.#drawn = "";
    this.#panel.replaceChildren();
  }

  #show(name, kind, ...content) {
    this.#panel.replaceChildren(
      h("header", {}, h("h2", {}, h("small", {}, kind), h("bdi", {}, name)), h("button", { type: "button", class: "plain", onclick: () => this.#onclose() }, "Close")),
      ...content.flat(Infinity).filter((element) => element !== null && element !== undefined),
    );
    this.#panel.hidden = false;
  }

  #player(id) {
    return h("button", { type: "button", class: "link", onclick: () => this.#onplayer(id) }, h("bdi", {}, id));
  }

  event(row) {
    this.#drawn = "";
    this.#show(row.name ?? row.type, row.name ? "Custom event" : "Event",
      facts([["Player", this.#player(row.player)], ["Arrived", clock(row.time)], ["Timestamp", row.stamp], ["Game", row.game]]),
      section("Data", row.data ? json(pretty(row.data)) : none("None was sent.")));
  }

  message(row) {
    this.#drawn = "";
    this.#show(row.event, "Notification",
      facts([["Player", row.player ? this.#player(row.player) : ""], ["Result", delivery(row)], ["Channel", row.channel], ["To", row.destination], ["Time", clock(row.time)], ["Version", row.version]]),
      row.otp ? section("One-time code", h("p", {}, code(row)), none("The emulator made it up, so that you can type what the player would.")) : null,
      section("Template data", row.data ? json(pretty(row.data)) : none("None was sent.")));
  }

  async request(row) {
    this.#drawn = "";
    const shown = `request ${row.n}`;
    this.#drawn = shown;
    const answer = await fetch(`/_inspector/request/${row.n}`);
    const full = answer.ok ? await answer.json() : null;
    if (this.#drawn !== shown) return; // another one was asked for meanwhile
    const request = full ?? row;
    this.#show(request.operation || request.path, `Request ${count(request.n)}`,
      facts([["Service", title(request.service)], ["Status", outcome(request)], ["Latency", request.ended ? milliseconds(request.latency) : ""], ["Contract", verdict(request)], ["Fault", request.fault], ["Method", request.method], ["Path", request.path], ["Arrived", clock(request.time)]]),
      full === null
        ? none("The record has dropped this request: it keeps the newest.")
        : [
          full.query.length > 0 ? section("Query", pairs(full.query)) : null,
          this.#actions(full),
          section(`Body, ${count(full.bytes)} bytes`, full.body ? json(full.body) : none("None was kept.")),
          section("Headers", pairs(full.header)),
          section(`Answer, ${count(full.replyBytes)} bytes`, full.replyBody ? json(full.replyBody) : none(full.ended ? "None was sent." : "It is under way.")),
          full.replyHeader.length > 0 ? section("Headers of the answer", pairs(full.replyHeader)) : null,
        ]);
  }

  #actions(full) {
    const place = h("pre", { tabindex: "0", hidden: true });
    return [
      h("p", { class: "actions" },
        h("button", { type: "button", id: "resend", onclick: () => this.#onresend(full) }, "Send again"),
        copyTo("Copy as curl", () => asCurl(full), place), copyTo("Copy as Go", () => asGo(full), place)),
      place,
    ];
  }

  /** refusal shows the requests that were refused for one reason. */
  refusal(row) {
    this.#drawn = "";
    this.#show(row.rule, `Refused ${count(row.count)} ${row.count === 1 ? "time" : "times"}`,
      facts([["Service", title(row.service)], ["Operation", row.operation], ["Status", outcome({ ...row, ended: true })], ["Last", clock(row.last)]]),
      section("What to do", h("p", {}, row.mend)),
      section("Example", h("button", { type: "button", class: "link", onclick: () => this.#onrequest(row.example) }, `Request ${count(row.example)}, the newest of them`)));
  }

  /** person shows a player, again with each frame where something changed. */
  person(person) {
    const drawn = JSON.stringify(person);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    const at = this.#panel.scrollTop;
    const focused = this.#panel.contains(document.activeElement) ? document.activeElement.className : null;
    this.#show(person.id, "Player",
      person.suppressions.length > 0 ? section("Suppressed", facts(person.suppressions.map((s) => [s.channel, h("span", { class: "bad" }, h("bdi", {}, [s.of, s.why].filter(Boolean).join(": ")))]))) : null,
      ...person.profiles.flatMap((profile) => [
        section(profile.version === "live" ? "Profile" : `Profile in ${profile.version}`, pairs([...profile.facts, ...profile.channels])),
        section("Properties", profile.properties.length > 0
          ? facts(profile.properties.map((p) => [p.name, h("span", { title: p.kind }, h("bdi", {}, p.value))]))
          : none("None is set.")),
        section("Preferences", topics(profile.topics)),
      ]),
      person.facts.length > 0 ? section("Other services", pairs(person.facts)) : null,
      section(`Events, ${count(person.eventCount)}`, person.events.length > 0
        ? [h("ol", {}, person.events.map((event) => h("li", {}, h("span", { class: "quiet" }, clock(event.time)), " ", h("bdi", {}, event.name ?? event.type)))),
          h("button", { type: "button", class: "link", onclick: () => this.#onevents(person.id) }, "All events of this player")]
        : none("None yet.")),
      person.messages.length > 0
        ? section("Notifications", h("ol", {}, person.messages.map((m) => h("li", {}, h("span", { class: "quiet" }, clock(m.time)), " ", h("bdi", {}, m.event), ` by ${m.channel}, `, delivery(m)))))
        : null);
    this.#panel.scrollTop = at;
    if (focused !== null) [...this.#panel.querySelectorAll("button")].find((b) => b.className === focused)?.focus();
  }
}

// topics is a table of topics and channels.
function topics(list) {
  const channels = [...new Set(list.flatMap((topic) => topic.channels.map((c) => c.name)))].sort();
  return h("table", { class: "topics" },
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Topic"), channels.map((c) => h("th", { scope: "col" }, h("bdi", {}, c))))),
    h("tbody", {}, list.map((topic) => h("tr", {}, h("th", { scope: "row" }, h("bdi", {}, topic.name)),
      channels.map((c) => {
        const state = topic.channels.find((have) => have.name === c)?.value ?? "";
        return h("td", { class: state === "out" ? "bad" : "" }, state === "required" ? "always" : state);
      })))));
}
