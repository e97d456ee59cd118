/** Alerts: what is to blame, since when, who owns it, what to type. */
import { getIfThere } from "./api.js";
import { h } from "./dom.js";
import { ago, badge, command, pipelineLink, runbook, sinceWhen } from "./words.js";

export const title = () => "Alerts";

export async function load() {
  return { alerts: (await getIfThere("/api/v1/alerts"))?.alerts };
}

export function render({ alerts }) {
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
    open.length > 0 && [h("h2", { class: "far" }, "Open"), h("ul", { class: "cards" }, open.map(alertCard))],
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
      runbooks.length > 0 && [" · runbook ", runbooks.map((one) => [runbook(one), " "])],
      alert.silenced !== null && ` · silenced: ${alert.silenced}`,
    ),
    h(
      "p",
      { class: "do" },
      alert.type.map((text) => [command(text), resumeButton(text)]),
      alert.status !== "resolved" &&
        alert.findings.some((one) => one.kind === "dead_letter") &&
        h("a", { href: deadHref(alert) }, "Look at the dead letters"),
    ),
  );
}

const deadHref = ({ pipelines }) =>
  pipelines.length === 1 ? `/ui/dead?pipeline=${encodeURIComponent(pipelines[0].name)}` : "/ui/dead";

/** What can be done here as well as typed. */
function resumeButton(text) {
  const [, kind, name] = /^hookrail resume (pipeline|connection) (\S+)$/.exec(text) ?? [];
  if (name === undefined) return [];
  const does = { "data-do": "resume", "data-kind": kind, "data-name": name, "data-needs": "pause" };
  return h("button", { type: "button", ...does }, `Resume ${name}`);
}
