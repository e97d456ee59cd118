/** Collects the body of an answer: bounded, and inflated while it comes in. */
import { constants, createBrotliDecompress, createGunzip, createInflate, type Gunzip } from "node:zlib";

/** Takes a body as it comes. */
export interface BodyCollector {
  write(chunk: Uint8Array): void;
  end(): Promise<{ readonly text: string; readonly truncated: boolean }>;
  text(): string;
}

/** Collects a body up to a bound, inflating one layer of compression; more layers are not read at all. */
export function createCollector(
  encoding: string | undefined,
  { maxBytes, binary = false }: { readonly maxBytes: number; readonly binary?: boolean },
  onOverflow: () => void,
): BodyCollector {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const keep = (chunk: Uint8Array) => {
    const room = maxBytes - size;
    if (room > 0) chunks.push(chunk.subarray(0, room));
    size += chunk.length;
    if (size > maxBytes) onOverflow();
  };
  const text = () => {
    const bytes = Buffer.concat(chunks);
    return binary ? bytes.toString("latin1") : new TextDecoder().decode(bytes);
  };
  const layer = (encoding ?? "identity").trim().toLowerCase();
  if (layer === "identity" || layer === "") {
    return { write: keep, end: async () => ({ text: text(), truncated: size > maxBytes }), text };
  }
  const inflate = inflaterFor(layer);
  if (inflate === undefined)
    return { write: () => {}, end: async () => ({ text: "", truncated: true }), text: () => "" };
  return { ...inflating(inflate, { keep, full: () => size > maxBytes, text }), text };
}

type Inflating = Pick<BodyCollector, "write" | "end">;

interface InflatingDeps {
  readonly keep: (chunk: Uint8Array) => void;
  readonly full: () => boolean;
  readonly text: () => string;
}

/** Feeds a decompressor; it is destroyed as soon as it has given enough, however much is still in it. */
function inflating(inflate: Gunzip, { keep, full, text }: InflatingDeps): Inflating {
  let broken = false;
  inflate.on("data", (chunk: Uint8Array) => {
    keep(chunk);
    if (full()) inflate.destroy();
  });
  inflate.on("error", () => {
    broken = true;
  });
  return {
    write: (chunk) => {
      if (!inflate.destroyed) inflate.write(chunk);
    },
    end: () =>
      new Promise((resolve) => {
        const settle = () => resolve({ text: text(), truncated: broken || full() });
        if (inflate.destroyed) return settle();
        inflate.once("close", settle);
        inflate.end();
      }),
  };
}

function inflaterFor(encoding: string): Gunzip | undefined {
  const options = { finishFlush: constants.Z_SYNC_FLUSH };
  if (encoding === "gzip" || encoding === "x-gzip") return createGunzip(options);
  if (encoding === "deflate") return createInflate(options);
  return encoding === "br" ? createBrotliDecompress() : undefined;
}
