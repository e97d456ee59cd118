/** What a route of the admin API is: its path, the right it asks for, what it takes and gives, and what it answers. */
import type { Readable } from "node:stream";
import type { TSchema } from "typebox";
import type { Json } from "../core/types.ts";
import type { AdminRequest, Right } from "./admin-guard.ts";

export interface Call {
  readonly params: readonly string[];
  readonly query: URLSearchParams;
  readonly body: { readonly [key: string]: Json };
  readonly actor: string;
  readonly role: string;
  readonly may: (right: Right) => boolean;
  readonly request: AdminRequest;
  /** Asked again later, while an answer goes on: a token may end, or lose its right. */
  readonly stillMay: () => boolean;
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
  /** Instead of a document: server-sent events, until the reader or the engine ends them. */
  readonly stream?: Readable;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What the OpenAPI document says of a route. */
export interface Operation {
  /** Its `operationId`, camelCase. */
  readonly id: string;
  readonly summary: string;
  /** Query parameters by name; all may be left out. */
  readonly query?: Readonly<Record<string, TSchema>>;
  readonly body?: TSchema;
  /** Of the 200; `format_version` comes on top. A text is the media type of a page. */
  readonly answer: TSchema | string;
  /** Statuses with a meaning of their own, besides those of every route. */
  readonly statuses?: Readonly<Record<number, string>>;
}

export interface Route<Deps> extends Operation {
  readonly method: "GET" | "POST" | "DELETE";
  /** `/api/v1/events/{id}`; the parameters come in this order. */
  readonly path: string;
  readonly right: Right;
  /** Over the socket only, since it names files of this machine. */
  readonly local?: true;
  /** Of the request's body, where more than 64 KiB are meant. */
  readonly maxBytes?: number;
  readonly run: (call: Call, deps: Deps) => Promise<Answer> | Answer;
}

/** A route and the values of its parameters, as they stand in the path. */
export interface Match<Deps> {
  readonly route: Route<Deps>;
  readonly params: readonly string[];
}

/** Looks up routes by path; of several methods the caller chooses. */
export function createRouter<Deps>(routes: readonly Route<Deps>[]): (path: string) => readonly Match<Deps>[] {
  const compiled = routes.map((route) => ({ route, pattern: patternOf(route.path) }));
  return (path) =>
    compiled.flatMap(({ route, pattern }) => {
      const found = pattern.exec(path);
      return found === null ? [] : [{ route, params: found.slice(1) }];
    });
}

function patternOf(path: string): RegExp {
  const source = path.replace(/[.]/g, "\\.").replace(/\{\w+\}/g, "([^/]+)");
  return new RegExp(`^${source}$`);
}
