/** The dashboard's files, under `/ui`: one page for all its addresses, and its scripts and styles as they are. */
import { listAssets, readAsset } from "../core/assets.ts";
import type { Answer, Call, Route } from "./admin-route.ts";

const FOLDER = "engine/ui/";
const TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
};

/** Nothing but what this listener serves: no inline script or style, no other site, no frame around it. */
const HEADERS = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "x-frame-options": "DENY",
  "permissions-policy": "camera=(), geolocation=(), microphone=()",
};

const text = new Map<string, string>();

/** Read once: what runs is what was started, and the binary has no files. */
function fileOf(name: string): string | undefined {
  if (text.size === 0) for (const asset of listAssets(FOLDER)) text.set(asset.slice(FOLDER.length), readAsset(asset));
  return text.get(name);
}

function serve(name: string): Answer {
  const found = fileOf(name);
  const type = TYPES[name.split(".").at(-1) ?? ""];
  if (found === undefined || type === undefined) return { document: undefined };
  return { document: undefined, page: { type, text: found }, headers: HEADERS };
}

const page = (): Answer => serve("index.html");
const about = { method: "GET", right: "nothing", answer: "text/html" } as const;

/** Open to whoever may reach the port: they hold no data, and ask for a token where one is needed. */
export const UI_ROUTES: readonly Route<unknown>[] = [
  { ...about, id: "ui", summary: "The dashboard", path: "/ui", run: page },
  { ...about, id: "uiPage", summary: "One of its pages", path: "/ui/{page}", run: page },
  { ...about, id: "uiDetail", summary: "A page about one thing", path: "/ui/{page}/{name}", run: page },
  {
    ...about,
    id: "uiFile",
    summary: "A script or style of the dashboard",
    path: "/ui/-/files/{file}",
    answer: "text/javascript",
    run: ({ params: [file = ""] }: Call) => (file === "index.html" ? { document: undefined } : serve(file)),
  },
];
