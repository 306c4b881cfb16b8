// The two charts: events per second, and events per request.

import { byId, h, setText, svg } from "./dom.js";
import { count, percent, rate } from "./format.js";

const span = 120; // seconds
const recent = 10; // seconds, which the figures are of, as those of the services are
const strip = 20; // the height of the strip of refusals
const sizes = ["1", "2\u20139", "10\u201349", "50\u201399", "100\u2013199", "200"];

/** Charts draws seconds, of which it keeps two minutes. */
export class Charts {
  #seconds = new Map();
  #now = 0; // the newest second that is over
  #top = 0;
  #events = svg("path", { class: "events" });
  #failed = svg("path", { class: "failed" });
  #cursor = svg("path", { class: "cursor" });
  #bars = [];

  constructor() {
    const plot = byId("chart").querySelector(".plot");
    plot.append(
      svg("svg", { class: "rates", viewBox: `0 0 ${span} 100`, preserveAspectRatio: "none" },
        svg("path", { class: "grid", d: `M0 0H${span}M0 50H${span}` }), this.#events, this.#cursor),
      svg("svg", { class: "refusals", viewBox: `0 0 ${span} ${strip}`, preserveAspectRatio: "none" }, this.#failed),
    );
    plot.addEventListener("pointermove", (event) => {
      const box = plot.getBoundingClientRect();
      this.#point(Math.min(span - 1, Math.max(0, Math.floor(((event.clientX - box.left) / box.width) * span))));
    });
    plot.addEventListener("pointerleave", () => this.#point(-1));
    const body = byId("batches").tBodies[0];
    for (const size of sizes) {
      const bar = h("span", { class: "fill" });
      const number = h("td", { class: "number" }, "0");
      body.append(h("tr", {}, h("th", { scope: "row" }, size), h("td", { class: "track" }, bar), number));
      this.#bars.push({ bar, number });
    }
  }

  /** add takes the seconds of a frame and draws what changed. */
  add(frame) {
    if (frame.reset) this.#seconds.clear();
    for (const second of frame.seconds) this.#seconds.set(second.t, second);
    const now = Math.floor(frame.now / 1000) - 1;
    if (now === this.#now && !frame.reset) return;
    this.#now = now;
    for (const t of this.#seconds.keys()) if (t <= now - span) this.#seconds.delete(t);
    this.#drawRates();
    this.#drawBatches();
  }

  #at(column) {
    return this.#seconds.get(this.#now - span + 1 + column) ?? { requests: 0, failed: 0, events: 0 };
  }

  #drawRates() {
    let most = 0;
    let worst = 0;
    for (let column = 0; column < span; column++) {
      most = Math.max(most, this.#at(column).events);
      worst = Math.max(worst, this.#at(column).failed);
    }
    this.#top = roundUp(Math.max(most, 10));
    let events = "";
    let failed = "";
    for (let column = 0; column < span; column++) {
      const second = this.#at(column);
      if (second.events > 0) events += bar(column, 100, (100 * second.events) / this.#top);
      // Logarithmic: one refusal can be seen beside a thousand, and is not as tall.
      if (second.failed > 0) failed += bar(column, strip, Math.max(2, (strip * Math.log1p(second.failed)) / Math.log1p(Math.max(worst, 20))));
    }
    this.#events.setAttribute("d", events);
    this.#failed.setAttribute("d", failed);
    setText(byId("scale-top"), count(this.#top));
    setText(byId("scale-half"), count(this.#top / 2));
    byId("scale-refused").hidden = worst === 0;
    byId("scale-refused").title = `At most ${count(worst)} in a second`;
  }

  #drawBatches() {
    const batches = sizes.map(() => 0);
    let events = 0;
    for (const second of this.#seconds.values()) {
      events += second.events;
      second.batches.forEach((n, i) => (batches[i] += n));
    }
    const all = batches.reduce((sum, n) => sum + n, 0);
    const most = Math.max(1, ...batches);
    batches.forEach((n, i) => {
      this.#bars[i].bar.style.width = `${(100 * n) / most}%`;
      setText(this.#bars[i].number, count(n));
    });
    setText(byId("batch-mean"), all === 0 ? "" : `mean ${rate(events / all)}`);
  }

  /** figures writes the rates of the last seconds that are over. */
  figures() {
    const sum = { requests: 0, failed: 0, events: 0 };
    for (let column = span - recent; column < span; column++) {
      const second = this.#at(column);
      for (const name of Object.keys(sum)) sum[name] += second[name];
    }
    const refused = sum.requests === 0 ? 0 : sum.failed / sum.requests;
    setText(byId("figure-events"), rate(sum.events / recent));
    setText(byId("figure-requests"), rate(sum.requests / recent));
    setText(byId("figure-failed"), percent(refused));
    byId("figure-failed").classList.toggle("bad", refused > 0);
    byId("chart").setAttribute("aria-label",
      `Events per second in the last two minutes. Now ${rate(sum.events / recent)}, at most ${count(this.#top)} on the scale; ${percent(refused)} of requests refused.`);
  }

  // #point says what stood in a column; -1 is none.
  #point(column) {
    if (column < 0) {
      this.#cursor.setAttribute("d", "");
      setText(byId("readout"), "");
      return;
    }
    const second = this.#at(column);
    this.#cursor.setAttribute("d", `M${column + 0.5} 0V100`);
    setText(byId("readout"), `${span - column} s ago: ${count(second.events)} events, ${count(second.requests)} requests, ${count(second.failed)} refused`);
  }
}

const bar = (column, height, size) => `M${column + 0.14} ${height}V${(height - size).toFixed(2)}h.72V${height}z`;

// roundUp gives the top of a scale: one digit and zeros, so that it seldom changes and half of it is whole.
function roundUp(n) {
  const power = 10 ** Math.floor(Math.log10(n));
  return [1, 2, 3, 4, 6, 8, 10].find((step) => step * power >= n) * power;
}
