/** A runbook as it lies beside the config: Markdown as far as runbooks use it, with a button at each command. Never markup. */
import { get } from "./api.js";
import { h } from "./dom.js";
import { command } from "./words.js";

export const title = () => "Runbook";

export async function load(_params, query) {
  return get(`/api/v1/runbook?${new URLSearchParams({ path: query.get("path") ?? "" })}`);
}

export function render({ path, text }) {
  const blocks = blocksOf(text);
  const first = blocks[0]?.[0] === "h1" ? blocks.shift()[1] : path;
  return [
    h("p", { class: "kind" }, "Runbook ", h("code", {}, path)),
    h("h1", { tabindex: -1 }, inline(first)),
    h("div", { class: "prose" }, blocks.map(blockOf)),
  ];
}

/** `[kind, text or lines]` of each block. */
function blocksOf(text) {
  const blocks = [];
  let open;
  const begin = (kind, lines) => {
    open = [kind, lines];
    blocks.push(open);
  };
  const add = (kind, line) => {
    if (open?.[0] === kind) open[1].push(line);
    else begin(kind, [line]);
  };
  let fenced = false;
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*(```|~~~)/.test(line)) {
      fenced = !fenced;
      open = undefined;
      if (fenced) begin("code", []);
      continue;
    }
    if (fenced) {
      open[1].push(line);
      continue;
    }
    const heading = /^(#{1,6})\s+(.*?)\s*#*$/.exec(line);
    const item = /^\s*(?:[-*+]|\d+[.)])\s+(.*)$/.exec(line);
    if (line.trim() === "") open = undefined;
    else if (heading !== null) {
      blocks.push([`h${heading[1].length}`, heading[2]]);
      open = undefined;
    } else if (item !== null) add(/^\s*\d/.test(line) ? "ol" : "ul", item[1]);
    // A line below an item that is set in belongs to it.
    else if ((open?.[0] === "ul" || open?.[0] === "ol") && /^\s/.test(line))
      open[1].push(`${open[1].pop()} ${line.trim()}`);
    else add("p", line);
  }
  return blocks;
}

function blockOf([kind, content]) {
  switch (kind) {
    case "code":
      return h(
        "div",
        { class: "commands" },
        content
          .filter((line) => line.trim() !== "")
          .map((line) => h("p", {}, /^\s*#/.test(line) ? h("code", {}, line) : command(line.replace(/^\s*\$\s+/, "")))),
      );
    case "ul":
    case "ol":
      return h(
        kind,
        {},
        content.map((line) => h("li", {}, inline(line))),
      );
    case "p":
      return h("p", {}, inline(content.join("\n")));
    default:
      // The page's own heading is the only one of its level.
      return h(kind === "h1" ? "h2" : kind, {}, inline(content));
  }
}

const INLINE = /`([^`]+)`|\*\*([^*]+)\*\*|\[([^\]]+)\]\(([^)\s]+)\)/g;

/** Code, what is strong, and links: to the web only, since no other file is served. */
function inline(text) {
  const parts = [];
  let at = 0;
  for (const found of text.matchAll(INLINE)) {
    parts.push(text.slice(at, found.index));
    const [whole, code, strong, name, href] = found;
    if (code !== undefined) parts.push(h("code", {}, code));
    else if (strong !== undefined) parts.push(h("strong", {}, strong));
    else if (/^https?:/.test(href)) parts.push(h("a", { href, rel: "noreferrer" }, name));
    else parts.push(name);
    at = found.index + whole.length;
  }
  return [...parts, text.slice(at)];
}
