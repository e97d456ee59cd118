/** Applies one entity write to its draft: ids, state, attributes, each through its gate; or its deletion. */
import type { AttributeModel } from "../core/entity.ts";
import { refKey } from "../core/record.ts";
import type { Version } from "../core/types.ts";
import { deleteEntity, rememberNewest } from "./deletion.ts";
import { bury, type Draft, type Drafts, putAttribute } from "./draft.ts";
import { gateAttribute, type Incoming } from "./gate.ts";
import { earlier } from "./merge.ts";
import { gateState } from "./state.ts";
import type { Decision, StepInput, StepWrite } from "./step.ts";

/** `undefined`: done; else why the whole event can not be applied. */
export function applyWrite(input: StepInput, drafts: Drafts, write: StepWrite): Decision | undefined {
  const draft = drafts.get(write.ref);
  draft.written = true;
  rememberFirst(draft, input.version);
  if (write.delete === "tombstone") {
    deleteEntity(draft, input.version);
    return undefined;
  }
  if (write.delete === "erase") {
    bury(draft, input.version, true);
    draft.deletions = [];
    draft.newest = [];
    eraseChildren(input, drafts, draft);
    return undefined;
  }
  rememberNewest(draft, input.version);
  if (draft.tombstone !== undefined) {
    draft.tombstone = undefined;
    draft.dirty = true;
  }
  return applyLinks(drafts, draft, write) ?? applyState(input, draft, write) ?? applyFields(input, draft, write);
}

function applyLinks(drafts: Drafts, draft: Draft, write: StepWrite): Decision | undefined {
  for (const link of write.links) {
    const owner = link.owner ?? takenInStep(drafts, draft, link);
    if (owner !== undefined && owner !== draft.ref.key) {
      return {
        kind: "dead",
        code: "HK6003",
        data: { entity: refKey(draft.ref), id: link.idName, other: `${draft.ref.type}/${owner}` },
      };
    }
    const before = draft.ids[link.idName];
    if (before === link.value) continue;
    draft.ids[link.idName] = link.value;
    draft.dirty = true;
    draft.history.push({
      entity: draft.ref,
      attribute: `link:${link.idName}`,
      before,
      after: link.value,
      result: "set",
    });
  }
  return undefined;
}

function rememberFirst(draft: Draft, version: Version): void {
  if (draft.model.merge === undefined) return;
  const first = earlier(draft.first, version);
  if (first === draft.first) return;
  draft.first = first;
  draft.remembers = true;
}

/** Another item of the same event took the id a moment ago. */
function takenInStep(drafts: Drafts, draft: Draft, link: StepWrite["links"][number]): string | undefined {
  const other = drafts
    .all()
    .find((one) => one !== draft && one.ref.type === draft.ref.type && one.ids[link.idName] === link.value);
  return other?.ref.key;
}

function applyState(input: StepInput, draft: Draft, write: StepWrite): Decision | undefined {
  if (write.state === undefined) return undefined;
  const now = { state: draft.state, ...(draft.stateVersion === undefined ? {} : { version: draft.stateVersion }) };
  const result = gateState(draft.model, now, write.state, input.version);
  switch (result.kind) {
    case "stale":
      draft.history.push({
        entity: draft.ref,
        attribute: "state",
        before: draft.state,
        after: write.state,
        result: "stale",
        supersededBy: result.supersededBy.seq,
      });
      return undefined;
    case "not_allowed":
      if (!input.force) {
        return {
          kind: "hold",
          reason: `${refKey(draft.ref)} can not go from ${result.from} to ${result.to} yet`,
          waitsFor: [draft.ref],
        };
      }
      moveState(draft, write.state, input.version, "forced");
      return undefined;
    case "same":
      draft.stateVersion = input.version;
      draft.dirty = true;
      return undefined;
    case "move":
      moveState(draft, write.state, input.version);
      return undefined;
  }
}

function moveState(draft: Draft, to: string, version: Version, note?: string): void {
  draft.history.push({
    entity: draft.ref,
    attribute: "state",
    before: draft.state,
    after: to,
    result: "set",
    ...(note === undefined ? {} : { note }),
  });
  draft.entered = { from: draft.state, to };
  draft.state = to;
  draft.stateVersion = version;
  draft.dirty = true;
}

function applyFields(input: StepInput, draft: Draft, write: StepWrite): undefined {
  for (const field of write.fields) {
    const attribute = draft.model.attributes.get(field.attribute);
    if (attribute === undefined) continue;
    const stored = draft.attributes[field.attribute];
    if (field.initial !== undefined && stored !== undefined) continue;
    const value = field.clear ? null : (field.set ?? field.initial);
    const incoming = {
      version: input.version,
      pipeline: input.pipeline,
      mayLower: mayLower(input, draft.ref.type, attribute.name),
      ...(draft.model.deletable === true ? { remembers: true as const } : {}),
    };
    const blank = value === null && stored === undefined;
    if (value === undefined || (blank && !countsFirst(attribute, incoming))) continue;
    const result = gateAttribute(attribute, value, incoming, stored);
    if (blank && result.kind === "write") {
      draft.attributes[attribute.name] = result.next;
      draft.remembers = true;
      continue;
    }
    if (result.kind === "write") {
      putAttribute(draft, attribute, result.next, { mapping: field.mapping });
      continue;
    }
    if (result.next !== undefined && result.next.ladder !== stored?.ladder) {
      draft.attributes[attribute.name] = result.next;
      draft.remembers = true;
    }
    if (result.why !== "mode") {
      draft.history.push({
        entity: draft.ref,
        attribute: attribute.name,
        before: stored?.value,
        after: value,
        result: result.why,
        mapping: field.mapping,
        ...(result.supersededBy === undefined ? {} : { supersededBy: result.supersededBy.seq }),
      });
    }
  }
  return undefined;
}

/** A blank that comes before any value: nothing changes, and yet an older value that is still on its way must not undo it. */
function countsFirst(attribute: AttributeModel, { mayLower: lowers }: Incoming): boolean {
  return attribute.write === "latest" && (!attribute.protected || lowers);
}

/** What belongs to an erased person is erased with it. */
function eraseChildren(input: StepInput, drafts: Drafts, draft: Draft): void {
  for (const child of input.children.get(refKey(draft.ref)) ?? []) {
    if (child.tombstone?.erased) continue;
    const childDraft = drafts.get(child);
    bury(childDraft, input.version, true);
    eraseChildren(input, drafts, childDraft);
  }
}

/** The rule names it in `lowers:`, alone or as `entity.attribute`. */
export function mayLower(input: StepInput, entity: string, attribute: string): boolean {
  return input.lowers.has(attribute) || input.lowers.has(`${entity}.${attribute}`);
}
