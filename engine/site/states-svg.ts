/** An entity's states as SVG: low to high from top to bottom, moves up on the left and moves down the list on the right. */
import type { EntityModel } from "../core/entity.ts";
import { html } from "./escape.ts";
import { frame, round, type SvgOptions } from "./svg.ts";

const BOX = { width: 170, height: 36, gap: 30, margin: 14 } as const;
/** How far an arc stands out for each state that it passes. */
const STEP = 26;

/** Undefined where an entity has no states. */
export function statesSvg(entity: EntityModel, options: SvgOptions): string | undefined {
  if (entity.states.length === 0) return undefined;
  const index = new Map(entity.states.map((state, at) => [state, at]));
  const moves = [...(entity.transitions ?? [])].flatMap(([from, targets]) =>
    [...targets].flatMap((to) => {
      const [a, b] = [index.get(from), index.get(to)];
      return a === undefined || b === undefined || a === b ? [] : [{ from: a, to: b }];
    }),
  );
  const widest = Math.max(0, ...moves.map(({ from, to }) => Math.abs(to - from) - 1));
  const side = 24 + (widest + 1) * STEP;
  const left = BOX.margin + side;
  const top = (at: number) => BOX.margin + at * (BOX.height + BOX.gap);
  const boxes = entity.states.map((state, at) => {
    const mid = left + BOX.width / 2;
    return `<g class="node state"><rect x="${left}" y="${top(at)}" width="${BOX.width}" height="${BOX.height}" rx="18"/><text class="name" x="${mid}" y="${top(at) + 23}">${html(state)}</text></g>`;
  });
  const arrows = moves.map(({ from, to }) => {
    const title = `<title>${html(`${entity.states[from]} to ${entity.states[to]}`)}</title>`;
    return `<g>${title}<path class="edge flow" d="${arc(from, to, { left, top })}" marker-end="url(#${options.id}-arrow)"/></g>`;
  });
  // Without declared moves each is allowed: what is drawn is which state is higher.
  const order =
    entity.transitions === undefined ? entity.states.slice(1).map((_state, at) => step(at, { left, top })) : [];
  const ends = order.length === 0 ? "" : end("lowest", top(0), left) + end("highest", top(order.length), left);
  const count = entity.states.length;
  const height = 2 * BOX.margin + count * BOX.height + (count - 1) * BOX.gap;
  const width = 2 * left + BOX.width;
  return frame({ width, height, body: `${[...arrows, ...order].join("")}${boxes.join("")}${ends}` }, options);
}

/** One higher. Without a head: it is no move. */
function step(at: number, { left, top }: { readonly left: number; readonly top: (at: number) => number }): string {
  const x = left + BOX.width / 2;
  return `<path class="edge" stroke-dasharray="4 4" d="M${x} ${top(at) + BOX.height}L${x} ${top(at + 1)}"/>`;
}

const end = (word: string, y: number, left: number) =>
  `<text class="note" x="${left + BOX.width + 32}" y="${y + 22}">${word}</text>`;

function arc(
  from: number,
  to: number,
  { left, top }: { readonly left: number; readonly top: (at: number) => number },
): string {
  if (to === from + 1) {
    const x = left + BOX.width / 2;
    return `M${x} ${top(from) + BOX.height}L${x} ${top(to) - 2}`;
  }
  const down = to > from;
  const x = down ? left + BOX.width : left;
  const out = 24 + Math.abs(to - from) * STEP;
  const bend = down ? x + out : x - out;
  // A little apart, so that arrows that come and go are two.
  const [y1, y2] = [top(from) + BOX.height * 0.62, top(to) + BOX.height * 0.38];
  return `M${round(x)} ${round(y1)}C${round(bend)} ${round(y1)} ${round(bend)} ${round(y2)} ${round(down ? x + 2 : x - 2)} ${round(y2)}`;
}
