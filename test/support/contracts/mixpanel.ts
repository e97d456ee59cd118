/** Mixpanel's Ingestion API: bodies judged by its own OpenAPI document (test/fixtures/openapi/mixpanel). */
import { readFileSync } from "node:fs";
import type { Json } from "../../../engine/core/types.ts";
import { basic, type Contract, merge, unset } from "../contract-service.ts";

interface Operation {
  readonly post: {
    readonly requestBody: {
      readonly content: { readonly "application/json": { readonly schema: { readonly items: object } } };
    };
  };
}
const published: { readonly paths: Readonly<Record<string, Operation>> } = JSON.parse(
  readFileSync(new URL("../../fixtures/openapi/mixpanel/ingestion.json", import.meta.url), "utf8"),
);
const schemaOf = (path: string) => {
  const operation = published.paths[path];
  if (operation === undefined) throw new Error(`no ${path}`);
  return operation.post.requestBody.content["application/json"].schema;
};
/** A batch update is a list of updates, each as its own operation has it. */
const updates = ["/engage#profile-set", "/engage#profile-unset", "/engage#profile-delete"].map(
  (path) => schemaOf(path).items,
);

interface Update {
  readonly $token: string;
  readonly $distinct_id: string;
  readonly $set?: Record<string, Json>;
  readonly $unset?: readonly string[];
  readonly $delete?: string;
}
interface Event {
  readonly event: string;
  readonly properties: { readonly $insert_id: string; readonly distinct_id: string };
}
/** Of the ids that Mixpanel takes for a mistake. */
const NOBODY = ["anonymous", "nil", "none", "null", "n/a"];

export const mixpanelContract: Contract = {
  authorized: ({ path, headers }) => path !== "/import" || headers["authorization"] === basic("mp-token"),
  unauthorized: { status: 401, body: { code: 401, error: "Invalid credentials", status: "Unauthorized" } },
  refused: (why, { path }) =>
    path === "/engage"
      ? { status: 200, body: { status: 0, error: why } }
      : { status: 400, body: { code: 400, error: why, status: "Bad Request" } },
  routes: [
    {
      method: "POST",
      path: /^\/engage$/,
      body: { type: "array", minItems: 1, maxItems: 2000, items: { oneOf: updates } },
      also: ({ query }) => (query.get("verbose") === "1" ? undefined : "no verbose=1: the answer could not be read"),
      act: ({ body }, records) => {
        for (const { $distinct_id, $set, $unset, $delete } of body as unknown as readonly Update[]) {
          if ($set !== undefined) merge(records, $distinct_id, $set);
          if ($unset !== undefined) unset(records, $distinct_id, $unset);
          if ($delete !== undefined) records.delete($distinct_id);
        }
        return { status: 200, body: { status: 1, error: null } };
      },
    },
    {
      method: "POST",
      path: /^\/import$/,
      body: schemaOf("/import"),
      also: ({ query }) => (query.get("strict") === "1" ? undefined : "no strict"),
      act: ({ body }, records) => {
        const failed: object[] = [];
        const events = body as unknown as readonly Event[];
        for (const [index, { event, properties }] of events.entries()) {
          const { distinct_id, $insert_id } = properties;
          if (NOBODY.includes(distinct_id))
            failed.push({
              index,
              insert_id: $insert_id,
              field: "properties.distinct_id",
              message: `'${distinct_id}' is invalid`,
            });
          else records.set($insert_id, { event });
        }
        const counts = { num_records_imported: events.length - failed.length };
        if (failed.length === 0) return { status: 200, body: { code: 200, ...counts, status: "OK" } };
        const error = "some data points in the request failed validation";
        return { status: 400, body: { code: 400, error, status: "Bad Request", ...counts, failed_records: failed } };
      },
    },
  ],
};
