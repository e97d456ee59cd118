/** The first page: what needs a person, and each pipeline at a glance. */

import { alertCard } from "./alerts.js";
import { get, getIfThere } from "./api.js";
import { h } from "./dom.js";
import { needCard, needsOf } from "./needs.js";
import { ago, badge, command, number, percent, pipelineLink, plural, spaced, span, spark, table } from "./words.js";

export const title = () => "Overview";

export async function load(_params, query) {
  const [overview, status, alerts, slo] = await Promise.all([
    get("/api/v1/overview"),
    get("/api/v1/status"),
    getIfThere("/api/v1/alerts"),
    getIfThere("/api/v1/slo"),
  ]);
  return { overview, status, alerts: alerts?.alerts, budgets: budgetsOf(slo), find: query.get("find") ?? "" };
}

/** Error budgets by pipeline. */
const budgetsOf = (slo) => new Map((slo?.budgets ?? []).map((one) => [one.pipeline, one]));

export function render({ overview, status, alerts, budgets, find }) {
  const open = (alerts ?? []).filter((one) => one.status !== "resolved");
  const needs = needsOf(overview, status);
  // What an alert tells of a pipeline already is not told twice.
  const told = new Set(open.flatMap((one) => one.pipelines.map((pipeline) => pipeline.name)));
  const blamed = new Set(open.map(({ cause }) => `${cause.kind} ${cause.name}`));
  const isTold = ({ pipeline, resume }) =>
    told.has(pipeline) || (resume !== undefined && blamed.has(`${resume.kind} ${resume.name}`));
  const rest = needs.filter((one) => !isTold(one));
  const count = open.length + rest.length;
  const fitting = overview.pipelines.filter((one) => fits(one, find)).sort((a, b) => trouble(b) - trouble(a));
  const shown = fitting.slice(0, MOST);
  return [
    h("h1", { tabindex: -1 }, "Overview"),
    h(
      "p",
      { class: `lead ${count === 0 ? "calm" : ""}` },
      count === 0
        ? overview.counts.events === 0
          ? "It runs, and waits for its first event."
          : "All is well: nothing waits for a person."
        : `${plural(count, "thing needs", "things need")} a person.`,
    ),
    count > 0 &&
      h(
        "section",
        { "aria-labelledby": "needs" },
        h("h2", { id: "needs", class: "far" }, "What needs a person"),
        h("ul", { class: "cards" }, open.map(alertCard), rest.map(needCard)),
      ),
    overview.counts.events === 0 && firstSteps(status),
    h("h2", {}, "Pipelines"),
    h("p", { class: "quiet" }, "Rates, success and lags are of the last five minutes."),
    overview.pipelines.length > MANY && findForm(find),
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
      shown.map((one) => row(one, budgets.get(one.name))),
    ),
    shown.length === 0 &&
      h("p", { class: "lead" }, overview.pipelines.length === 0 ? "None is declared." : "None fits."),
    shown.length < fitting.length &&
      h(
        "p",
        { class: "quiet" },
        `${number(fitting.length - shown.length)} more that are well: find one by its name, team or source.`,
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

/** From so many pipelines on they are looked for by name. */
const MANY = 12;
/** More are in nobody's view; what is in trouble stands first. */
const MOST = 60;

const fits = ({ name, owner, source }, find) =>
  [name, owner, source].some((text) => text.toLowerCase().includes(find.trim().toLowerCase()));

const trouble = ({ waiting, paused, lately, sla }) =>
  (waiting.dead_letters > 0 ? 4 : 0) +
  (paused !== null ? 2 : 0) +
  (lately.lag_p95_ms !== null && lately.lag_p95_ms > sla.lag_ms ? 1 : 0);

const findForm = (find) =>
  h(
    "form",
    { class: "filter", "data-form": "filter", "data-page": "/ui", role: "search", "aria-label": "Find pipelines" },
    h(
      "label",
      {},
      "Name, team or source",
      h("input", { name: "find", value: find, autocomplete: "off", spellcheck: "false" }),
    ),
    h("button", { type: "submit" }, "Show"),
    find !== "" && h("a", { href: "/ui" }, "All"),
  );

/** What to do when nothing has come in yet. */
function firstSteps({ hooks, pipelines }) {
  const sources = new Map(pipelines.map(({ source, path }) => [source, path]));
  const [[, first] = []] = sources;
  return h(
    "section",
    { class: "card", "aria-labelledby": "first" },
    h("h2", { id: "first" }, "First steps"),
    h(
      "ol",
      {},
      h(
        "li",
        {},
        "Send a signed sample from this machine: ",
        command("hookrail send --list"),
        " lists those that there are.",
      ),
      h("li", {}, "Watch what becomes of it: ", command("hookrail tail")),
      first !== undefined &&
        h(
          "li",
          {},
          "Then point each provider at its address, behind the name your proxy or tunnel gives it:",
          h(
            "ul",
            {},
            [...sources].slice(0, 8).map(([source, path]) => h("li", {}, source, " ", command(`${hooks}${path}`))),
          ),
          sources.size > 8 && h("small", {}, `and ${number(sources.size - 8)} more, in \`hookrail status\``),
        ),
    ),
  );
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
