/** What the buttons and forms of all pages do. What changes something first says what it would do. */
import { call, get, post } from "./api.js";
import { ask } from "./dialog.js";
import { h } from "./dom.js";
import { instant, number, plural, spaced } from "./words.js";

const COUNTED = 1_000;

/** How much waits behind a pipeline or a connection now. */
async function behind(kind, name) {
  const [overview, { events }] = await Promise.all([
    get("/api/v1/overview"),
    kind === "pipeline"
      ? get(`/api/v1/events?limit=${COUNTED}&outcome=accepted&pipeline=${encodeURIComponent(name)}`)
      : { events: [] },
  ]);
  const of = (list) => list.find((one) => one.name === name);
  const pipelines = kind === "pipeline" ? [of(overview.pipelines)] : feeding(overview.pipelines, name);
  const known = pipelines.filter((one) => one !== undefined);
  return {
    turns: known.reduce((sum, one) => sum + one.lately.events, 0),
    pipelines: known,
    waiting: kind === "pipeline" ? events.length : (of(overview.connections)?.open ?? 0),
    paused: (kind === "pipeline" ? of(overview.pipelines) : of(overview.connections))?.paused ?? null,
  };
}

const feeding = (pipelines, connection) => pipelines.filter((one) => one.connections.includes(connection));

const waits = (kind, count) =>
  kind === "pipeline"
    ? `${count >= COUNTED ? `${number(count)} events or more wait` : `${plural(count, "event waits", "events wait")}`} for a turn`
    : `${plural(count, "delivery is", "deliveries are")} not done`;

/** What a retry or a discard of these would do. */
function closingLines(action, letters) {
  const frozen = letters.filter((one) => one.delivery !== null).length;
  const anew = letters.length - frozen;
  if (action === "discard")
    return [
      `${plural(letters.length, "dead letter", "dead letters")} would never be tried again.`,
      "What came in stays in the store, and the audit keeps who gave up on it and why.",
    ];
  return [
    frozen > 0 &&
      `${plural(frozen, "delivery goes", "deliveries go")} out again: the same request if it was ever sent, under the same key.`,
    anew > 0 && `${plural(anew, "event is", "events are")} mapped anew with the config of now.`,
    letters.length > 1 && "Oldest first, so that each record gets its values in their order.",
  ];
}

/** Looks at what would be done to dead letters, asks, and does it. True: it was done. */
export async function closeLetters(action, ids, { say, refresh }) {
  const { dead_letters: letters } = await post("/api/v1/dead-letters", { action, ids, dry_run: true });
  if (letters.length === 0) {
    say("None of them is open any more.");
    await refresh();
    return false;
  }
  const codes = Object.entries(Object.groupBy(letters, (one) => `${one.pipeline || "not readable"}: ${one.code}`));
  const verb = action === "retry" ? "Retry" : "Discard";
  const filled = await ask({
    title: `${verb} ${letters.length === 1 ? "this dead letter" : plural(letters.length, "dead letter")}?`,
    lines: [
      ...closingLines(action, letters),
      ...(codes.length > 1 || letters.length > 1
        ? codes.slice(0, 8).map(([what, some]) => [h("code", {}, what), `, ${plural(some.length, "letter")}`])
        : []),
      codes.length > 8 && `and ${plural(codes.length - 8, "other cause")}`,
      letters.length < ids.length && `${number(ids.length - letters.length)} of those chosen are not open any more.`,
    ],
    reason: action === "discard" ? "needed" : "optional",
    does: `${verb} now`,
    strong: action === "discard",
  });
  if (filled === undefined) return false;
  const body = { action, ids: letters.map((one) => one.id), dry_run: false, reason: filled.reason };
  const { done, gone } = await post("/api/v1/dead-letters", body);
  await refresh();
  say(
    `${plural(done, "dead letter")} ${action === "retry" ? "tried again" : "discarded"}${gone > 0 ? `, ${number(gone)} could not be` : ""}.`,
  );
  return true;
}

const LENGTHS = ["30m", "1h", "2h", "4h", "8h", "24h", "72h"];

export const ACTIONS = {
  async copy({ dataset }, { say }) {
    await navigator.clipboard.writeText(dataset.text);
    say("Copied.");
  },
  async pause({ dataset: { kind, name } }, { say, refresh }) {
    const { turns, pipelines, waiting } = await behind(kind, name);
    const filled = await ask({
      title: `Pause ${kind} ${name}?`,
      lines: [
        kind === "pipeline"
          ? "Events are accepted and stored, and wait until somebody resumes it. None is lost."
          : `Nothing is sent there until somebody resumes it. ${plural(pipelines.length, "pipeline writes", "pipelines write")} to it: ${pipelines.map((one) => one.name).join(", ") || "none"}.`,
        `${plural(turns, "turn")} in the last five minutes; ${waits(kind, waiting)} already.`,
      ],
      reason: "needed",
      does: "Pause now",
      strong: true,
    });
    if (filled === undefined) return;
    await post("/api/v1/pause", { kind, name, reason: filled.reason });
    say(`${name} is paused.`);
    await refresh();
  },
  async resume({ dataset: { kind, name } }, { say, refresh }) {
    const { waiting, paused } = await behind(kind, name);
    const filled = await ask({
      title: `Resume ${kind} ${name}?`,
      lines: [
        paused !== null &&
          `Paused by ${paused.by} since ${instant(paused.since)}${paused.reason === "" ? "" : `: ${paused.reason}`}`,
        `${waits(kind, waiting)} and would go on, oldest first.`,
      ],
      does: "Resume now",
    });
    if (filled === undefined) return;
    await post("/api/v1/resume", { kind, name, reason: filled.reason });
    say(`${name} goes on.`);
    await refresh();
  },
  retry: ({ dataset: { id } }, context) => closeLetters("retry", [id], context),
  discard: ({ dataset: { id } }, context) => closeLetters("discard", [id], context),
  async reveal({ dataset: { id } }, { state, refresh }) {
    const { event } = await get(`/api/v1/events/${encodeURIComponent(id)}`);
    const hidden = JSON.stringify(event).split("[sensitive]").length - 1;
    const filled = await ask({
      title: "Show sensitive values?",
      lines: [
        `${plural(hidden, "place is", "places are")} hidden on this page.`,
        "The audit will say that you have seen them, and why.",
      ],
      reason: "needed",
      does: "Show them",
      strong: true,
    });
    if (filled === undefined) return;
    state.revealed = await post(`/api/v1/events/${encodeURIComponent(id)}/reveal`, { reason: filled.reason });
    await refresh();
  },
  async silence({ dataset: { match } }, { say, refresh }) {
    const { covers } = await post("/api/v1/silences", { match, for: "1h", dry_run: true });
    const filled = await ask({
      title: "Tell nobody for a while?",
      lines: [
        `${plural(covers.length, "open alert")} would be silent. It stays on this page, and is recorded.`,
        "When the time is over and it is still wrong, they are told again.",
      ],
      fields: [
        h(
          "label",
          {},
          "Of what",
          h("input", { name: "match", value: match, required: true, autocomplete: "off", spellcheck: "false" }),
        ),
        h(
          "label",
          {},
          "For",
          h(
            "select",
            { name: "for", "aria-label": "For how long" },
            LENGTHS.map((one) => h("option", { value: one, selected: one === "2h" }, one)),
          ),
        ),
      ],
      reason: "needed",
      does: "Silence it",
    });
    if (filled === undefined) return;
    const { silence } = await post("/api/v1/silences", filled);
    say(`Silent until ${instant(silence.until)}.`);
    await refresh();
  },
  async unsilence({ dataset: { id, match } }, { say, refresh }) {
    const filled = await ask({
      title: "End the silence?",
      lines: [["Of ", h("code", {}, match), ": whoever is to be told is told again."]],
      does: "End it now",
    });
    if (filled === undefined) return;
    await post(`/api/v1/silences/${encodeURIComponent(id)}/end`, filled);
    say("It has ended.");
    await refresh();
  },
  async reload(_button, { say, refresh }) {
    const { file_revision: files, revision } = await get("/api/v1/status");
    const filled = await ask({
      title: "Reload the config?",
      lines: [
        files === revision
          ? "The files were the same when they were last looked at."
          : "The files are not what the engine works with.",
        "With an error in them the engine goes on with what it has.",
      ],
      does: "Reload now",
    });
    if (filled === undefined) return;
    const { reload } = await post("/api/v1/reload", filled);
    say(`Reload: ${spaced(reload.result)}.`);
    await refresh();
  },
};

export const FORMS = {
  async filter(form, { go }) {
    const filled = [...new FormData(form)].filter(([, value]) => value !== "");
    go(`${form.dataset.page}?${new URLSearchParams(filled)}`);
  },
  async find(form, { go }) {
    const id = form.elements.id.value.trim();
    if (id !== "") go(`/ui/events/${encodeURIComponent(id)}`);
  },
  async sign(form, { start, signIn }) {
    try {
      await call("POST", "/api/v1/session", { token: form.elements.token.value.trim() });
      await start();
    } catch (error) {
      form.elements.token.value = "";
      signIn(
        error.message === "too many wrong tokens"
          ? "Too many wrong tokens: wait a minute."
          : "That token is not known, or has ended.",
      );
    }
  },
};
