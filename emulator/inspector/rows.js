// The table of the newest rows: bounded, newest first, and still while somebody reads.

import { byId, h, setText } from "./dom.js";
import { count } from "./format.js";

const most = 200; // rows in the page, and rows that wait
const slowly = { every: 2000, rows: 4 }; // milliseconds, and rows then

/** Rows is the table of one view at a time. */
export class Rows {
  #view = null;
  #list = []; // rows as they are shown
  #elements = new Map(); // by key
  #waiting = [];
  #missed = 0;
  #sampled = false; // some were left out by the emulator
  #seen = 0; // rows since the view was opened, those left out included
  #paused = false;
  #slow = false;
  #shownAt = 0; // when rows were shown last, where they are slow
  #next = []; // the newest rows that wait for that
  #body = byId("rows").tBodies[0];
  #selected = "";
  #onselect;

  constructor(onselect) {
    this.#onselect = onselect;
    byId("scroll").addEventListener("scroll", () => this.#held() || this.#release());
    byId("fresh").addEventListener("click", () => {
      byId("scroll").scrollTop = 0;
      this.#release();
    });
    // Not click: under load a row has moved on before the button comes up again.
    this.#body.addEventListener("pointerdown", (event) => {
      if (event.button === 0) this.#choose(event.target.closest("tr"));
    });
    this.#body.addEventListener("keydown", (event) => this.#key(event));
  }

  set paused(on) {
    this.#paused = on;
  }

  set slow(on) {
    this.#slow = on;
    this.#next = [];
  }

  /** open shows the columns of a view, and no rows. */
  open(view) {
    this.#view = view;
    this.#selected = "";
    this.clear();
    byId("rows").className = `view-${view.name}`;
    byId("rows").tHead.replaceChildren(h("tr", {}, view.columns.map((column) => h("th", { scope: "col", class: column.class }, typeof column.head === "string" ? column.head : column.head.cloneNode(true)))));
  }

  clear() {
    this.#list = [];
    this.#elements.clear();
    this.#waiting = [];
    this.#next = [];
    this.#missed = this.#seen = 0;
    this.#sampled = false;
    this.#body.replaceChildren();
    byId("scroll").scrollTop = 0;
    byId("fresh").hidden = true;
  }

  /** add takes the rows of a frame, newest first; more were left out. */
  add(rows, more) {
    if (this.#view.whole) {
      this.#replace(rows, more);
      return;
    }
    const fresh = [];
    for (const row of rows) {
      const element = this.#elements.get(row.n);
      if (element === undefined) fresh.push(row);
      else if (!this.#paused) this.#update(element, row);
    }
    this.#seen += fresh.length + more;
    this.#sampled ||= more > 0;
    if (this.#paused || this.#held()) {
      this.#missed += fresh.length + more;
      this.#waiting = [...fresh, ...this.#waiting].slice(0, most);
    } else {
      this.#insert(this.#slow && this.size > 0 ? this.#few(fresh) : fresh);
    }
    this.#foot();
  }

  // #few takes rows that are new, and returns those to show now: none, or the newest few.
  #few(fresh) {
    this.#sampled ||= fresh.length + this.#next.length > slowly.rows;
    this.#next = [...fresh, ...this.#next].slice(0, slowly.rows);
    if (performance.now() - this.#shownAt < slowly.every) return [];
    this.#shownAt = performance.now();
    return this.#next.splice(0);
  }

  // #replace is for a list that comes whole: rows stay where they are, and change in place.
  #replace(rows, more) {
    if (this.#paused) return;
    const wanted = new Set(rows.map((row) => row.id));
    for (const [key, element] of this.#elements) {
      if (!wanted.has(key)) {
        element.remove();
        this.#elements.delete(key);
      }
    }
    rows.forEach((row, i) => {
      const element = this.#elements.get(row.id);
      const at = this.#body.children[i];
      if (element !== undefined) {
        this.#update(element, row);
        if (at !== element) this.#body.insertBefore(element, at ?? null);
        return;
      }
      this.#body.insertBefore(this.#make(row, row.id), at ?? null);
    });
    this.#list = rows;
    this.#seen = rows.length + more;
    this.#rove();
    this.#foot();
  }

  #insert(rows) {
    if (rows.length === 0) return;
    this.#body.prepend(...rows.map((row) => this.#make(row, row.n)));
    this.#list = [...rows, ...this.#list];
    while (this.#list.length > most) {
      const { n } = this.#list.pop();
      this.#elements.get(n)?.remove();
      this.#elements.delete(n);
    }
    this.#rove();
  }

  #make(row, key) {
    const element = h("tr", { tabindex: "-1" });
    element.key = key;
    this.#elements.set(key, element);
    this.#update(element, row);
    if (String(key) === this.#selected) element.setAttribute("aria-selected", "true");
    return element;
  }

  #update(element, row) {
    const now = JSON.stringify(row);
    if (element.drawn === now) return;
    element.drawn = now;
    element.row = row;
    element.replaceChildren(...this.#view.columns.map((column) => {
      const content = column.cell(row);
      const text = typeof content === "string" ? content : content?.textContent;
      return h("td", { class: column.class, title: text?.length > 24 ? text : null, "data-more": column.more?.(row) || null }, typeof content === "string" ? h("bdi", {}, content) : content);
    }));
  }

  // #held: who has scrolled down is reading, and nothing moves.
  #held() {
    return byId("scroll").scrollTop > 4 && !this.#view.whole;
  }

  #release() {
    if (this.#paused || this.#waiting.length === 0) return;
    this.#insert(this.#waiting);
    this.#waiting = [];
    this.#missed = 0;
    this.#foot();
  }

  #foot() {
    const fresh = byId("fresh");
    fresh.hidden = this.#missed === 0 || this.#paused;
    setText(fresh, `${count(this.#missed)} new \u2191`);
    const shown = this.#elements.size;
    const rest = this.#seen - shown - (this.#paused ? this.#missed : 0);
    let text = shown === 0 ? "" : `${count(shown)} ${shown === 1 ? this.#view.one : this.#view.many}`;
    if (shown > 0 && rest > 0) text += this.#view.whole ? ` of ${count(this.#seen)}: filter to see others` : `${this.#sampled ? ", a sample" : ""} of ${count(this.#seen)} since this view was opened`;
    if (this.#paused && this.#missed > 0) text += `; ${count(this.#missed)} more since the pause`;
    setText(byId("shown"), text);
  }

  get size() {
    return this.#elements.size;
  }

  #choose(element) {
    if (!element) return;
    this.#body.querySelector("[aria-selected]")?.removeAttribute("aria-selected");
    element.setAttribute("aria-selected", "true");
    this.#selected = String(element.key);
    this.#rove(element);
    this.#onselect(element.row);
  }

  /** unselect forgets the chosen row, and gives the focus back to it. */
  unselect() {
    const element = this.#body.querySelector("[aria-selected]");
    element?.removeAttribute("aria-selected");
    this.#selected = "";
    element?.focus();
  }

  /** enter moves the focus to the first row. */
  enter() {
    this.#body.rows[0]?.focus();
  }

  #key(event) {
    const row = event.target.closest("tr");
    const steps = { ArrowDown: () => row.nextElementSibling, ArrowUp: () => row.previousElementSibling, Home: () => this.#body.firstElementChild, End: () => this.#body.lastElementChild };
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      this.#choose(row);
    } else if (steps[event.key]) {
      event.preventDefault();
      const next = steps[event.key]();
      if (next) {
        this.#rove(next);
        next.focus();
      }
    }
  }

  // #rove keeps one row in the order of the Tab key.
  #rove(to) {
    const stop = this.#body.querySelector('[tabindex="0"]');
    if (to === undefined && stop !== null) return;
    stop?.setAttribute("tabindex", "-1");
    (to ?? this.#body.firstElementChild)?.setAttribute("tabindex", "0");
  }
}
