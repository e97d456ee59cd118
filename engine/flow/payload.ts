/** From stored raw bytes to what expressions read: the whole body, and the part below the source's `root:`. */
import type { SourceModel } from "../config/revision.ts";
import type { Json } from "../core/types.ts";
import { parseEdited } from "../provider/edited.ts";
import { parsePayload } from "../provider/parse.ts";
import type { StoredEvent } from "../store/store.ts";

export type Payload =
  | { readonly ok: true; readonly whole: Json; readonly input: Json }
  | { readonly ok: false; readonly code: string; readonly message: string };

/** Parses once for each work item. A `root:` that leads nowhere leaves nothing to read, and the rows' policies say what then. */
export function readPayload(event: StoredEvent, source: SourceModel): Payload {
  const { contentType, body, itemIndex, edited } = event;
  const parsed =
    edited === undefined
      ? parsePayload(source.recipe, { contentType, body, itemIndex })
      : parseEdited(source.recipe, { contentType, body: edited });
  return parsed.ok ? { ok: true, whole: parsed.value, input: below(parsed.value, source.root) } : parsed;
}

function below(value: Json, path: string): Json {
  if (path === "") return value;
  let here: Json | undefined = value;
  for (const name of path.split(".")) {
    here =
      typeof here === "object" && here !== null && !Array.isArray(here) && Object.hasOwn(here, name)
        ? (here as Readonly<Record<string, Json>>)[name]
        : undefined;
  }
  return here ?? {};
}
