/** Strict text encodings and comparisons that take the same time whatever they are given. */
import { createHash, timingSafeEqual } from "node:crypto";

/** Bytes of hex in either case; undefined for anything else. */
export function decodeHex(text: string): Buffer | undefined {
  return text.length % 2 === 0 && /^[0-9a-fA-F]+$/.test(text) ? Buffer.from(text, "hex") : undefined;
}

/** Bytes of canonical base64: the right alphabet, padding, and no stray bits. */
export function decodeBase64(text: string): Buffer | undefined {
  if (text === "" || text.length % 4 !== 0) return undefined;
  const bytes = Buffer.from(text, "base64");
  return bytes.toString("base64") === text ? bytes : undefined;
}

/** Bytes of base64 in lines, as MIME writes it. */
export function decodeBase64Text(text: string): Buffer | undefined {
  return decodeBase64(text.replace(/[\r\n]+/g, ""));
}

/** Bytes of base64url; padding may be there. */
export function decodeBase64Url(text: string): Buffer | undefined {
  const bare = text.replace(/={1,2}$/, "");
  if (bare === "") return undefined;
  const bytes = Buffer.from(bare, "base64url");
  return bytes.toString("base64url") === bare ? bytes : undefined;
}

/**
 * Whether a candidate equals the expected digest. A candidate of another length is compared too, as zeros, so
 * that its refusal takes no less work.
 */
export function equalsDigest(expected: Buffer, candidate: Buffer | undefined): boolean {
  const fits = candidate !== undefined && candidate.length === expected.length;
  return timingSafeEqual(expected, fits ? candidate : Buffer.alloc(expected.length)) && fits;
}

/** Whether two texts are the same: by their digests, so that neither length nor common start shows in the time. */
export function equalsText(a: string | Uint8Array, b: string | Uint8Array): boolean {
  return timingSafeEqual(createHash("sha256").update(a).digest(), createHash("sha256").update(b).digest());
}
