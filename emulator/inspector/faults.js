// The services, and the switches that break them.

import { byId, h, said, setText } from "./dom.js";
import { count, milliseconds, percent, rate, services, title } from "./format.js";

const kinds = [
  ["outage", "outage, answers 503"],
  ["limit", "limit, answers 429"],
  ["slow", "slow, answers 2 seconds later"],
  ["reset-after", "reset after, carries the request out and loses the answer"],
  ["hang-after", "hang after, carries the request out and does not answer"],
];

// on reports whether a switch of a service is on.
const on = (service, kind) => ({ "reset-after": service.resetAfter, "hang-after": service.hangAfter }[kind] ?? service[kind]);

const faultCount = (n) => (n === 1 ? "1 fault" : `${n} faults`);

/** Faults is the table of the services. */
export class Faults {
  #rows = new Map();
  #on = 0;

  constructor() {
    const body = byId("services").tBodies[0];
    for (const service of [...services, "*"]) {
      const name = service === "*" ? "All services" : title(service);
      const row = { hits: h("span", { class: "hits" }), switches: new Map(), numbers: [] };
      for (let i = 0; i < 3; i++) row.numbers.push(h("td", { class: "number wide" }));
      for (const [kind, words] of kinds) {
        const button = h("button", {
          type: "button", role: "switch", class: "switch", "aria-checked": "false", "aria-label": `${name}: ${words}`,
          "data-service": service, "data-switch": kind,
          onclick: () => this.#flip(service, kind, button.getAttribute("aria-checked") !== "true"),
        }, h("span", { class: "knob" }));
        row.switches.set(kind, button);
      }
      body.append(h("tr", service === "*" ? { class: "all" } : {},
        h("th", { scope: "row" }, h("span", { class: "name" }, name), row.hits), row.numbers, [...row.switches.values()].map((button) => h("td", { class: "switchcell" }, button))));
      this.#rows.set(service, row);
    }
    byId("clear").addEventListener("click", () => this.#flip("*", "all", false));
  }

  /** show takes the services of a frame. The numbers change only now and then, so that they can be read. */
  show(list, scripted, numbers) {
    this.#on = 0;
    const every = Object.fromEntries(kinds.map(([kind]) => [kind, true]));
    for (const service of list) {
      const row = this.#rows.get(service.name);
      for (const [kind] of kinds) {
        every[kind] &&= on(service, kind);
        this.#on += on(service, kind) ? 1 : 0;
        this.#turn(row.switches.get(kind), on(service, kind));
      }
      setText(row.hits, kinds.some(([kind]) => on(service, kind)) ? `${count(service.hits)} hit` : "");
      if (!numbers) continue;
      setText(row.numbers[0], rate(service.perSecond));
      setText(row.numbers[1], percent(service.failed));
      row.numbers[1].classList.toggle("bad", service.failed > 0);
      setText(row.numbers[2], service.p95 === 0 ? "\u2013" : milliseconds(service.p50));
    }
    for (const [kind] of kinds) this.#turn(this.#rows.get("*").switches.get(kind), every[kind]);
    const clear = byId("clear");
    clear.disabled = this.#on === 0;
    setText(clear, this.#on === 0 ? "No active faults" : `Clear ${faultCount(this.#on)}`);
    document.title = this.#on === 0 ? "playline inspector" : `(${faultCount(this.#on)}) playline inspector`;
    if (scripted) {
      byId("scripted").hidden = scripted.length === 0;
      setText(byId("scripted"), `From the program: ${scripted.map((f) => `${title(f.where) === "none" ? f.where : title(f.where)}: ${f.does} (${count(f.hits)} hit)`).join("; ")}`);
    }
  }

  #turn(button, turned) {
    if (button.getAttribute("aria-checked") !== String(turned)) button.setAttribute("aria-checked", String(turned));
  }

  async #flip(service, kind, turned) {
    try {
      const answer = await fetch("/_inspector/switches", {
        method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ service, switch: kind, on: turned }),
      });
      if (!answer.ok) throw new Error(await answer.text());
      this.show(await answer.json());
      said(kind === "all" ? "No active faults" : `${service === "*" ? "All services" : title(service)}: ${kind} is ${turned ? "on" : "off"}`);
    } catch (error) {
      said(`The switch was not turned: ${error.message}`);
    }
  }
}
