/** Values that must appear in no output, and every shape they may hide in. */

export interface Leak {
  readonly place: string;
  readonly canary: string;
  readonly shape: string;
}

/** Base64 of text that may stand anywhere in a longer one: each of the three offsets gives other letters; only what depends on the text alone is looked for. */
function base64Cores(text: string): string[] {
  return [0, 1, 2].map((offset) => {
    const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(text)]);
    const start = Math.ceil((offset * 8) / 6);
    const end = Math.floor((bytes.length * 8) / 6);
    return bytes.toString("base64").slice(start, end);
  });
}

function shapesOf(text: string): readonly (readonly [string, string])[] {
  const hex = Buffer.from(text).toString("hex");
  const cores = base64Cores(text);
  const shapes: (readonly [string, string])[] = [
    ["as it is", text],
    ["reversed", [...text].reverse().join("")],
    ["hex", hex],
    ["HEX", hex.toUpperCase()],
    ["percent-encoded", encodeURIComponent(text)],
    ["JSON", JSON.stringify(text).slice(1, -1)],
    ...cores.map((core) => ["base64", core] as const),
    ...cores.map((core) => ["base64url", core.replaceAll("+", "-").replaceAll("/", "_")] as const),
  ];
  return shapes.filter(([, shape]) => shape.length >= 8);
}

/** Looks for each canary in each place, whatever its case: log collectors and shells fold it. */
export function findLeaks(
  places: ReadonlyMap<string, string>,
  canaries: Readonly<Record<string, string>>,
): readonly Leak[] {
  const wanted = Object.entries(canaries).flatMap(([canary, text]) =>
    shapesOf(text).map(([shape, look]) => ({ canary, shape, look })),
  );
  const leaks: Leak[] = [];
  for (const [place, text] of places) {
    const folded = text.toLowerCase();
    for (const { canary, shape, look } of wanted) {
      const isEncoded = shape.startsWith("base64");
      if (isEncoded ? text.includes(look) : folded.includes(look.toLowerCase())) leaks.push({ place, canary, shape });
    }
  }
  return leaks;
}
