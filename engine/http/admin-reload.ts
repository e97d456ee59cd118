/** The admin API's part about reload: ask for one, and what came of the last. */
import { Type } from "typebox";
import type { AuditRow } from "../store/store.ts";
import type { Answer, Call, Route } from "./admin-route.ts";
import { reasonMember, reloadShape, shape } from "./admin-shapes.ts";

export interface ReloadDocument {
  readonly at: string;
  /** `files`, `SIGHUP` or `command`. */
  readonly why: string;
  readonly result: "taken" | "unchanged" | "refused";
  /** At work afterwards. */
  readonly revision: string;
  /** What the files make; null while they make none. */
  readonly file_revision: string | null;
  /** What was moved and dropped, in words. */
  readonly changes: readonly string[];
  readonly error: { readonly code: string; readonly message: string; readonly frames: readonly string[] } | null;
}

export interface ReloadStatus {
  readonly file_revision: string | null;
  /** Null: none since the start. */
  readonly last_reload: ReloadDocument | null;
}

export interface ReloadDeps {
  /** Reads the config again and puts it to work, or says why not. */
  readonly reload: (actor: string) => Promise<ReloadDocument>;
  readonly reloadStatus: () => ReloadStatus;
  readonly audit: (row: AuditRow) => Promise<void>;
  readonly guard: { readonly now: () => number };
}

export const RELOAD_ROUTES: readonly Route<ReloadDeps>[] = [
  {
    id: "reload",
    summary: "Lets the engine take the config as it is now; on any error it goes on with the one it has",
    method: "POST",
    path: "/api/v1/reload",
    right: "reload",
    body: shape({ reason: Type.Optional(reasonMember) }),
    answer: shape({ reload: reloadShape }),
    run: reloadNow,
  },
];

/** Who asked is in the audit whatever came of it: a config that was refused was somebody's too. */
async function reloadNow({ actor, body }: Call, { reload, audit, guard }: ReloadDeps): Promise<Answer> {
  const reason = typeof body["reason"] === "string" ? body["reason"].trim() : "";
  const done = await reload(actor);
  const revision = (done.file_revision ?? done.revision).slice(0, 12);
  const target = done.result === "refused" ? `refused: ${done.error?.code ?? "errors"}` : `${done.result}: ${revision}`;
  await audit({ at: guard.now(), actor, action: "reload", target, reason });
  return { document: { reload: done } };
}
