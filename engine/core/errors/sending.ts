import type { ErrorEntries } from "../errors.ts";

/** 53xx: what becomes of a delivery that can not be sent, or is not taken. */
export const sendingErrors = {
  HK5301: {
    title: "The sink refused it",
    message: "{connection} refused it: {detail}",
    help: "The sink's answer says that sending the same again can not help (a 4xx, or a refused item). Look at the answer in `hookrail explain EVENT`, fix the mapping or the record in the CRM, then `hookrail dead retry ID`; or discard it with a reason.",
  },
  HK5302: {
    title: "Gave up after the last retry",
    message: "{connection} did not take it in {attempts} attempts; last: {detail}",
    help: "The sink failed for as long as retries may go on (`retry:` of the connection, else derived from the pipeline's SLA). When it is well again, `hookrail dead retry ID` sends the same frozen request with the same idempotency key.",
  },
  HK5303: {
    title: "Sent, and no answer",
    message: "sent to {connection}, no answer, and the connection says at_most_once",
    help: "Nobody knows whether the sink applied it, and `at_most_once: true` forbids to send it again unasked. Look at the sink: if it is there, discard the dead letter with that reason; if not, retry it.",
  },
  HK5304: {
    title: "A condition could not be judged",
    message: "`when` of {deliver} reads `{path}`, which is {presence}",
    help: "A missing input in `when` is never a silent skip, since the delivery could have been due. Wrap the path in `$exists(…)` if it may be absent, or fix the sender, then retry the dead letter.",
  },
  HK5310: {
    title: "The sink's memory has passed",
    message:
      "{connection} remembers an idempotency key for {window}; an attempt may have arrived, and that time is over",
    help: "An attempt was sent and had no answer (or a 5xx), and until now nothing could be sent again: the connection was paused, or the sink was away. Within its window a repeat with the same key is applied once; now it could be applied a second time, so nothing is sent unasked. Look at the sink: if it is there, discard the dead letter with that reason; if not, `hookrail dead retry ID` sends the same frozen request.",
  },
} as const satisfies ErrorEntries;
