/** The OpenAPI document of the admin API, made from its routes: what is served is what is described. */
import type { TSchema } from "typebox";
import type { Route } from "./admin-route.ts";
import { shape, text } from "./admin-shapes.ts";

type Described = Pick<
  Route<never>,
  "id" | "summary" | "method" | "path" | "right" | "query" | "body" | "answer" | "statuses" | "local"
>;

const ERROR = shape({
  format_version: text(),
  error: text("What was wrong, in words."),
  request_id: text("Quote it: the log has it too."),
});

/** OpenAPI 3.1. */
export function openApiDocument(routes: readonly Described[], version: string) {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const path = paths[route.path] ?? {};
    path[route.method.toLowerCase()] = operationOf(route);
    paths[route.path] = path;
  }
  return {
    openapi: "3.1.1",
    info: {
      title: "Hookrail admin API",
      version,
      summary: "What came in and what became of it, how the engine is, and what a person may do.",
    },
    security: [{ token: [] }, { session: [] }],
    paths,
    components: {
      securitySchemes: {
        token: { type: "http", scheme: "bearer", description: "A token of `admin.tokens`." },
        session: {
          type: "apiKey",
          in: "cookie",
          name: "hookrail_session",
          description: "Of a browser that signed in.",
        },
      },
      schemas: { Error: ERROR },
    },
  };
}

function operationOf({ id, summary, path, right, query = {}, body, answer, statuses = {}, local }: Described) {
  const parameters = [
    ...[...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({ name, in: "path", required: true, schema: text() })),
    ...Object.entries(query).map(([name, schema]) => ({ name, in: "query", required: false, schema })),
  ];
  return {
    operationId: id,
    summary,
    "x-right": right,
    ...(local === true && { description: "Over the socket beside the store only." }),
    ...(right === "nothing" && { security: [] }),
    ...(parameters.length > 0 && { parameters }),
    ...(body !== undefined && { requestBody: { required: true, content: { "application/json": { schema: body } } } }),
    responses: {
      200: { description: "Done.", content: contentOf(answer) },
      ...Object.fromEntries(Object.entries(statuses).map(([status, description]) => [status, { description }])),
      ...Object.fromEntries(
        errorsOf({ path, right, body, query }).map(([status, description]) => [status, failure(description)]),
      ),
    },
  };
}

/** The answer's schema with what every answer carries. */
export function answerSchema(answer: TSchema): TSchema {
  const { properties = {}, required = [] } = answer as { properties?: object; required?: readonly string[] };
  return {
    ...answer,
    properties: { format_version: { type: "string", enum: ["1.0"] }, ...properties },
    required: ["format_version", ...required],
  } as TSchema;
}

const contentOf = (answer: TSchema | string) =>
  typeof answer === "string" ? { [answer]: {} } : { "application/json": { schema: answerSchema(answer) } };

interface Asking extends Pick<Described, "path" | "right"> {
  readonly body: TSchema | undefined;
  readonly query: object;
}

const failure = (description: string) => ({
  description,
  content: { "application/json": { schema: { $ref: "#/components/schemas/Error" } } },
});

function errorsOf({ path, right, body, query }: Asking): readonly (readonly [number, string])[] {
  // Signing in is open, and looks at a token all the same.
  const isOpen = right === "nothing" && body === undefined;
  const asks = body !== undefined || Object.keys(query).length > 0 || path.includes("{");
  return [
    ...(asks ? ([[400, "The request can not be read; `error` says why."]] as const) : []),
    ...(isOpen ? [] : ([[401, "A token is needed, or this one is not known."]] as const)),
    [403, "The token may not do this, or the request comes from another site."],
    // A name may come in the query too: that of a runbook.
    ...(path.includes("{") || body !== undefined || "path" in query
      ? ([[404, "There is none of that name, or it is closed already."]] as const)
      : []),
    ...(body === undefined ? [] : ([[415, "The body is not sent as application/json."]] as const)),
    ...(isOpen ? [] : ([[429, "Too many wrong tokens from there; `Retry-After` says how long."]] as const)),
  ];
}
