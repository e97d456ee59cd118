/** The route of the admin API that corrects the body of a dead letter; unless `dry_run` is false it only says what would come of it. */
import { Type } from "typebox";
import { fail } from "../core/errors.ts";
import type { Edits } from "../flow/edit.ts";
import type { StoreReader } from "../store/store.ts";
import { neededReasonOf } from "./admin-events.ts";
import type { Answer, Call, Route } from "./admin-route.ts";
import { deadLetterShape, list, orNull, reasonMember, shape, text, words } from "./admin-shapes.ts";
import type { Sensitivity } from "./documents.ts";
import { editDocument } from "./edit-document.ts";

export interface DeadEditDeps {
  readonly reader: StoreReader;
  readonly edits: Edits;
  readonly sensitivity: () => Sensitivity;
}

/** Escapes in JSON make a body longer; what a source takes is judged by its own limit. */
const MAX_BODY_BYTES = 64 * 1024 * 1024;

export const DEAD_EDIT_ROUTES: readonly Route<DeadEditDeps>[] = [
  {
    id: "editDeadLetter",
    summary:
      "Gives the event of a dead letter a corrected body and another turn; unless `dry_run` is false it only says what would come of it",
    method: "POST",
    path: "/api/v1/dead-letters/{id}/edit",
    right: "edit",
    maxBytes: MAX_BODY_BYTES,
    body: shape({
      body: text("The corrected body, as text in the form the source takes; of a batch the one event, as JSON."),
      reason: Type.Optional(reasonMember),
      dry_run: Type.Optional(Type.Boolean({ description: "Default: true. A reason is needed where it is false." })),
    }),
    answer: shape({
      dry_run: Type.Boolean(),
      dead_letter: deadLetterShape,
      type: text("Of the event, as it will be read."),
      paths: list(text("A place that was changed.")),
      before_sha256: text(),
      after_sha256: text(),
      turns: list(
        shape({
          pipeline: text(),
          status: words(["applied", "skipped", "held", "dead", "fetch"]),
          reason: orNull(text()),
          rule: orNull(text()),
          detail: orNull(Type.Object({}, { description: "The mapping, row by row." })),
          changes: list(Type.Object({}, { description: "What would be written." })),
        }),
      ),
    }),
    statuses: { 400: "The body can not be taken, or the dead letter can not be edited." },
    run: editOne,
  },
];

async function editOne({ params: [letter = ""], body, actor }: Call, deps: DeadEditDeps): Promise<Answer> {
  const { body: given, dry_run: dry = true } = body;
  if (typeof given !== "string") return fail("HK8018", { problem: "body must be the corrected body, as text" });
  if (typeof dry !== "boolean") return fail("HK8018", { problem: "dry_run must be true or false" });
  if ((await deps.reader.deadLetter(letter)) === undefined) return { document: undefined };
  const correcting = { letter, body: Buffer.from(given) };
  const planned = dry
    ? await deps.edits.plan(correcting)
    : await deps.edits.edit(correcting, { actor, reason: neededReasonOf(body, "an edit") });
  return { document: { dry_run: dry, ...editDocument(planned, deps.sensitivity()) } };
}
