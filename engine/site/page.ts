/** The frame of every page of the site, and its tables: landmarks, captions, and a policy that lets nothing foreign in. */
import { html } from "./escape.ts";

/** A piece of HTML, as opposed to text that is not escaped yet. */
export interface Markup {
  readonly markup: string;
}

export const raw = (markup: string): Markup => ({ markup });
export const text = (words: string): Markup => raw(html(words));
/** As it is written; long paths may break behind their dots, and nowhere else. */
export const code = (words: string): Markup =>
  raw(
    words === ""
      ? ""
      : `<code>${words
          .split(/(?<=[._[(/])/)
          .map(html)
          .join("<wbr>")}</code>`,
  );
export const link = (href: string, words: string): Markup => raw(`<a href="${html(href)}">${html(words)}</a>`);
export const joined = (parts: readonly Markup[], between = ", "): Markup =>
  raw(parts.map(({ markup }) => markup).join(between));
export const badge = (kind: string, words: string): Markup => raw(`<span class="badge ${kind}">${html(words)}</span>`);

export interface Page {
  /** Below the site's folder. */
  readonly path: string;
  readonly title: string;
  /** What kind of thing it is about, above the heading. */
  readonly kind: string;
  /** One or two sentences. */
  readonly lead: string;
  readonly body: string;
}

/**
 * Only files beside the page are loaded, nothing inline. `file:` lets browsers that give each file an origin of its own
 * load them from a disk; over HTTP it allows nothing.
 */
const POLICY =
  "default-src 'none'; style-src 'self' file:; script-src 'self' file:; img-src 'self' file:; base-uri 'none'; form-action 'none'";

const MENU: readonly (readonly [string, string])[] = [
  ["index.html", "Overview"],
  ["mapping.html", "Mapping table"],
  ["events.html", "Events"],
];

/** From a page to the folder of the site. */
export const upFrom = (path: string): string => "../".repeat(path.split("/").length - 1);

export function renderPage(page: Page, site: string): string {
  const up = upFrom(page.path);
  const menu = MENU.map(([path, name]) => {
    const here = path === page.path ? ' aria-current="page"' : "";
    return `<li><a href="${up}${path}"${here}>${name}</a></li>`;
  }).join("");
  const title = page.path === "index.html" ? site : `${page.title} · ${site}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="generator" content="hookrail docs">
<title>${html(title)}</title>
<link rel="stylesheet" href="${up}style.css">
<script src="${up}search-index.js" defer></script>
<script src="${up}site.js" defer></script>
</head>
<body data-up="${up}">
<a class="skip" href="#main">Skip to the content</a>
<header>
<a class="site" href="${up}index.html">${html(site)}</a>
<nav aria-label="Pages"><ul>${menu}</ul></nav>
<div class="tools">
<div role="search" class="search" hidden><label for="q">Search</label><input id="q" type="search" autocomplete="off" placeholder="a field, an event, a team" aria-controls="found"><ul id="found" hidden></ul><p id="count" class="quiet" role="status"></p></div>
<button id="theme" type="button" hidden>Dark</button>
</div>
</header>
<main id="main">
<p class="kind">${html(page.kind)}</p>
<h1>${html(page.title)}</h1>
${page.lead === "" ? "" : `<p class="lead">${html(page.lead)}</p>\n`}${page.body}
</main>
<footer><p>Made from the configuration by <code>hookrail docs</code>. Changes belong into the YAML files, in a pull request.</p></footer>
</body>
</html>
`;
}

export function section(title: string, body: string, about = ""): string {
  if (body === "") return "";
  const id = title.toLowerCase().replace(/[^a-z0-9]+/g, "-");
  const words = about === "" ? "" : `<p>${html(about)}</p>\n`;
  return `<section aria-labelledby="${id}">\n<h2 id="${id}">${html(title)}</h2>\n${words}${body}\n</section>\n`;
}

/** A table with its caption; the first cell of each row is its heading. Nothing without rows. */
export function table(caption: string, heads: readonly string[], rows: readonly (readonly Markup[])[]): string {
  if (rows.length === 0) return "";
  const head = heads.map((one) => `<th scope="col">${html(one)}</th>`).join("");
  const body = rows
    .map((cells) => {
      const [first, ...rest] = cells.map(({ markup }) => markup);
      return `<tr><th scope="row">${first ?? ""}</th>${rest.map((cell) => `<td>${cell}</td>`).join("")}</tr>`;
    })
    .join("\n");
  return `<div class="wide" role="region" tabindex="0" aria-label="${html(caption)}"><table><caption>${html(caption)}</caption><thead><tr>${head}</tr></thead>\n<tbody>\n${body}\n</tbody></table></div>`;
}

/** Names and values. Pairs without a value are left out. */
export function facts(pairs: readonly (readonly [string, Markup])[]): string {
  const shown = pairs.filter(([, { markup }]) => markup !== "");
  return shown.length === 0
    ? ""
    : `<dl class="facts">${shown.map(([name, { markup }]) => `<div><dt>${html(name)}</dt><dd>${markup}</dd></div>`).join("")}</dl>\n`;
}

export const figure = (svg: string, caption: string): string =>
  `<figure><div class="wide" role="region" tabindex="0" aria-label="${html(caption)}">${svg}</div><figcaption>${html(caption)}</figcaption></figure>`;
