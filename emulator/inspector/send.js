// The form that sends a request: of any operation, filled from its contract, or one of the record again, edited.

import { h } from "./dom.js";
import { count, status, title } from "./format.js";

/** Send is the dialog. onrequest is called with the number of a request that was sent and is asked for. */
export class Send {
  #dialog;
  #onrequest;
  #operations = null;

  constructor(dialog, onrequest) {
    this.#dialog = dialog;
    this.#onrequest = onrequest;
  }

  /** open shows the form for a new request. */
  async open() {
    if (this.#operations === null) this.#operations = await (await fetch("/_inspector/operations")).json();
    const choice = h("select", { id: "send-operation", "aria-label": "What to send" });
    const add = (label, options) => choice.append(h("optgroup", { label }, options));
    for (const operation of this.#operations.filter((one) => one.events)) {
      add("A gameplay event", operation.events.map((event, i) => h("option", { value: `${operation.id} ${i}` }, event.name)));
    }
    for (const service of new Set(this.#operations.map((operation) => operation.service))) {
      add(title(service), this.#operations.filter((one) => one.service === service)
        .map((one) => h("option", { value: one.id }, `${one.id}, ${one.methods.join(" or ")}`)));
    }
    const form = h("div", { class: "fields" });
    const result = h("div", { class: "result" });
    choice.addEventListener("change", () => this.#fill(choice.value, form, result));
    this.#show("Send a request", [h("label", {}, "What to send", choice), form, result]);
    this.#fill(choice.value, form, result);
  }

  /** again shows a recorded request, to be sent as it was or edited. */
  again(full) {
    const result = h("div", { class: "result" });
    const body = h("textarea", { id: "send-body", spellcheck: "false", rows: "14", "aria-label": "Body", disabled: full.cut }, full.body);
    const note = full.cut ? "The body is too long to be edited here. It is sent as it was."
      : full.body.includes("[hidden]") ? "What is hidden is sent as it was, unless you write over it."
        : "The request keeps its path, query and credentials.";
    this.#show("Send again", [
      h("p", {}, h("code", {}, `${full.method} ${full.path}`)),
      full.bytes > 0 ? h("label", {}, "Body", body) : null,
      h("p", { class: "note" }, note),
      result,
    ], () => this.#post({ number: full.n, body: full.cut || full.bytes === 0 || body.value === full.body ? null : body.value }, result));
  }

  #fill(value, form, result) {
    const [id, event] = value.split(" ");
    const operation = this.#operations.find((one) => one.id === id);
    const inputs = operation.fields.map((field) => {
      const input = h("input", { type: "text", name: field.name, autocomplete: "off", spellcheck: "false", value: field.value, placeholder: field.required ? "" : "left out" });
      return { field, input, label: h("label", {}, `${field.name}, in the ${field.in}`, input) };
    });
    const text = event === undefined ? operation.body : operation.events[event].body;
    const body = h("textarea", { id: "send-body", spellcheck: "false", rows: "12", "aria-label": "Body" }, text);
    form.replaceChildren(
      h("p", {}, h("code", {}, `${operation.method} ${operation.path}`)),
      ...inputs.map(({ label }) => label),
      text ? h("label", {}, "Body", body) : "",
    );
    result.replaceChildren();
    this.#go = () => this.#post({
      operation: id, body: text ? body.value : null, fields: Object.fromEntries(inputs.map(({ field, input }) => [field.name, input.value])),
    }, result);
  }

  #go = () => {};

  #show(name, content, go) {
    if (go) this.#go = go;
    this.#dialog.replaceChildren(h("h2", { id: "send-title" }, name), ...content.filter((element) => element !== null),
      h("form", { method: "dialog", class: "actions" },
        h("button", { type: "button", id: "send-go", class: "primary", onclick: () => this.#go() }, "Send"),
        h("button", { type: "button", onclick: () => this.#dialog.close() }, "Close")));
    this.#dialog.showModal();
  }

  async #post(input, result) {
    result.replaceChildren(h("p", { class: "note", role: "status" }, "Under way"));
    const answer = await fetch("/_inspector/send", {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(input),
    }).catch((error) => ({ ok: false, text: () => error.message }));
    if (!answer.ok) {
      result.replaceChildren(h("p", { class: "bad", role: "status" }, await answer.text()));
      return;
    }
    const sent = await answer.json();
    const { text, why, tone } = status({ ended: true, status: sent.status });
    result.replaceChildren(
      h("p", { role: "status" }, h("bdi", { class: tone }, text, why ? ` ${why}` : ""), sent.error ? h("bdi", { class: "bad" }, `: ${sent.error}`) : "", " ",
        sent.number ? h("button", {
          type: "button", class: "link", onclick: () => {
            this.#dialog.close();
            this.#onrequest(sent.number);
          },
        }, `Request ${count(sent.number)}`) : ""),
      sent.body ? h("pre", { tabindex: "0" }, sent.body) : "",
    );
  }
}
