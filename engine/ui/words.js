/** Numbers and times in words; and the small pieces that many pages show. */
import { h, svg } from "./dom.js";

const UNITS = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
  [1_000, "s"],
];

export function span(ms) {
  if (ms === null || ms === undefined) return "–";
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  const [size, unit] = UNITS.find(([one]) => ms >= one);
  const amount = ms / size;
  return `${amount < 10 ? Number(amount.toFixed(1)) : Math.round(amount)} ${unit}`;
}

export const number = (value) => (value ?? 0).toLocaleString("en-US");
export const plural = (count, one, many = `${one}s`) => `${number(count)} ${count === 1 ? one : many}`;
export const spaced = (text) => String(text).replaceAll("_", " ");

export function percent(share) {
  if (share === null || share === undefined) return "–";
  const value = share * 100;
  // 99.97 % is not 100 %.
  const digits = value === 100 || value === 0 ? 0 : value > 99 ? 2 : 1;
  return `${(Math.floor(value * 10 ** digits) / 10 ** digits).toFixed(digits)} %`;
}

/** `12 min ago`, with the instant itself for who points at it. */
export function ago(iso) {
  if (iso === null || iso === undefined) return h("span", {}, "–");
  const at = Date.parse(iso);
  const passed = Date.now() - at;
  const words = passed < 5_000 ? "just now" : `${span(passed)} ago`;
  return h("time", { datetime: iso, title: instant(iso) }, words);
}

/** `12:04 UTC, 8 min ago`; the day too where it is another one. */
export function sinceWhen(iso) {
  const text = instant(iso);
  const today = text.slice(0, 10) === new Date().toISOString().slice(0, 10);
  return [h("strong", {}, today ? `${text.slice(11, 16)} UTC` : text), ", ", ago(iso)];
}

export function instant(iso) {
  const text = new Date(iso).toISOString();
  return `${text.slice(0, 10)} ${text.slice(11, 19)} UTC`;
}

const KINDS = {
  delivered: "good",
  applied: "good",
  running: "good",
  taken: "good",
  dead_letter: "bad",
  dead: "bad",
  refused: "bad",
  rejected: "bad",
  page: "bad",
  pending: "warn",
  held: "warn",
  retrying: "warn",
  unknown: "warn",
  paused: "warn",
  accepted: "warn",
  retry: "warn",
  open: "warn",
  alert: "warn",
  firing: "bad",
  new: "warn",
  waiting: "warn",
  draining: "warn",
};

export const badge = (word) => h("span", { class: `badge ${KINDS[word] ?? "plain"}` }, spaced(word));

/** A command, and a button that copies it. */
export const command = (text) =>
  h(
    "span",
    { class: "command" },
    h("code", {}, text),
    h(
      "button",
      { type: "button", class: "copy", "data-do": "copy", "data-text": text, "aria-label": `Copy ${text}` },
      "Copy",
    ),
  );

/** A quiet line of bars; its words tell the same. */
export function spark(slots, label) {
  // Twenty bars: more of them say less.
  const size = Math.max(1, Math.ceil(slots.length / 20));
  const values = slots.reduce((sums, slot, at) => {
    sums[Math.floor(at / size)] = (sums[Math.floor(at / size)] ?? 0) + slot;
    return sums;
  }, []);
  const most = Math.max(1, ...values);
  const wide = 8;
  const bars = values.map((value, index) => {
    const high = value === 0 ? 0.75 : Math.max(2, (value / most) * 24);
    return svg("rect", {
      x: index * wide,
      y: 26 - high,
      width: wide - 1,
      height: high,
      class: value === 0 ? "none" : "some",
    });
  });
  return svg(
    "svg",
    {
      class: "spark",
      viewBox: `0 0 ${values.length * wide} 26`,
      width: values.length * wide,
      height: 26,
      role: "img",
      "aria-label": label,
      preserveAspectRatio: "none",
    },
    bars,
  );
}

/** A table that becomes a list of cards where there is no room. `heads`: name, or [name, class]. */
export function table(caption, heads, rows) {
  const named = heads.map((head) => (Array.isArray(head) ? head : [head, ""]));
  return h(
    "div",
    { class: "wide", tabindex: 0, role: "region", "aria-label": caption },
    h(
      "table",
      { role: "table" },
      h("caption", {}, caption),
      h(
        "thead",
        { role: "rowgroup" },
        h(
          "tr",
          { role: "row" },
          named.map(([head, kind]) => h("th", { scope: "col", role: "columnheader", class: kind }, head)),
        ),
      ),
      h(
        "tbody",
        { role: "rowgroup" },
        rows.map(({ key, cells, kind }) =>
          h(
            "tr",
            { role: "row", "data-key": key, class: kind },
            cells.map((cell, index) =>
              h(
                index === 0 ? "th" : "td",
                {
                  role: index === 0 ? "rowheader" : "cell",
                  scope: index === 0 ? "row" : undefined,
                  "data-label": named[index][0],
                  class: named[index][1],
                },
                h("div", {}, cell),
              ),
            ),
          ),
        ),
      ),
    ),
  );
}

export const facts = (pairs) =>
  h(
    "dl",
    { class: "facts" },
    pairs
      .filter((pair) => pair !== undefined)
      .map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
  );

/** A value of a payload or a CRM. */
export function value(json) {
  if (json === null || json === undefined) return h("span", { class: "quiet" }, "nothing");
  if (json === "[sensitive]") return h("span", { class: "masked" }, "hidden: sensitive");
  const text = typeof json === "string" ? json : JSON.stringify(json);
  return h("code", {}, text.length > 120 ? `${text.slice(0, 120)}…` : text);
}

export const eventLink = (id) => h("a", { href: `/ui/events/${encodeURIComponent(id)}`, class: "id" }, id);
export const pipelineLink = (name) =>
  name === ""
    ? h("span", { class: "quiet" }, "none: could not be read")
    : h("a", { href: `/ui/pipelines/${encodeURIComponent(name)}` }, name);

/** A page elsewhere, or a file beside the config, which is shown here. */
export function runbook(place) {
  if (place === null || place === undefined) return h("span", { class: "quiet" }, "none");
  if (/^https?:/.test(place)) return h("a", { href: place, rel: "noreferrer" }, new URL(place).host);
  return h("a", { href: `/ui/runbook?${new URLSearchParams({ path: place })}` }, place.split("/").at(-1));
}
