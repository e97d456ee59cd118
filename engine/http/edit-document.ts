/** What a correction of a dead letter would come to, or came to, as JSON: places and mapped values, never the body. */
import type { EditPlan, ForeseenEdit } from "../flow/edit.ts";
import { deadLetterDocument, type Sensitivity, shownChange, shownDetail } from "./documents.ts";

export function editDocument({ letter, event, edit, turns }: EditPlan, sensitive: Sensitivity) {
  return {
    dead_letter: deadLetterDocument(letter, sensitive),
    type: event.type,
    paths: [...edit.paths],
    before_sha256: edit.beforeHash,
    after_sha256: edit.afterHash,
    turns: turns.map((turn) => turnDocument(turn, sensitive)),
  };
}

function turnDocument({ reason, detail, rule, history, ...turn }: ForeseenEdit, sensitive: Sensitivity) {
  return {
    ...turn,
    reason: reason === undefined ? null : sensitive.text(reason),
    rule: rule ?? null,
    detail: detail === undefined ? null : shownDetail(detail, sensitive),
    changes: history.map((row) => shownChange(row, sensitive)),
  };
}
