/** Reading a request's body: raw, bounded, at most one content coding undone. */
import type { IncomingMessage } from "node:http";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import type { Refusal } from "./reply.ts";

/** `gone`: the client left or was cut off; there is nobody to answer. */
export type BodyResult =
  | { readonly kind: "body"; readonly body: Uint8Array }
  | { readonly kind: "refused"; readonly refusal: Refusal }
  | { readonly kind: "gone" };

export type Coding = "identity" | "gzip" | "deflate" | "br";

const EMPTY = new Uint8Array(0);

/** The one coding named by a `content-encoding` header; undefined for chains and codings not known (RFC 9110, 8.4.1). */
export function parseCoding(header: string | undefined): Coding | undefined {
  const name = header?.trim().toLowerCase();
  if (name === undefined || name === "" || name === "identity") return "identity";
  if (name === "gzip" || name === "x-gzip") return "gzip";
  if (name === "deflate" || name === "br") return name;
  return undefined;
}

const ignore = () => {};

/** Collects the body; stops at `maxBytes` + 1. Never rejects. */
export function readBody(req: IncomingMessage, maxBytes: number): Promise<BodyResult> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    // A flag in place of taking the listeners off: this runs for every request.
    let refused = false;
    req.on("data", (chunk: Buffer) => {
      if (refused) return;
      size += chunk.length;
      if (size <= maxBytes) {
        chunks.push(chunk);
        return;
      }
      refused = true;
      req.pause();
      resolve({ kind: "refused", refusal: "too_large" });
    });
    req.on("end", () => {
      const [first] = chunks;
      const body = first === undefined ? EMPTY : chunks.length === 1 ? first : Buffer.concat(chunks, size);
      resolve({ kind: "body", body });
    });
    // After `end` this comes too, and changes nothing: the promise is settled.
    req.on("close", () => resolve({ kind: "gone" }));
    // A reset shows as `error` and then `close`; without a listener it would be thrown.
    req.on("error", ignore);
  });
}

/** Undoes one coding, giving up as soon as more than `maxBytes` have come out: a bomb costs no more than a body. */
export function inflateBody(
  body: Uint8Array,
  coding: Exclude<Coding, "identity">,
  maxBytes: number,
): Promise<BodyResult> {
  const stream = coding === "gzip" ? createGunzip() : coding === "deflate" ? createInflate() : createBrotliDecompress();
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const settle = (result: BodyResult) => {
      resolve(result);
      stream.destroy();
    };
    stream.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxBytes) settle({ kind: "refused", refusal: "too_large" });
      else chunks.push(chunk);
    });
    stream.on("end", () => settle({ kind: "body", body: Buffer.concat(chunks, size) }));
    stream.on("error", () => settle({ kind: "refused", refusal: "coding_broken" }));
    stream.end(body);
  });
}
