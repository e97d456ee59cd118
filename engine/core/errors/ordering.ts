import type { ErrorEntries } from "../errors.ts";

/** 6xxx: order, states and identity. */
export const orderingErrors = {
  HK6001: {
    title: "Event time far ahead of receipt",
    message: "the event says it happened at {time}, too far ahead of its receipt",
    help: "A version from the future would make every honest event after it look stale, so it moves nothing. The sender's clock is wrong, or the time path of the recipe reads the wrong field. Fix the clock or the recipe (`times:` of the source: seconds, millis or iso), then retry the dead letter.",
  },
  HK6002: {
    title: "Entity not known",
    message: "{entity} was never seen, and the rule says `unknown: reject`",
    help: "The rule refuses to guess. Find out which entity this id belongs to: link it (an event of a rule with `link:`), then retry the dead letter; or discard it with a reason.",
  },
  HK6003: {
    title: "Id belongs to another entity",
    message: "{entity} would take the id {id}, which already belongs to {other}",
    help: "Two entities claim one id. If both are the same person, say which key stays with `merge: oldest` or `newest` in the entity and retry the dead letter; if the payload is wrong, discard the dead letter with a reason. Nothing was written.",
  },
  HK6004: {
    title: "Hold window ended",
    message: "held for {window} and its predecessor never came: {reason}",
    help: "The event waited for an earlier one (a state it comes after, or an entity it belongs to). Check whether the provider still sends that event to this source. Retry the dead letter when the predecessor is there, or discard it with a reason. `hold: { then: force }` in the rule would apply it all the same.",
  },
  HK6005: {
    title: "Pipeline is gone",
    message: "the pipeline {pipeline} is not in the running revision",
    help: "The event was accepted for a pipeline that has been removed or renamed since. Bring it back, or state its new name with `moved:`, then retry the dead letter; or discard it with a reason.",
  },
  HK6006: {
    title: "The same entity keeps changing",
    message: "gave up after {attempts} attempts to apply to {entity}: it changed under each",
    help: "Another process seems to write the same store. The event is kept; retry the dead letter when only one engine runs.",
  },
  HK6010: {
    title: "The list of `each` is not there",
    message: "`each` of rule {rule} has no list: {missing}",
    help: "A list that is absent or null is missing data and not an empty list: skipping the event would lose what it should have said. Nothing was written. An empty list is fine, and so is a filter that finds nothing. Fix the path, or retry the dead letter when the sender has been fixed.",
  },
  HK6011: {
    title: "Too many items for one event",
    message: "`each` of rule {rule} has {count} items, at most {limit}",
    help: "All items of an event are written together or not at all, so their number is bounded. Nothing was written. If the sender puts many independent things into one request, split it with `items:` of the source: each becomes an event of its own.",
  },
  HK6012: {
    title: "The payload's own version can not be read",
    message: "`order: { by }` of rule {rule}: {problem}",
    help: "The rule orders events by a value of the payload, and this event has none that can be compared: expected a number (a counter that grows with each change) or an ISO 8601 time. Nothing was written, since any guess could let an old value win.",
  },
} as const satisfies ErrorEntries;
