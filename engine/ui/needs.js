/** What needs a person, by what is stored: shown beside the alerts, and where there are none. */
import { h } from "./dom.js";
import { command, plural, runbook, sinceWhen, spaced, span } from "./words.js";

/** What an engine without alerts shows all the same: dead letters, pauses, a refused config, promises that are not kept. */
export function needsOf(overview, status) {
  const needs = [];
  const last = status.last_reload;
  if (last !== null && last.result === "refused")
    needs.push({
      key: "reload",
      kind: "alert",
      what: `The config was refused: ${last.error?.message ?? ""}`,
      since: last.at,
      type: "hookrail check",
      href: "/ui/config",
    });
  let known = 0;
  for (const one of overview.pipelines) {
    const { lately, sla, waiting, name, owner } = one;
    const of = { pipeline: name, owner, runbook: one.runbook };
    known += waiting.dead_letters;
    if (waiting.dead_letters > 0)
      needs.push({
        ...of,
        key: `dead-${name}`,
        kind: "page",
        what: `${plural(waiting.dead_letters, "dead letter")} in ${name}`,
        since: waiting.oldest_dead_letter_at,
        type: `hookrail dead list --pipeline ${name}`,
        href: `/ui/dead?pipeline=${encodeURIComponent(name)}`,
      });
    if (one.paused !== null) needs.push({ ...of, ...pausedNeed(one.paused), owner });
    if (lately.lag_p95_ms !== null && lately.lag_p95_ms > sla.lag_ms)
      needs.push({
        ...of,
        key: `lag-${name}`,
        kind: "alert",
        what: `${name} is slower than promised: p95 is ${span(lately.lag_p95_ms)}, promised are ${span(sla.lag_ms)}`,
        since: null,
        type: `hookrail events --pipeline ${name} --outcome pending`,
        href: `/ui/pipelines/${encodeURIComponent(name)}`,
      });
  }
  const unread = overview.counts.open_dead_letters - known;
  if (unread > 0)
    needs.push({
      key: "unread",
      kind: "page",
      what: `${plural(unread, "event")} could not be read`,
      since: null,
      type: "hookrail dead list",
      href: "/ui/dead",
    });
  for (const { paused } of overview.connections) if (paused !== null) needs.push(pausedNeed(paused));
  return needs;
}

const pausedNeed = ({ kind, name, since, by, reason }) => ({
  key: `paused-${kind}-${name}`,
  kind: "alert",
  what: `${spaced(kind)} ${name} is paused by ${by}${reason === "" ? "" : `: ${reason}`}`,
  since,
  type: `hookrail resume ${kind} ${name}`,
  resume: { kind, name },
});

export function needCard({ key, kind, what, since, owner, type, href, runbook: place, resume }) {
  return h(
    "li",
    { class: `card ${kind}`, "data-key": key },
    h("h3", {}, href === undefined ? what : h("a", { href }, what)),
    h(
      "p",
      { class: "quiet" },
      since !== null && ["since ", sinceWhen(since)],
      owner !== undefined && [since !== null ? " · " : "", "owner ", h("strong", {}, owner)],
      place !== undefined && place !== null && [" · runbook: ", runbook(place)],
    ),
    h(
      "p",
      { class: "do" },
      command(type),
      resume !== undefined && [
        h(
          "button",
          {
            type: "button",
            "data-do": "resume",
            "data-kind": resume.kind,
            "data-name": resume.name,
            "data-needs": "pause",
          },
          `Resume ${resume.name}…`,
        ),
      ],
    ),
  );
}
