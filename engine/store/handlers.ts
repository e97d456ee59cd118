/** Puts the write families together on one connection. */
import { createAccept } from "./accept.ts";
import { createAlertHandlers } from "./alerts.ts";
import { createApply } from "./apply.ts";
import type { Handlers } from "./calls.ts";
import type { Db } from "./connection.ts";
import { createDeadLetterHandlers } from "./dead-letters.ts";
import { createDeliveryHandlers } from "./deliveries.ts";
import { createEditHandlers } from "./edits.ts";
import { createEraseHandlers } from "./erase.ts";
import { createFetchHandlers } from "./fetches.ts";
import { createLanes } from "./lanes.ts";
import { createLearnedHandlers } from "./learned.ts";
import { createAuditWriter, createOperateHandlers } from "./operate.ts";
import { createPurge } from "./purge.ts";
import { createReplay } from "./replay.ts";
import { createTakeRevision } from "./take-revision.ts";

/** All write handlers of a connection; statements are prepared once, here. */
export function createHandlers(db: Db): Handlers {
  const lanes = createLanes(db);
  const operate = createOperateHandlers(db);
  return {
    accept: createAccept(db),
    apply: createApply(db, lanes),
    ...createFetchHandlers(db),
    ...createDeliveryHandlers(db, lanes),
    ...createDeadLetterHandlers(db, lanes),
    ...createEditHandlers(db),
    ...operate,
    takeRevision: createTakeRevision(db, { audits: createAuditWriter(db), save: operate.saveRevision }),
    replay: createReplay(db),
    ...createEraseHandlers(db, lanes),
    purge: createPurge(db),
    ...createLearnedHandlers(db),
    ...createAlertHandlers(db),
  };
}
