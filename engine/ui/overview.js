/** The first page: what needs a person, and each pipeline at a glance. */

import { alertCard } from "./alerts.js";
import { get, getIfThere } from "./api.js";
import { h } from "./dom.js";
import {
  ago,
  badge,
  command,
  number,
  percent,
  pipelineLink,
  plural,
  runbook,
  sinceWhen,
  spaced,
  span,
  spark,
  table,
} from "./words.js";

export const title = () => "Overview";

export async function load() {
  const [overview, status, alerts, slo] = await Promise.all([
    get("/api/v1/overview"),
    get("/api/v1/status"),
    getIfThere("/api/v1/alerts"),
    getIfThere("/api/v1/slo"),
  ]);
  return { overview, status, alerts: alerts?.alerts, budgets: budgetsOf(slo) };
}

/** Error budgets by pipeline. */
const budgetsOf = (slo) => new Map((slo?.budgets ?? []).map((one) => [one.pipeline, one]));

export function render({ overview, status, alerts, budgets }) {
  const open = (alerts ?? []).filter((one) => one.status !== "resolved");
  const needs = needsOf(overview, status);
  // What an alert tells of a pipeline already is not told twice.
  const told = new Set(open.flatMap((one) => one.pipelines.map((pipeline) => pipeline.name)));
  const blamed = new Set(open.map(({ cause }) => `${cause.kind} ${cause.name}`));
  const isTold = ({ pipeline, resume }) =>
    told.has(pipeline) || (resume !== undefined && blamed.has(`${resume.kind} ${resume.name}`));
  const rest = needs.filter((one) => !isTold(one));
  const count = open.length + rest.length;
  return [
    h("h1", { tabindex: -1 }, "Overview"),
    h(
      "p",
      { class: `lead ${count === 0 ? "calm" : ""}` },
      count === 0
        ? "All is well: nothing waits for a person."
        : `${plural(count, "thing needs", "things need")} a person.`,
    ),
    count > 0 &&
      h(
        "section",
        { "aria-labelledby": "needs" },
        h("h2", { id: "needs", class: "far" }, "What needs a person"),
        h("ul", { class: "cards" }, open.map(alertCard), rest.map(needCard)),
      ),
    h("h2", {}, "Pipelines"),
    h("p", { class: "quiet" }, "Rates, success and lags are of the last five minutes."),
    table(
      "Pipelines",
      [
        "Pipeline",
        "Last 5 min",
        ["Rate", "num"],
        ["Success", "num"],
        ["Lag p50 / p95", "num"],
        ["Budget left", "num"],
        ["Resends", "num"],
        ["Retries", "num"],
        ["Dead letters", "num"],
      ],
      overview.pipelines.map((one) => row(one, budgets.get(one.name))),
    ),
    h("h2", {}, "Connections"),
    table(
      "Connections",
      ["Connection", "Sink", ["To deliver", "num"], "State"],
      overview.connections.map(({ name, sink, open: waiting, paused }) => ({
        key: name,
        cells: [
          name,
          sink,
          number(waiting),
          stateOf(
            paused,
            status.connections.find((one) => one.name === name),
          ),
        ],
      })),
    ),
  ];
}

function stateOf(paused, { breaker = "closed" } = {}) {
  if (paused !== null) return [badge("paused"), " ", ago(paused.since)];
  return breaker === "closed" ? badge("running") : [badge("retrying"), " its breaker is ", spaced(breaker)];
}

function budgetCell(budget) {
  if (budget === undefined) return h("span", { class: "quiet" }, "–");
  const { left, events, late } = budget;
  const kind = left <= 0 ? "bad" : left < 0.25 ? "warn" : "";
  const about = events === 0 ? "no events" : `${number(late)} of ${number(events)} late`;
  return [h("span", { class: kind }, left <= 0 ? "used up" : percent(left)), h("small", {}, about)];
}

function row(one, budget) {
  const { lately, sla, waiting } = one;
  const slow = lately.lag_p95_ms !== null && lately.lag_p95_ms > sla.lag_ms;
  const low = lately.success !== null && lately.success < sla.objective;
  return {
    key: one.name,
    cells: [
      [
        pipelineLink(one.name),
        one.paused !== null && [" ", badge("paused")],
        !one.enabled && [" ", badge("off")],
        h("small", {}, one.owner),
      ],
      spark(lately.history, `${plural(lately.events, "turn")} in five minutes`),
      lately.rate === 0
        ? "0/s"
        : lately.rate < 0.1
          ? `${number(Math.max(1, Math.round(lately.rate * 60)))}/min`
          : `${number(Number(lately.rate.toFixed(1)))}/s`,
      h("span", { class: low ? "bad" : "" }, percent(lately.success)),
      h(
        "span",
        { class: slow ? "bad" : "" },
        `${span(lately.lag_p50_ms)} / ${span(lately.lag_p95_ms)}`,
        h("small", {}, `promised ${span(sla.lag_ms)}`),
      ),
      budgetCell(budget),
      number(lately.duplicates),
      number(lately.retries),
      waiting.dead_letters === 0
        ? "0"
        : h(
            "a",
            { class: "bad", href: `/ui/dead?pipeline=${encodeURIComponent(one.name)}` },
            number(waiting.dead_letters),
          ),
    ],
  };
}

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

function needCard({ key, kind, what, since, owner, type, href, runbook: place, resume }) {
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
      {},
      command(type),
      resume !== undefined && [
        " ",
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
