/** Puts the write families together on one connection. */
import { createAccept } from "./accept.ts";
import { createApply } from "./apply.ts";
import type { Handlers } from "./calls.ts";
import type { Db } from "./connection.ts";
import { createDeadLetterHandlers } from "./dead-letters.ts";
import { createDeliveryHandlers } from "./deliveries.ts";
import { createLanes } from "./lanes.ts";
import { createOperateHandlers } from "./operate.ts";
import { createPurge } from "./purge.ts";

/** All write handlers of a connection; statements are prepared once, here. */
export function createHandlers(db: Db): Handlers {
  const lanes = createLanes(db);
  return {
    accept: createAccept(db),
    apply: createApply(db, lanes),
    ...createDeliveryHandlers(db, lanes),
    ...createDeadLetterHandlers(db, lanes),
    ...createOperateHandlers(db),
    purge: createPurge(db),
  };
}
