/** Search and theme of the static site. Without it every page reads the same, so that nothing but comfort depends on it. */
const up = document.body.dataset.up ?? "";
const box = document.querySelector(".search");
const input = document.getElementById("q");
const found = document.getElementById("found");
const count = document.getElementById("count");
const MOST = 12;

function rank(entry, words) {
  const title = entry.t.toLowerCase();
  const all = `${title} ${entry.k} ${entry.w}`.toLowerCase();
  if (!words.every((word) => all.includes(word))) return -1;
  if (title === words.join(" ")) return 3;
  return words.some((word) => title.startsWith(word)) ? 2 : words.every((word) => title.includes(word)) ? 1 : 0;
}

function show() {
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  const hits = words.length === 0 ? [] : (window.hookrailIndex ?? []).map((entry) => [rank(entry, words), entry]);
  const best = hits.filter(([score]) => score >= 0).sort(([a], [b]) => b - a);
  found.replaceChildren(
    ...best.slice(0, MOST).map(([, entry]) => {
      const item = document.createElement("li");
      const link = document.createElement("a");
      const kind = document.createElement("small");
      link.href = up + entry.u;
      link.textContent = entry.t;
      kind.textContent = ` ${entry.k}`;
      link.append(kind);
      item.append(link);
      return item;
    }),
  );
  found.hidden = best.length === 0;
  count.textContent = words.length === 0 ? "" : best.length === 0 ? "nothing found" : `${best.length} found`;
}

if (box !== null && input !== null && window.hookrailIndex !== undefined) {
  box.hidden = false;
  input.addEventListener("input", show);
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    input.value = "";
    show();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.target !== document.body) return;
    event.preventDefault();
    input.focus();
  });
}

const button = document.getElementById("theme");
const KEY = "hookrail-docs-theme";

/** A browser may refuse to keep anything for a page on a disk. */
function kept() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

function keep(theme) {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // The choice holds for this page only.
  }
}

function apply(theme) {
  document.documentElement.dataset.theme = theme;
  button.textContent = theme === "dark" ? "Light" : "Dark";
}

if (button !== null) {
  const system = window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  apply(kept() ?? system);
  button.hidden = false;
  button.addEventListener("click", () => {
    const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    apply(next);
    keep(next);
  });
}

// A link to a sample opens it.
function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target instanceof HTMLDetailsElement) target.open = true;
}
window.addEventListener("hashchange", openTarget);
openTarget();
