// The five views: their columns, their choices, and what they say when there is nothing.

import { h } from "./dom.js";
import { clock, count, milliseconds, status, title } from "./format.js";

const time = { head: "Time", class: "time", cell: (row) => when(row.time) };
const text = (value, name) => h("bdi", name ? { class: name } : {}, value);

const reasons = {
  suppressed: "suppressed", opted_out: "opted out", inactive: "inactive", no_destination: "no destination", unknown_profile: "unknown player",
};

/** verdict is what the contract says about a request. */
export function verdict(row) {
  switch (row.verdict) {
    case "valid": return text("valid", "plain");
    case "invalid": return text(row.violation, "bad");
    case "unknown": return text("no such operation", "bad");
    default: return text(row.ended ? "not checked" : "", "quiet");
  }
}

export const outcome = (row) => {
  const { text: words, why, tone } = status(row);
  return h("bdi", { class: tone }, words, why ? h("span", { class: "why" }, ` ${why}`) : "");
};

/** when is the time of day; its milliseconds go where there is no room. */
const when = (unixMilli) => {
  const [time, milliseconds] = clock(unixMilli).split(".");
  return h("span", {}, time, h("span", { class: "ms" }, `.${milliseconds}`));
};

export const delivery = (row) => (row.sent ? text("sent", "plain") : text(`not sent: ${reasons[row.reason] ?? row.reason}`, "bad"));

export const code = (row) => (row.otp ? h("span", { class: "code", title: "The one-time code in this message. The emulator made it up." }, h("small", {}, "code "), row.otp) : "");

export const views = [
  {
    name: "events", label: "Events", one: "event", many: "events", total: (frame) => frame.events,
    only: [["", "All types"], ["AppOpen", "AppOpen"], ["LevelCompleted", "LevelCompleted"], ["GameEnd", "GameEnd"], ["AdImpression", "AdImpression"], ["IAPPurchase", "IAPPurchase"], ["Custom", "Custom"]],
    hint: "player:name, or any word",
    columns: [
      time,
      { head: "Player", class: "id", cell: (row) => row.player },
      {
        head: h("span", {}, "Event", h("span", { class: "narrow" }, " and data")), class: "kind",
        cell: (row) => (row.name ? h("bdi", {}, row.name, h("span", { class: "quiet" }, " custom")) : row.type), more: (row) => row.data,
      },
      { head: "Data", class: "data", cell: (row) => row.data },
    ],
  },
  {
    name: "players", label: "Players", one: "player", many: "players", whole: true, total: (frame) => frame.players,
    only: [["", "Sorted by id"], ["recent", "Sorted by last event"]], sorts: true,
    hint: "a name, an address, a service",
    columns: [
      { head: "Player", class: "id", cell: (row) => row.id },
      { head: "Name", class: "name low", cell: (row) => row.name ?? "" },
      { head: "Known to", class: "known low", cell: (row) => row.services.map(title).join(", ") },
      { head: "Channels", class: "channels mid", cell: (row) => row.channels.join(", ") },
      { head: "Suppressed", class: "suppressed low", cell: (row) => (row.suppressed ? text(`${row.suppressed} ${row.suppressed === 1 ? "channel" : "channels"}`, "bad") : "") },
      { head: "Events", class: "number events", cell: (row) => count(row.events) },
      { head: "Last event", class: "time", cell: (row) => (row.last ? when(row.last) : "") },
    ],
  },
  {
    name: "messages", label: "Notifications", one: "notification", many: "notifications", total: (frame) => frame.messages,
    only: [["", "All"], ["sent", "Sent"], ["unsent", "Not sent"], ["otp", "With a code"]],
    hint: "an event, a player, a channel",
    columns: [
      time,
      { head: "Event", class: "kind", cell: (row) => row.event },
      { head: "Player", class: "id low", cell: (row) => row.player },
      { head: "Channel", class: "channel", cell: (row) => row.channel },
      { head: "To", class: "to mid", cell: (row) => row.destination },
      { head: "Result", class: "result", cell: delivery },
      { head: "Code", class: "otp", cell: code },
    ],
  },
  {
    name: "requests", label: "Requests", one: "request", many: "requests", total: (frame) => frame.requests,
    only: [["", "All requests"], ["failed", "Refused"], ["invalid", "Against the contract"], ["faulted", "Hit by a fault"], ["playsmart", "PlaySmart"], ["smooven", "Smooven"], ["fyno", "Fyno"], ["smartsender", "SmartSender"], ["sunshine", "Sunshine"]],
    hint: "an operation, a status, a path",
    columns: [
      time,
      { head: "Service", class: "service low", cell: (row) => title(row.service) },
      { head: "Operation", class: "kind", cell: (row) => row.operation || `${row.method} ${row.path}` },
      { head: "Status", class: "status", cell: outcome },
      { head: "Latency", class: "number latency", cell: (row) => (row.ended ? milliseconds(row.latency) : "") },
      { head: "Contract", class: "verdict low", cell: verdict },
      { head: "Fault", class: "fault mid", cell: (row) => (row.fault ? text(row.fault, "bad") : "") },
    ],
  },
  {
    name: "refusals", label: "Refusals", one: "reason", many: "reasons", whole: true, total: (frame) => frame.refused,
    only: [["", "All reasons"]],
    hint: "a rule, an operation, a status",
    columns: [
      { head: "Times", class: "number times", cell: (row) => count(row.count) },
      { head: "Service", class: "service mid", cell: (row) => title(row.service) },
      { head: "Operation", class: "operation", cell: (row) => row.operation },
      { head: "Status", class: "status low", cell: (row) => outcome({ ...row, ended: true }) },
      { head: "Reason", class: "rule", cell: (row) => text(row.rule, "bad") },
      { head: "What to do", class: "mend mid", cell: (row) => row.mend },
      { head: "Last", class: "time", cell: (row) => when(row.last) },
    ],
  },
];
