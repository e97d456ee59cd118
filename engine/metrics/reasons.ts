/** Why a request was refused, as label values: a closed list, so that nothing a sender or a plugin says becomes a series. */
import type { SkipReason } from "../core/types.ts";
import type { IngestOutcome } from "../flow/observer.ts";
import type { RejectReason } from "../provider/model.ts";

const BY_RECIPE: Readonly<Record<RejectReason, true>> = {
  method_not_allowed: true,
  signature_missing: true,
  signature_malformed: true,
  signature_mismatch: true,
  timestamp_missing: true,
  timestamp_malformed: true,
  timestamp_too_old: true,
  timestamp_in_future: true,
  header_missing: true,
  header_repeated: true,
  required_value_mismatch: true,
  token_malformed: true,
  claim_mismatch: true,
  key_unavailable: true,
  key_unreachable: true,
  no_valid_secret: true,
  body_malformed: true,
};

/** Of admission and of handshakes. */
const OTHERS = [
  "network",
  "rate",
  "accept_rate",
  "backlog",
  "busy",
  "secret_not_kept",
  "too_many_secrets",
  "not_confirmed",
];

const KNOWN: ReadonlySet<string> = new Set([...Object.keys(BY_RECIPE), ...OTHERS]);

const REFUSED: ReadonlySet<IngestOutcome> = new Set([
  "not_found",
  "method_not_allowed",
  "unauthorized",
  "rate_limited",
  "unavailable",
]);

/** The label for an answer; undefined when the request was taken. `unavailable` alone: the store could not promise. */
export function refusalLabel(outcome: IngestOutcome, reason: string | undefined): string | undefined {
  if (!REFUSED.has(outcome)) return undefined;
  if (reason === undefined) return outcome;
  return KNOWN.has(reason) ? reason : "other";
}

const SKIPS: Readonly<Record<SkipReason, true>> = {
  stale: true,
  no_rule: true,
  type_not_listed: true,
  not_selected: true,
  not_found: true,
  tombstone: true,
  hold_ended: true,
  dropped: true,
};

export const skipLabel = (reason: string | undefined): string =>
  reason !== undefined && Object.hasOwn(SKIPS, reason) ? reason : "other";
