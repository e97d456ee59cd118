/** What was signed in an accepted request, for people: the parts, their lengths, a digest of the whole; never a secret. */
import { createHash } from "node:crypto";
import type { RawRequest } from "../core/types.ts";
import type { VerifyContext } from "./context.ts";
import { readTimestamp } from "./freshness.ts";
import { itemReadings } from "./items.ts";
import type { Verdict } from "./model.ts";
import { readingOf } from "./parse.ts";
import type { Reading } from "./reading.ts";
import type { Recipe } from "./recipe.ts";
import { buildMessage, type Chunk, type Env } from "./render.ts";
import { type MessagePart, readsSecret, type SchemeModel } from "./scheme.ts";
import { findSignatures } from "./signature.ts";

/** One piece of the message. `bytes` is absent for the secret itself. */
export interface SignedPart {
  readonly part: string;
  readonly bytes?: number;
}

export interface SignedMessage {
  readonly parts: readonly SignedPart[];
  readonly bytes?: number;
  /** SHA-256 of the message, hex; absent where the secret is part of it. */
  readonly sha256?: string;
}

/** One message, or one for each item of a batch; none where the scheme signs nothing. */
export function explainSigned(
  recipe: Recipe,
  request: RawRequest,
  context: Pick<VerifyContext, "params">,
  verdict: Extract<Verdict, { ok: true }>,
): readonly SignedMessage[] {
  const scheme = recipe.verify[verdict.entry];
  if (scheme === undefined || scheme.scheme === "none" || scheme.scheme === "token" || scheme.scheme === "basic")
    return [];
  const whole = readingOf(recipe, request, recipe.verifyPaths);
  const readings = scheme.perItem === undefined ? [whole] : (itemReadings(request, scheme.perItem) ?? []);
  return readings.map((reading) => messageOf(scheme, reading, context));
}

function messageOf(scheme: SchemeModel, reading: Reading, { params }: Pick<VerifyContext, "params">): SignedMessage {
  const base: Env = { reading, params };
  const found = findSignatures(scheme, base);
  const parts = found.ok ? found.parts : new Map<string, string>();
  if (scheme.scheme === "jwt") return tokenOf(found.ok ? (found.candidates[0] ?? "") : "");
  const stamp = readTimestamp(scheme, { ...base, parts });
  const env: Env = { ...base, parts, timestamp: stamp.ok ? stamp.text : undefined, secret: "" };
  const pieces = scheme.message.flatMap((part) => piecesOf(part, env));
  const message = buildMessage(scheme.message, env);
  const told = { parts: pieces };
  if (!message.ok || readsSecret(scheme.message)) return told;
  const bytes = Buffer.concat(message.chunks.map((chunk) => Buffer.from(chunk)));
  return { ...told, bytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
}

function piecesOf(part: MessagePart, env: Env): readonly SignedPart[] {
  if (part.kind !== "template") return [{ part: part.kind, bytes: sizeOf(part, env) }];
  return part.template.map((piece) => {
    if (typeof piece === "string") return { part: JSON.stringify(piece), bytes: Buffer.byteLength(piece) };
    if (piece.ref.kind === "secret") return { part: piece.text };
    return { part: piece.text, bytes: sizeOf({ kind: "template", template: [piece] }, env) };
  });
}

function sizeOf(part: MessagePart, env: Env): number {
  const message = buildMessage([part], env);
  const size = (chunk: Chunk) => (typeof chunk === "string" ? Buffer.byteLength(chunk) : chunk.length);
  return message.ok ? message.chunks.reduce((sum, chunk) => sum + size(chunk), 0) : 0;
}

/** RFC 7515, section 5.1: the header and the payload, as they stand in the token. */
function tokenOf(candidate: string): SignedMessage {
  const [header = "", payload = ""] = candidate.replace(/^bearer +/i, "").split(".");
  const text = `${header}.${payload}`;
  const parts = [
    { part: "token header", bytes: header.length },
    { part: '"."', bytes: 1 },
    { part: "token payload", bytes: payload.length },
  ];
  return { parts, bytes: text.length, sha256: createHash("sha256").update(text).digest("hex") };
}
