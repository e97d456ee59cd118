/** The dashboard: which page an address is, what keeps it fresh, and what buttons do. */
import { ACTIONS, FORMS } from "./actions.js";
import * as alerts from "./alerts.js";
import { ApiError, call, follow, get, getIfThere } from "./api.js";
import * as config from "./config.js";
import * as dead from "./dead.js";
import { h, morph } from "./dom.js";
import * as event from "./event.js";
import * as events from "./events.js";
import * as overview from "./overview.js";
import * as pipeline from "./pipeline.js";
import * as runbook from "./runbook.js";
import { number } from "./words.js";

const NAV = [
  ["/ui", "Overview"],
  ["/ui/events", "Events"],
  ["/ui/dead", "Dead letters"],
  ["/ui/alerts", "Alerts"],
  ["/ui/config", "Config"],
];
const PAGES = { "": overview, events, dead, alerts, config, runbook };
const DETAILS = { events: event, pipelines: pipeline };
const FRESH_MS = 2_000;
const STALE_MS = 15_000;

const main = document.getElementById("main");
let me;
let current;
let stopFollowing;
/** How the stream of facts is; a page that loads all the same is not lost. */
let streaming = "connecting";
let counts = { dead: 0, alerts: undefined };

function pageOf({ pathname }) {
  const [, , first = "", second] = pathname.split("/");
  const page = second === undefined ? PAGES[first] : DETAILS[first];
  return { page, params: { name: second === undefined ? "" : decodeURIComponent(second) }, section: first };
}

/** Draws a page's parts into what is there. */
function draw(parts) {
  const next = h("main", { id: "main", tabindex: -1 }, parts);
  // What the role does not allow is not offered.
  for (const one of next.querySelectorAll("[data-needs]")) if (!me.rights.includes(one.dataset.needs)) one.remove();
  morph(main, next);
}

function drawNav() {
  const { section } = pageOf(location);
  const here = section === "pipelines" ? "/ui" : `/ui${section === "" ? "" : `/${section}`}`;
  const items = NAV.filter(([path]) => path !== "/ui/alerts" || counts.alerts !== undefined).map(([path, name]) => {
    const count = path === "/ui/dead" ? counts.dead : path === "/ui/alerts" ? counts.alerts : 0;
    return h(
      "li",
      { "data-key": path },
      h(
        "a",
        { href: path, "aria-current": path === here ? "page" : undefined },
        name,
        count > 0 && [" ", h("span", { class: "count" }, number(count), h("span", { class: "far" }, " open"))],
      ),
    );
  });
  morph(document.getElementById("nav"), h("ul", { id: "nav" }, items));
}

function say(words) {
  document.getElementById("said").textContent = words;
  clearTimeout(say.timer);
  say.timer = setTimeout(() => say(""), 8_000);
}

async function show({ focus }) {
  const { page, params } = pageOf(location);
  const mine = { page, params, query: new URLSearchParams(location.search), state: {}, at: 0 };
  current = mine;
  if (focus) draw(h("p", { class: "quiet" }, "Loading…"));
  document.title = `${page?.title(params) ?? "No such page"} · Hookrail`;
  drawNav();
  await refresh();
  if (focus && current === mine) main.querySelector("h1")?.focus();
}

let refreshing;
/** One at a time; what is asked for meanwhile is one more. */
function refresh() {
  refreshing = (refreshing ?? Promise.resolve()).then(refreshNow);
  return refreshing;
}

async function refreshNow() {
  const mine = current;
  if (mine.page === undefined)
    return draw([h("h1", { tabindex: -1 }, "No such page"), h("p", {}, h("a", { href: "/ui" }, "To the overview"))]);
  try {
    const data = await mine.page.load(mine.params, mine.query, mine.state);
    if (mine !== current) return;
    mine.at = Date.now();
    setState(streaming);
    draw(mine.page.render(data));
    await refreshCounts(data);
  } catch (error) {
    if (mine === current) failed(error);
  }
}

async function refreshCounts({ status, overview: seen, alerts: open }) {
  const all = (seen ?? status ?? (await get("/api/v1/status"))).counts;
  counts = {
    dead: all.open_dead_letters,
    alerts: open === undefined ? counts.alerts : open.filter((one) => one.status !== "resolved").length,
  };
  drawNav();
}

function failed(error) {
  if (error instanceof ApiError && error.status === 401) return signIn();
  if (error instanceof ApiError && error.status === 404)
    return draw([
      h("h1", { tabindex: -1 }, "Not found"),
      h("p", {}, "There is nothing of that name. It may be older than what is kept."),
    ]);
  // A fault of the dashboard's own is for the browser's console, and for our tests.
  if (!(error instanceof ApiError)) reportError(error);
  setState("lost");
  if (current.at === 0)
    draw([
      h("h1", { tabindex: -1 }, "No answer"),
      h("p", {}, `The engine does not answer: ${error.message}. This page tries again by itself.`),
    ]);
}

function signIn(message = "") {
  stopFollowing?.();
  stopFollowing = undefined;
  me = { rights: [] };
  setState("signed out");
  document.getElementById("out").hidden = true;
  morph(document.getElementById("nav"), h("ul", { id: "nav" }));
  draw([
    h("h1", { tabindex: -1 }, "Sign in"),
    h("p", { class: "lead" }, "With a token that the config lists under ", h("code", {}, "admin.tokens"), "."),
    h(
      "form",
      { class: "sign", "data-form": "sign" },
      h("label", {}, "Token", h("input", { name: "token", type: "password", autocomplete: "off", required: true })),
      h("button", { type: "submit", class: "strong" }, "Sign in"),
      h("p", { class: "bad", role: "alert" }, message),
    ),
    h(
      "p",
      { class: "quiet" },
      "None yet? On the machine of the engine: ",
      h("code", {}, "hookrail token new --name you --role viewer"),
    ),
  ]);
  main.querySelector("input")?.focus();
}

function setState(state) {
  const node = document.getElementById("state");
  if (node.textContent === state) return;
  node.textContent = state;
  node.className = `pulse ${state.replace(" ", "-")}`;
}

/** Facts come by the hundred: the page follows every two seconds at most, and looks by itself now and then. */
function keepFresh() {
  let waiting = false;
  const soon = () => {
    if (waiting || document.hidden) return;
    waiting = true;
    setTimeout(async () => {
      await refresh();
      waiting = false;
    }, FRESH_MS);
  };
  stopFollowing = follow({
    onFact: soon,
    onState: (state) => {
      if (me?.name === undefined) return;
      streaming = state === "closed" ? "lost" : state;
      setState(streaming);
      if (state === "closed") setTimeout(() => me?.name !== undefined && restart(), STALE_MS);
      if (state === "live") soon();
    },
  });
  const timer = setInterval(() => {
    if (!document.hidden && Date.now() - current.at > STALE_MS) void refresh();
  }, 5_000);
  const stop = stopFollowing;
  const restart = () => {
    stopFollowing?.();
    keepFresh();
  };
  stopFollowing = () => {
    stop();
    clearInterval(timer);
  };
}

function go(href) {
  history.pushState(null, "", href);
  scrollTo(0, 0);
  void show({ focus: true });
}

const context = () => ({ state: current.state, refresh, say, go, start, signIn });

document.addEventListener("click", (click) => {
  const button = click.target.closest("[data-do]");
  if (button !== null) {
    const action = current.page?.actions?.[button.dataset.do] ?? ACTIONS[button.dataset.do];
    Promise.resolve(action?.(button, context())).catch((error) => say(`That did not work: ${error.message}.`));
    return;
  }
  const link = click.target.closest("a[href^='/ui']");
  if (link === null || click.button !== 0 || click.ctrlKey || click.metaKey || click.shiftKey || click.altKey) return;
  click.preventDefault();
  go(link.getAttribute("href"));
});

document.addEventListener("submit", (submit) => {
  const form = submit.target;
  submit.preventDefault();
  const action = current?.page?.forms?.[form.dataset.form] ?? FORMS[form.dataset.form];
  Promise.resolve(action?.(form, context())).catch((error) => say(`That did not work: ${error.message}.`));
});

addEventListener("popstate", () => void show({ focus: true }));
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && me?.name !== undefined && Date.now() - current.at > FRESH_MS) void refresh();
});

const THEMES = { "": "as the system says", light: "light", dark: "dark" };
const theme = document.getElementById("theme");

function setTheme(name) {
  if (name === "") document.documentElement.removeAttribute("data-theme");
  else document.documentElement.dataset.theme = name;
  theme.setAttribute("aria-label", `Colours: ${THEMES[name]}`);
  theme.title = `Colours: ${THEMES[name]}`;
  localStorage.setItem("hookrail-theme", name);
}
theme.addEventListener("click", () => {
  const names = Object.keys(THEMES);
  setTheme(names[(names.indexOf(document.documentElement.dataset.theme ?? "") + 1) % names.length]);
});
setTheme(localStorage.getItem("hookrail-theme") ?? "");

document.getElementById("out").addEventListener("click", async () => {
  await call("DELETE", "/api/v1/session");
  signIn();
});

async function start() {
  current = { page: undefined, state: {}, at: 0 };
  try {
    me = await get("/api/v1/me");
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return signIn();
    me = { rights: [] };
    failed(error);
    setTimeout(start, STALE_MS);
    return;
  }
  const out = document.getElementById("out");
  out.hidden = me.name === "admin-api";
  out.title = `Signed in as ${me.name}, ${me.role}`;
  const known = await getIfThere("/api/v1/alerts");
  counts.alerts = known?.alerts?.filter((one) => one.status !== "resolved").length;
  stopFollowing?.();
  keepFresh();
  await show({ focus: false });
}

void start();
