/** Alerts: what is to blame, since when, who owns it, what to type. */
import { getIfThere } from "./api.js";
import { h } from "./dom.js";
import { ago, badge, command, instant, pipelineLink, runbook, sinceWhen } from "./words.js";

export const title = () => "Alerts";

export async function load() {
  const [open, all] = await Promise.all([getIfThere("/api/v1/alerts"), getIfThere("/api/v1/alerts?all=true&limit=50")]);
  if (open === undefined) return {};
  const past = (all?.alerts ?? []).filter((one) => one.status === "resolved");
  return { ...open, alerts: [...open.alerts, ...past] };
}

export function render({ alerts, silences = [], maintenance = [], channels = [] }) {
  if (alerts === undefined)
    return [
      h("h1", { tabindex: -1 }, "Alerts"),
      h("p", { class: "lead" }, "This engine keeps no alerts. The overview shows what needs a person."),
    ];
  const open = alerts.filter((one) => one.status !== "resolved");
  const past = alerts.filter((one) => one.status === "resolved");
  return [
    h("h1", { tabindex: -1 }, "Alerts"),
    h(
      "p",
      { class: `lead ${open.length === 0 ? "calm" : ""}` },
      open.length === 0 ? "None is open." : "Open alerts, by what is to blame.",
    ),
    channels.filter((one) => one.failing !== null).map(channelCard),
    open.length > 0 && [h("h2", { class: "far" }, "Open"), h("ul", { class: "cards" }, open.map(alertCard))],
    silences.length + maintenance.length > 0 && [
      h("h2", {}, "Nobody is told of"),
      h("ul", { class: "cards" }, silences.map(silenceCard), maintenance.map(maintenanceCard)),
    ],
    past.length > 0 && [h("h2", {}, "Resolved"), h("ul", { class: "cards" }, past.map(alertCard))],
  ];
}

export function alertCard(alert) {
  const owners = [...new Set(alert.pipelines.map((one) => one.owner).filter((one) => one !== ""))];
  const runbooks = [
    ...new Set(
      [...alert.findings, ...alert.pipelines]
        .map((one) => one.runbook)
        .filter((one) => one !== null && one !== undefined),
    ),
  ];
  return h(
    "li",
    { class: `card ${alert.status === "resolved" ? "resolved" : alert.severity}`, "data-key": alert.id },
    h("h3", {}, alert.title, " ", badge(alert.status === "waiting" ? "new" : alert.status)),
    h(
      "ul",
      { class: "findings" },
      alert.findings.map((one) => h("li", {}, one.text)),
    ),
    h(
      "p",
      { class: "quiet" },
      "since ",
      sinceWhen(alert.opened_at),
      alert.resolved_at !== null && [" · resolved ", ago(alert.resolved_at)],
      owners.length > 0 && [" · owner ", h("strong", {}, owners.join(", "))],
      alert.pipelines.length > 0 && [" · ", alert.pipelines.map((one) => [pipelineLink(one.name), " "])],
      runbooks.length > 0 && [" · runbook: ", runbooks.map((one) => [runbook(one), " "])],
      alert.silenced !== null && ` · silenced: ${alert.silenced}`,
    ),
    h(
      "p",
      { class: "do" },
      alert.type.map((text) => [command(text), resumeButton(text)]),
      alert.status !== "resolved" &&
        alert.findings.some((one) => one.kind === "dead_letter") &&
        h("a", { href: deadHref(alert) }, "Look at the dead letters"),
      alert.status !== "resolved" &&
        alert.silenced === null &&
        h(
          "button",
          { type: "button", "data-do": "silence", "data-match": matchOf(alert), "data-needs": "pause" },
          "Silence…",
        ),
    ),
  );
}

/** Telling itself can fail: that is said above all else. */
function channelCard({ name, failing, fallback }) {
  return h(
    "div",
    { class: "card page", "data-key": `channel-${name}` },
    h("h3", {}, `Channel ${name} can not be reached`),
    h("p", {}, failing.detail),
    h(
      "p",
      { class: "quiet" },
      "since ",
      sinceWhen(failing.since),
      fallback === null ? " · nobody is told instead" : ` · ${fallback} is told instead`,
    ),
    h("p", { class: "do" }, command(`hookrail alerts test ${name}`)),
  );
}

function silenceCard({ id, match, until, by, reason }) {
  return h(
    "li",
    { class: "card", "data-key": id },
    h("h3", {}, h("code", {}, match)),
    h("p", { class: "quiet" }, `until ${instant(until)} · by `, h("strong", {}, by), reason !== "" && ` · ${reason}`),
    h(
      "p",
      { class: "do" },
      h(
        "button",
        { type: "button", "data-do": "unsilence", "data-id": id, "data-match": match, "data-needs": "pause" },
        "End it…",
      ),
      command(`hookrail alerts unsilence ${id}`),
    ),
  );
}

const maintenanceCard = ({ match, reason }) =>
  h(
    "li",
    { class: "card", "data-key": `maintenance-${match}` },
    h("h3", {}, h("code", {}, match)),
    h("p", { class: "quiet" }, `maintenance, by the config · ${reason}`),
  );

/** What a silence of this alert would say; a person may change it. */
const matchOf = ({ cause, findings }) =>
  cause.kind === "engine" ? `kind=${findings[0]?.kind ?? ""}` : `${cause.kind}=${cause.name}`;

const deadHref = ({ pipelines }) =>
  pipelines.length === 1 ? `/ui/dead?pipeline=${encodeURIComponent(pipelines[0].name)}` : "/ui/dead";

/** What can be done here as well as typed. */
function resumeButton(text) {
  const [, kind, name] = /^hookrail resume (pipeline|connection) (\S+)$/.exec(text) ?? [];
  if (name === undefined) return [];
  const does = { "data-do": "resume", "data-kind": kind, "data-name": name, "data-needs": "pause" };
  return h("button", { type: "button", ...does }, `Resume ${name}…`);
}
