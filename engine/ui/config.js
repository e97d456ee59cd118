/** The config at work, what came of the last reload, and what persons did. */
import { get } from "./api.js";
import { h } from "./dom.js";
import { ago, badge, command, facts, instant, number, table } from "./words.js";

export const title = () => "Config";

export async function load() {
  const [status, { audit }] = await Promise.all([get("/api/v1/status"), get("/api/v1/audit?limit=50")]);
  return { status, audit };
}

const size = (bytes) =>
  bytes === null
    ? "unknown"
    : bytes < 1e6
      ? `${number(Math.round(bytes / 1e3))} kB`
      : bytes < 1e9
        ? `${number(Math.round(bytes / 1e6))} MB`
        : `${number(Number((bytes / 1e9).toFixed(1)))} GB`;

export function render({ status, audit }) {
  const last = status.last_reload;
  const behind = status.file_revision !== status.revision;
  return [
    h("h1", { tabindex: -1 }, "Config"),
    facts([
      ["Revision at work", h("code", {}, status.revision.slice(0, 12))],
      status.git_commit === undefined ? undefined : ["Commit", h("code", {}, status.git_commit.slice(0, 12))],
      [
        "The files make",
        status.file_revision === null
          ? h("span", { class: "bad" }, "no revision: they have errors")
          : behind
            ? h("span", { class: "warn" }, `another: ${status.file_revision.slice(0, 12)}`)
            : "the same",
      ],
      ["Environment", status.environment],
      ["Engine", `${status.version}, ${status.state} since ${instant(status.started_at)}`],
      ["Hooks come in at", h("code", {}, status.hooks)],
      ["Store", `${size(status.store.bytes)}, ${size(status.store.disk_free)} free on its disk`],
    ]),
    last === null
      ? h("p", {}, "No reload since the start.")
      : h(
          "section",
          { class: `card ${last.result === "refused" ? "page" : "resolved"}` },
          h("h2", {}, "Last reload ", badge(last.result)),
          h("p", { class: "quiet" }, ago(last.at), `, asked for by ${last.why}`),
          last.changes.length > 0 &&
            h(
              "ul",
              {},
              last.changes.map((one) => h("li", {}, one)),
            ),
          last.error !== null && [
            h("p", {}, last.error.message, " ", h("code", {}, last.error.code)),
            last.error.frames.map((frame) => h("pre", { tabindex: 0, "aria-label": "The place in the file" }, frame)),
            h("p", {}, "The engine goes on with the revision it has."),
            h("p", {}, command("hookrail check")),
          ],
        ),
    h(
      "p",
      { class: "actions" },
      h("button", { type: "button", "data-do": "reload", "data-needs": "reload" }, "Reload now"),
    ),
    h("h2", {}, "What persons did"),
    audit.length === 0
      ? h("p", { class: "quiet" }, "Nothing yet.")
      : table(
          "Audit, newest first",
          ["What", "When", "Who", "To what", "Why"],
          audit.map((one, index) => ({
            key: `${one.at}-${index}`,
            cells: [one.action, ago(one.at), one.actor, h("code", {}, one.target), one.reason || "–"],
          })),
        ),
  ];
}
