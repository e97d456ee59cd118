/** Asks before something is done: what it would do, in numbers, and why. The browser's own dialog keeps focus, Escape and names. */
import { h } from "./dom.js";

/**
 * `reason`: needed, optional or none. `fields`: nodes with names of their own. Resolves with what was filled in, and with
 * undefined when the person leaves it.
 */
export function ask({ title, lines = [], fields = [], reason = "optional", does, strong = false }) {
  const needed = reason === "needed";
  const label = needed ? "Why? (needed, for the audit)" : "Why? (for the audit)";
  const field = h(
    "label",
    {},
    label,
    h("input", {
      name: "reason",
      autocomplete: "off",
      maxlength: 500,
      required: needed,
      "aria-describedby": "ask-why",
    }),
  );
  const problem = h("p", { class: "bad", id: "ask-why", role: "alert" });
  const dialog = h(
    "dialog",
    { "aria-labelledby": "ask-title", "aria-describedby": "ask-lines", class: strong ? "page" : "" },
    h(
      "form",
      { novalidate: true },
      h("h2", { id: "ask-title" }, title),
      h(
        "ul",
        { id: "ask-lines" },
        lines.filter(Boolean).map((line) => h("li", {}, line)),
      ),
      fields,
      reason !== "none" && field,
      problem,
      h(
        "p",
        { class: "actions" },
        h("button", { type: "submit", class: "strong" }, does),
        h("button", { type: "button", "data-leave": true }, "Leave it"),
      ),
    ),
  );
  const { promise, resolve } = Promise.withResolvers();
  const leave = (filled) => {
    resolve(filled);
    dialog.close();
  };
  dialog.addEventListener("click", (click) => {
    // What lies around the form is the backdrop.
    if (click.target === dialog || click.target.closest("[data-leave]") !== null) leave(undefined);
  });
  dialog.addEventListener("submit", (submit) => {
    submit.preventDefault();
    submit.stopPropagation();
    const form = submit.target;
    const filled = Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, value.trim()]));
    const empty = [...form.elements].find((one) => one.required && one.value.trim() === "");
    if (empty === undefined) return leave(filled);
    problem.textContent = empty.name === "reason" ? "It needs a reason." : "Fill this in too.";
    empty.setAttribute("aria-invalid", "true");
    empty.focus();
  });
  dialog.addEventListener("close", () => {
    resolve(undefined);
    dialog.remove();
  });
  document.body.append(dialog);
  dialog.showModal();
  (dialog.querySelector("input, select") ?? dialog.querySelector("button")).focus();
  return promise;
}
