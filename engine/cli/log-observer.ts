/** What the flow tells about itself, as log lines: one for each end of a delivery, warnings for what a person should see. */
import { errorFields, hashSensitive, type Log } from "../core/log.ts";
import type { Secret } from "../core/secret.ts";
import { isSampled } from "../core/trace.ts";
import type { EntityRef } from "../core/types.ts";
import type { Observer } from "../flow/observer.ts";
import type { Sensitivity } from "../http/documents.ts";

/** Ends that are no trouble. */
const FINE = new Set(["delivered", "merged", "superseded"]);

/** What may be written of sensitive values. */
export interface LogPrivacy {
  /** Takes keys that are personal data out of reasons such as `waits for lead/ada@example.com`. */
  text(text: string): string;
  /** `customer/cus_1`; undefined where the key must not be written. */
  entity(ref: EntityRef): string | undefined;
}

/** With a `hashKey` sensitive keys are hashed by it; without, they are left out. */
export function privacyOf(hashKey: () => Secret | undefined, sensitivity: () => Sensitivity): LogPrivacy {
  const hide = (value: string): string | undefined => {
    const key = hashKey();
    return key === undefined ? undefined : hashSensitive(key.reveal(), value);
  };
  return {
    text: (text) => sensitivity().text(text, hide),
    entity({ type, key }) {
      const shown = sensitivity().key(type) ? hide(key) : key;
      return shown === undefined ? undefined : `${type}/${shown}`;
    },
  };
}

export interface LogObserverOptions {
  readonly privacy: LogPrivacy;
  /** Share of events whose lines are written while all goes well; all lines of an event or none. */
  readonly sample?: () => number;
}

/** Writes facts to the log. What can be caused without end, by outsiders or by one cause, goes through the log's own bound. */
export function createLogObserver(log: Log, { privacy, sample = () => 1 }: LogObserverOptions): Observer {
  const mask = privacy.text;
  const isQuiet = (event: string): boolean => !isSampled(event, sample());
  return {
    ingested({ source, outcome, status, reason, events, remoteAddress }) {
      const fields = { source, outcome, status, reason, remote: remoteAddress };
      if (outcome === "accepted" || outcome === "duplicate" || outcome === "handshake")
        log.debug("request answered", { ...fields, events });
      else if (outcome === "unavailable" && reason === undefined)
        log.repeating("error", `unavailable ${source}`, MESSAGES.unavailable, fields);
      else if (outcome === "unavailable" || outcome === "rate_limited")
        log.repeating("warn", `${reason} ${source}`, MESSAGES.rate_limited, fields);
      else if (outcome === "conflict" || outcome === "unreadable")
        log.repeating("warn", `${outcome} ${source}`, MESSAGES[outcome], { ...fields, events });
      else log.repeating("warn", `${outcome} ${source} ${reason}`, "request refused", fields);
    },
    applied({ event, source, type, pipeline, status, reason, code, deliveries, lagMs }) {
      const why = reason === undefined ? undefined : mask(reason);
      const fields = { event, source, type, pipeline, status, reason: why, code, deliveries, lag_ms: lagMs };
      if (status === "dead") log.repeating("warn", `dead letter ${pipeline} ${code}`, MESSAGES.dead, fields);
      else if (isQuiet(event) || (status === "applied" && deliveries > 0)) log.debug(`event ${status}`, fields);
      else log.info(status === "applied" ? "event applied, nothing to send" : `event ${status}`, fields);
    },
    attempted({ delivery, event, type, entity, pipeline, connection, action, attempt, outcome, detail, ...fact }) {
      const { httpStatus, lagMs, nextAt } = fact;
      const next = nextAt === undefined ? undefined : new Date(nextAt).toISOString();
      const fields = {
        event,
        delivery,
        type,
        entity: entity === undefined ? undefined : privacy.entity(entity),
        pipeline,
        connection,
        action,
        attempt,
        outcome,
        http_status: httpStatus,
        lag_ms: lagMs,
        next_try: next,
      };
      if (FINE.has(outcome)) log[isQuiet(event) ? "debug" : "info"](outcome, fields);
      else {
        const told = { ...fields, detail: mask(detail) };
        log.repeating("warn", `not delivered to ${connection}: ${outcome}`, `not delivered: ${outcome}`, told);
      }
    },
    fetched({ connection, outcome, detail, turns, tookMs }) {
      const fields = { connection, outcome, turns, took_ms: tookMs };
      if (outcome === "found") log.info("fetched", fields);
      else {
        const told = { ...fields, detail: mask(detail) };
        log.repeating("warn", `not fetched over ${connection}: ${outcome}`, `not fetched: ${outcome}`, told);
      }
    },
    secretLearned({ source, name, fingerprint }) {
      const fields = { source, name, fingerprint };
      log.warn("a secret waits: hookrail secrets show, then accept or discard", fields);
    },
    connectionPaused({ connection, detail }) {
      const fields = { connection, detail: mask(detail) };
      log.error("connection paused; its deliveries wait until hookrail resume connection", fields);
    },
    stored({ findings, ...sizes }) {
      for (const finding of findings) log.repeating("warn", `store ${finding}`, STORE_FINDINGS[finding], sizes);
    },
    clockJumped({ byMs }) {
      log.warn("the wall clock jumped: signed times and windows are judged by it, so senders may be refused", {
        by_ms: byMs,
      });
    },
    clockSkewed({ cause, sources, medianMs, limitMs, requests }) {
      const fields = { sources, median_ms: Math.round(medianMs), limit_ms: limitMs, requests };
      log.warn(SKEWS[cause], fields);
    },
    fault({ where, error }) {
      const fields = { where, ...errorFields(error) };
      log.repeating("error", `fault ${where}`, "a fault of the engine's own; the work stays in the store", fields);
    },
  };
}

const STORE_FINDINGS = {
  wal_grows: "the store's -wal grows: something reads the store for very long, or checkpoints fail",
  disk_nearly_full: "the disk below the store is nearly full; when it is, senders are told to come again",
} as const;

const SKEWS = {
  one_source: "signed times are far from this machine's clock: that sender's clock or ours is wrong, or it sends late",
  all_sources:
    "signed times of all senders are far from this machine's clock, the same way: it is this clock that is wrong",
} as const;

const MESSAGES = {
  dead: "event is a dead letter; hookrail dead list shows it",
  unavailable: "the store could not promise; the sender was asked to try again",
  rate_limited: "too much at once; the sender was asked to come again later",
  conflict: "an id came again with another body; the first is kept",
  unreadable: "a verified event can not be read: kept as a dead letter",
} as const;
