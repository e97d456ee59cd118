/** Puts the keys of a document into the order of the reference; comments go with the key that they stand before. */
import { type Document, isMap, isScalar } from "yaml";

interface Options {
  readonly orderOf?: (keys: readonly string[]) => readonly string[];
}

export function sortTopLevel(text: string, documents: readonly Document.Parsed[], { orderOf }: Options): string {
  if (orderOf === undefined) return text;
  let done = text;
  // From the last to the first: places before stay what they are.
  for (const document of documents.toReversed()) done = sortDocument(done, document, orderOf);
  return done;
}

function sortDocument(
  text: string,
  { contents, range }: Document.Parsed,
  orderOf: NonNullable<Options["orderOf"]>,
): string {
  const map: unknown = contents;
  if (!isMap(map) || map.flow === true || map.items.length < 2 || map.range === null || map.range === undefined)
    return text;
  const starts = map.items.map(({ key }) => (isScalar(key) && key.range ? key.range[0] : -1));
  // Anchors have to stand before what refers to them; such a document stays as it is.
  if (starts.includes(-1) || /(?:^|\s)[&*][\w-]+/.test(text.slice(map.range[0], map.range[1]))) return text;
  const keys = map.items.map(({ key }) => String((key as { value: unknown }).value));
  const wanted = orderOf(keys);
  if (wanted.every((key, index) => key === keys[index])) return text;
  const lineStart = (offset: number) => text.lastIndexOf("\n", offset - 1) + 1;
  const cuts = starts.map((offset, index) => (index === 0 ? lineStart(offset) : withComments(text, lineStart(offset))));
  const end = endOf(text, map.range[1], range[1]);
  const pieces = new Map(
    keys.map((key, index) => {
      const piece = text.slice(cuts[index], cuts[index + 1] ?? end);
      return [key, piece.endsWith("\n") ? piece : `${piece}\n`] as const;
    }),
  );
  if (pieces.size !== keys.length) return text;
  return text.slice(0, cuts[0]) + wanted.map((key) => pieces.get(key) ?? "").join("") + text.slice(end);
}

/** Back over the comment lines that stand directly before. */
function withComments(text: string, start: number): number {
  let at = start;
  for (;;) {
    const before = text.lastIndexOf("\n", at - 2) + 1;
    if (at === 0 || !/^#/.test(text.slice(before, at))) return at;
    at = before;
  }
}

/** The end of the last member's last line. */
function endOf(text: string, end: number, most: number): number {
  if (text[end - 1] === "\n") return end;
  const next = text.indexOf("\n", end);
  return next === -1 || next + 1 > most ? Math.max(end, next === -1 ? text.length : next + 1) : next + 1;
}
