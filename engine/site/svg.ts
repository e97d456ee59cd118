/** Graphs as SVG: inside a page it takes the page's colours and its nodes are links; alone it brings its own. */
import { html } from "./escape.ts";
import type { Graph, GraphEdge } from "./graph.ts";
import { type Layout, layOut, NODE, type Placed } from "./layout.ts";

export interface SvgOptions {
  readonly title: string;
  readonly description: string;
  /** `page`: colours come from the site's stylesheet, and nodes lead to their pages by this way up. `alone`: a file by itself. */
  readonly place: { readonly kind: "page"; readonly up: string } | { readonly kind: "alone" };
  /** Unique within the page. */
  readonly id: string;
}

export function graphSvg(graph: Graph, options: SvgOptions): string {
  const layout = layOut(graph);
  const edges = graph.edges.map((edge) => drawEdge(edge, layout, options.id)).join("");
  const nodes = [...layout.placed.values()].map((placed) => drawNode(placed, options)).join("");
  return frame({ width: layout.width, height: layout.height, body: `${edges}${nodes}` }, options);
}

/** The shell that all drawings share: size, arrow heads, words for those who can not see it. */
export function frame(
  { width, height, body }: { readonly width: number; readonly height: number; readonly body: string },
  { title, description, place, id }: SvgOptions,
): string {
  const head = `<marker id="${id}-arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path class="head" d="M0 0 10 5 0 10z"/></marker>`;
  const style = place.kind === "alone" ? `<style>${STANDALONE_STYLE}</style>` : "";
  const space = place.kind === "alone" ? ' xmlns="http://www.w3.org/2000/svg"' : "";
  return `<svg${space} class="graph" viewBox="0 0 ${round(width)} ${round(height)}" width="${round(width)}" height="${round(height)}" role="group" aria-labelledby="${id}-title ${id}-desc"><title id="${id}-title">${html(title)}</title><desc id="${id}-desc">${html(description)}</desc>${style}<defs>${head}</defs>${body}</svg>`;
}

function drawNode({ node, x, y }: Placed, { place }: SvgOptions): string {
  const mid = x + NODE.width / 2;
  const lines =
    node.note === ""
      ? `<text x="${round(mid)}" y="${round(y + 29)}" class="name">${html(cut(node.name))}</text>`
      : `<text x="${round(mid)}" y="${round(y + 21)}" class="name">${html(cut(node.name))}</text><text x="${round(mid)}" y="${round(y + 37)}" class="note">${html(cut(node.note))}</text>`;
  const box = `<rect x="${round(x)}" y="${round(y)}" width="${NODE.width}" height="${NODE.height}" rx="${node.kind === "entity" ? 22 : 7}"/>`;
  const whole = `<g class="node ${node.kind}"><title>${html(`${node.kind} ${node.name}${node.note === "" ? "" : `, ${node.note}`}`)}</title>${box}${lines}</g>`;
  return place.kind === "page" && node.page !== undefined
    ? `<a href="${html(`${place.up}${node.page}`)}">${whole}</a>`
    : whole;
}

function drawEdge(edge: GraphEdge, { placed }: Layout, id: string): string {
  const from = placed.get(edge.from);
  const to = placed.get(edge.to);
  if (from === undefined || to === undefined) return "";
  const path = `<path class="edge ${edge.kind}" d="${pathOf(from, to)}" marker-end="url(#${id}-arrow)"/>`;
  return edge.label === "" ? path : `<g><title>${html(edge.label)}</title>${path}</g>`;
}

function pathOf(from: Placed, to: Placed): string {
  const [a, b] = [from.y + NODE.height / 2, to.y + NODE.height / 2];
  if (from.column === to.column) {
    // Around the right side: an entity's value rises to its parent.
    const x = from.x + NODE.width;
    const out = x + 34;
    return `M${round(x)} ${round(a)}C${round(out)} ${round(a)} ${round(out)} ${round(b)} ${round(x + 2)} ${round(b)}`;
  }
  const forward = from.column < to.column;
  const x1 = forward ? from.x + NODE.width : from.x;
  const x2 = forward ? to.x - 2 : to.x + NODE.width + 2;
  const bend = Math.abs(x2 - x1) / 2;
  const [c1, c2] = forward ? [x1 + bend, x2 - bend] : [x1 - bend, x2 + bend];
  return `M${round(x1)} ${round(a)}C${round(c1)} ${round(a)} ${round(c2)} ${round(b)} ${round(x2)} ${round(b)}`;
}

/** What fits into a box; the whole name stands in its title. */
const cut = (text: string) => (text.length > 27 ? `${text.slice(0, 26)}…` : text);

export const round = (n: number): string => String(Number(n.toFixed(1)));

/** Readable on white and on black alike: it follows the reader's theme. */
const STANDALONE_STYLE = [
  "text{font:13px system-ui,sans-serif;text-anchor:middle;fill:#1b2430}.note,.label{font-size:11px;fill:#4a5666}",
  ".node rect{fill:#fff;stroke:#5b6b7f;stroke-width:1.5}.source rect{fill:#e7f0fd}.entity rect{fill:#e6f6ec}.connection rect{fill:#fdf1df}",
  ".edge{fill:none;stroke:#66758a;stroke-width:1.5}.fetch,.parent{stroke-dasharray:5 4}.head{fill:#66758a}",
  "@media (prefers-color-scheme:dark){text{fill:#e8edf4}.note,.label{fill:#b4c0cf}.node rect{fill:#1d2632;stroke:#8695a8}.source rect{fill:#1c2f4a}.entity rect{fill:#173527}.connection rect{fill:#3d2e14}.edge{stroke:#8f9fb3}.head{fill:#8f9fb3}}",
].join("");
