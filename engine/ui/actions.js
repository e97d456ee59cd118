/** What the buttons and forms of all pages do. */
import { call, post } from "./api.js";

const ask = (question) => {
  const given = prompt(question);
  return given === null || given.trim() === "" ? undefined : given.trim();
};

export const ACTIONS = {
  async copy({ dataset }, { say }) {
    await navigator.clipboard.writeText(dataset.text);
    say("Copied.");
  },
  async pause({ dataset: { kind, name } }, { say, refresh }) {
    const reason = ask(`Pause ${kind} ${name}: events are accepted and wait. Why?`);
    if (reason === undefined) return;
    await post("/api/v1/pause", { kind, name, reason });
    say(`${name} is paused.`);
    await refresh();
  },
  async resume({ dataset: { kind, name } }, { say, refresh }) {
    await post("/api/v1/resume", { kind, name, reason: "dashboard" });
    say(`${name} goes on.`);
    await refresh();
  },
  async retry({ dataset: { id } }, { say, refresh }) {
    await post(`/api/v1/dead-letters/${id}/retry`, { reason: "dashboard" });
    say("It is tried again.");
    await refresh();
  },
  async discard({ dataset: { id } }, { say, refresh }) {
    const reason = ask("It will never be tried again. Why?");
    if (reason === undefined) return;
    await post(`/api/v1/dead-letters/${id}/discard`, { reason });
    say("Discarded.");
    await refresh();
  },
  async reveal({ dataset: { id } }, { state, refresh }) {
    const reason = ask("Sensitive values will be shown, and the audit will say that you have seen them. Why?");
    if (reason === undefined) return;
    state.revealed = await post(`/api/v1/events/${id}/reveal`, { reason });
    await refresh();
  },
  async reload(_button, { say, refresh }) {
    const { reload } = await post("/api/v1/reload", {});
    say(`Reload: ${reload.result}.`);
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
