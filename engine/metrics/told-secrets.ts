/** How many secrets that providers told us wait for a person, by source. */
import type { Revision } from "../config/revision.ts";
import type { LearnedSecret } from "../store/store.ts";
import type { Metrics } from "./registry.ts";

export function setToldSecrets(
  { secretsWaiting }: Metrics,
  secrets: readonly LearnedSecret[],
  revision: Revision,
): void {
  secretsWaiting.reset();
  for (const source of revision.sources.keys()) secretsWaiting.set({ source }, 0);
  for (const { source, status } of secrets)
    if (status === "pending" && revision.sources.has(source)) secretsWaiting.inc({ source });
}
