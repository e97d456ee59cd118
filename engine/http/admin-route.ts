/** What a route of the admin API is: its path, the right it asks for, and what it answers. */
import type { Json } from "../core/types.ts";
import type { Right } from "./admin-guard.ts";

export interface Call {
  readonly params: readonly string[];
  readonly query: URLSearchParams;
  readonly body: { readonly [key: string]: Json };
  readonly actor: string;
}

/** Text that is no JSON. */
export interface Page {
  /** Its media type. */
  readonly type: string;
  readonly text: string;
}

/** `undefined` as document, and no page: 404. */
export interface Answer {
  readonly status?: number;
  readonly document: object | undefined;
  /** Instead of a document. */
  readonly page?: Page;
}

export interface Route<Deps> {
  readonly method: "GET" | "POST";
  readonly path: RegExp;
  /** Absent: `read`. */
  readonly right?: (params: readonly string[]) => Right;
  /** Over the socket only, since it names files of this machine. */
  readonly local?: true;
  /** Of the request's body, where more than 64 KiB are meant. */
  readonly maxBytes?: number;
  readonly run: (call: Call, deps: Deps) => Promise<Answer> | Answer;
}
