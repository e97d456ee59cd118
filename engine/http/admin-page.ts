/** docs/reference/admin-api.md, made from the routes. */
import type { TSchema } from "typebox";
import { ADMIN_ROUTES } from "./admin.ts";
import type { Right } from "./admin-guard.ts";
import { BUILT_IN_ROLES } from "./admin-guard.ts";
import { openApiDocument } from "./admin-openapi.ts";

/** The document as a file, for tools that make clients: the version stands for that of the API. */
export function openApiText(version: string): string {
  return `${JSON.stringify(openApiDocument(ADMIN_ROUTES, version), undefined, 1)}\n`;
}

export function adminApiMarkdown(): string {
  const table = ADMIN_ROUTES.map(
    ({ method, path, right, summary }) => `| \`${method} ${path}\` | ${rolesOf(right)} | ${summary} |`,
  );
  const bodies = ADMIN_ROUTES.filter((route) => route.body !== undefined || route.query !== undefined).map(
    ({ method, path, query = {}, body, summary }) => {
      const members = {
        ...query,
        ...((body as { properties?: Record<string, TSchema> } | undefined)?.properties ?? {}),
      };
      const needed = new Set((body as { required?: readonly string[] } | undefined)?.required ?? []);
      const rows = Object.entries(members).map(
        ([name, schema]) =>
          `| \`${name}\`${needed.has(name) ? "" : " (may be left out)"} | ${typeOf(schema)} | ${about(schema)} |`,
      );
      const where = body === undefined ? "query parameter" : "field of the body";
      const head = rows.length === 0 ? "The body is `{}`." : `| ${where} | type | |\n|---|---|---|\n${rows.join("\n")}`;
      return `### ${method} ${path}\n\n${summary}.\n\n${head}`;
    },
  );
  return `${HEAD}\n\n| call | who may | what |\n|---|---|---|\n${table.join("\n")}\n\n## What calls take\n\n${bodies.join("\n\n")}\n`;
}

const HEAD = `# Admin API

<!-- Made by \`npm run gen\`; do not edit. -->

Served on the admin listener (\`http://127.0.0.1:8081\` by default). [Access](../access.md) says who may call it; what each call takes
and gives is in the OpenAPI 3.1 document, served as \`/api/v1/openapi.json\` and kept here as [admin-api.json](admin-api.json).

- A token goes into \`Authorization: Bearer …\`. What changes something is sent as \`application/json\`.
- Every answer carries \`format_version\`; a number in front of the dot that is new means that something was taken away.
- What went wrong has a status of 400 or more, and \`{ error, request_id }\`; the log has the same id.

\`\`\`console
$ curl -H "Authorization: Bearer $HOOKRAIL_TOKEN" https://ops.example.com:8081/api/v1/dead-letters
\`\`\``;

function rolesOf(right: Right): string {
  if (right === "nothing") return "everybody";
  const roles = Object.entries(BUILT_IN_ROLES).filter(([, rights]) => rights.includes(right));
  return `${roles[0]?.[0] ?? "nobody"} (\`${right}\`)`;
}

interface Plain {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly items?: TSchema;
  readonly description?: string;
}

function typeOf(schema: TSchema): string {
  const { type, enum: names, items } = schema as Plain;
  if (names !== undefined) return names.map((name) => `\`${name}\``).join(", ");
  return type === "array" && items !== undefined ? `list of ${typeOf(items)}` : (type ?? "any");
}

const about = (schema: TSchema) => (schema as Plain).description ?? "";
