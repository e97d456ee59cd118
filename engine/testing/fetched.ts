/** What rules fetch in tests: objects the author declared, and the same objects with one field missing or of another kind. */

import type { PipelineModel } from "../config/revision.ts";
import type { DeclaredObjects, TestEvent } from "../config/test-model.ts";
import { type ErrorCode, errorMessage } from "../core/errors.ts";
import type { Json } from "../core/types.ts";
import type { Prepared } from "../flow/prepare.ts";
import { readRequest } from "../mapping/fetch.ts";
import { removeAt, setAt } from "../provider/edit.ts";
import type { StoredAnswer } from "../store/store.ts";
import type { Mutation } from "./mutations.ts";
import type { Recorded } from "./recording.ts";

/** Undefined: nothing is declared; null: there is none. */
export function declaredAt(
  objects: DeclaredObjects | undefined,
  at: { readonly connection: string; readonly path: string },
): Json | undefined {
  const paths = objects?.[at.connection];
  return paths !== undefined && Object.hasOwn(paths, at.path) ? paths[at.path] : undefined;
}

/** All that some tests declare: for events that come from no test. */
export function allDeclared(tests: readonly { readonly events: readonly TestEvent[] }[]): DeclaredObjects {
  const all: Record<string, Readonly<Record<string, Json>>> = {};
  for (const { fetched } of tests.flatMap(({ events }) => events))
    for (const [name, paths] of Object.entries(fetched ?? {})) all[name] = { ...all[name], ...paths };
  return all;
}

/** What was fetched when it was recorded, as a test declares it: of the connections that the pipeline asks. */
export function declaredFrom(
  recorded: Pick<Recorded, "fetched">,
  pipeline: PipelineModel,
): DeclaredObjects | undefined {
  const asked = new Set(pipeline.rules.flatMap(({ fetch }) => fetch?.connection ?? []));
  const declared: Record<string, Record<string, Json>> = {};
  for (const { connection, path, body } of recorded.fetched ?? [])
    if (asked.has(connection)) declared[connection] = { [path]: body, ...declared[connection] };
  return Object.keys(declared).length === 0 ? undefined : declared;
}

/** The answer to a GET, or how the turn ends without one. */
export function answerFor(
  wanted: Extract<Prepared, { kind: "fetch" }>,
  objects: DeclaredObjects | undefined,
  at: number,
): StoredAnswer | Extract<Prepared, { kind: "dead" | "skipped" }> {
  const { rule, fetch, request } = wanted;
  const { connection, path } = readRequest(request);
  const object = declaredAt(objects, { connection, path });
  if (object !== undefined && object !== null) return { request, at, body: JSON.stringify(object) };
  if (object === null && fetch.notFound === "skip") return { kind: "skipped", reason: "not_found", rule };
  const code: ErrorCode = object === null ? "HK5351" : "HK5356";
  return { kind: "dead", code, message: errorMessage(code, { connection, path, detail: "declared as null" }), rule };
}

/** The event, where what is fetched for it is changed instead of what it says itself. */
export function onFetched(mutation: Mutation, request: string): Mutation {
  const { connection, path } = readRequest(request);
  return {
    name: `fetched ${mutation.name}`,
    apply(event: TestEvent) {
      const object = declaredAt(event.fetched, { connection, path });
      if (object === undefined) return event;
      const { set, remove } = mutation.apply({ ...event, set: {}, remove: [] });
      let changed = object;
      for (const [place, value] of Object.entries(set)) changed = setAt(changed, place, value);
      for (const place of remove) changed = removeAt(changed, place);
      const paths = { ...event.fetched?.[connection], [path]: changed };
      return { ...event, fetched: { ...event.fetched, [connection]: paths } };
    },
  };
}
