/** What verification works with besides the request, and what its steps hand to one another. */
import type { X509Certificate } from "node:crypto";
import type { Secret } from "../core/secret.ts";
import type { FetchKey } from "./key.ts";
import type { SourceSecret, Verdict } from "./model.ts";
import type { Env } from "./render.ts";

/** What a source brings to verification. */
export interface VerifyContext {
  readonly secrets: readonly SourceSecret[];
  readonly params: Readonly<Record<string, string | Secret>>;
  /** Wall clock, ms since the epoch. */
  readonly now: number;
  /** For certificates, key sets and learned secrets; without it such schemes answer `key_unavailable`. */
  readonly fetchKey?: FetchKey;
  /** Authorities that fetched certificates may lead up to; default: the public ones. */
  readonly roots?: readonly X509Certificate[] | undefined;
}

export type Refusal = Extract<Verdict, { readonly ok: false }>;

/** A key as text, and which secret it is. */
export interface KeyText {
  readonly index: number;
  readonly text: string;
}

/** Which secret matched (1-based; 0 for a key that is not one of the secrets), and the claims of a token. */
export type Match =
  | { readonly ok: true; readonly secretIndex: number; readonly claims?: Readonly<Record<string, unknown>> }
  | Refusal;

/** The signatures found in one request, on their way to the keys. */
export interface MatchInput {
  readonly env: Env;
  readonly candidates: readonly string[];
  readonly context: VerifyContext;
}
