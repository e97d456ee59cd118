/** Defaults of one pipeline, as the revision has them: rows with their policies, names that fragments bring, retry plans. */
import { retryPlanFromSla } from "../../core/backoff.ts";
import { formatDuration } from "../../core/duration.ts";
import type { Json } from "../../core/types.ts";
import type { EntityWriteModel, HoldModel, Row, RuleModel } from "../../mapping/model.ts";
import type { PipelineModel, Revision } from "../revision.ts";
import { fillSource } from "./config-defaults.ts";
import type { Draft, Origins } from "./effective.ts";
import { createFiller, type Filler, isDraft } from "./fill.ts";

interface Filling {
  readonly model: PipelineModel;
  readonly revision: Revision;
  readonly origins: Origins;
}

interface RuleFilling extends Filling {
  readonly filler: Filler;
}

export function fillPipeline(draft: Draft, filling: Filling): void {
  const { model, origins } = filling;
  const filler = createFiller(origins);
  const { add, section } = filler;
  if (isDraft(draft["source"])) fillSource(draft["source"], model.source, filler);
  add(draft, "enabled", model.enabled);
  const sla = section(draft, "sla");
  add(sla, "lag", formatDuration(model.sla.lagMs));
  add(sla, "objective", `${Number((model.sla.objective * 100).toFixed(6))}%`);
  fillHold(section(draft, "hold"), model.hold, filler);
  for (const [index, rule] of listOf(draft["rules"]).entries()) {
    const compiled = model.rules[index];
    if (isDraft(rule) && compiled !== undefined) fillRule(rule, compiled, { ...filling, filler });
  }
  fillActions(draft, filling, filler);
  const retries = retriesOf(filling);
  if (Object.keys(retries).length > 0) add(draft, "x-retries", retries, "from sla.lag and the connection");
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

function fillHold(draft: Draft | undefined, hold: HoldModel, { add }: Filler, why?: string): void {
  add(draft, "window", formatDuration(hold.windowMs), why);
  add(draft, "then", hold.then, why);
}

function fillRule(draft: Draft, rule: RuleModel, filling: RuleFilling): void {
  const { filler, origins } = filling;
  if (rule.lets.length > 0) {
    const names: Draft = {};
    for (const { name, expression, fragment } of rule.lets) {
      names[name] = expression.source;
      const { file, line } = expression.position ?? rule.position;
      origins.set(names, name, `${file}:${line}${fragment === undefined ? "" : `, fragment ${fragment}`}`);
    }
    draft["let"] = names;
  }
  filler.add(draft, "order", rule.order === undefined && rule.fetch === undefined ? "version" : undefined);
  fillHold(filler.section(draft, "hold"), rule.hold, filler, "the pipeline's");
  const writes = draft["write"];
  if (!isDraft(writes)) return;
  for (const write of rule.writes) {
    const yaml = writes[write.entity];
    if (isDraft(yaml)) fillWrite(yaml, write, filling);
  }
}

function fillWrite(draft: Draft, write: EntityWriteModel, filling: RuleFilling): void {
  const { filler, revision } = filling;
  const entity = revision.entities.get(write.entity);
  const byKey = write.key.kind === "id" && write.key.idName === entity?.ids[0];
  filler.add(draft, "unknown", write.unknown, byKey ? undefined : "it is not found by its key");
  const fields = draft["fields"];
  if (!isDraft(fields)) return;
  for (const row of write.fields) {
    const isProtected = entity?.attributes.get(row.name)?.protected === true;
    fillRow(fields, row, { filling, isProtected });
  }
}

/** The short form becomes the long one, so that what happens to missing data is in plain sight. */
function fillRow(
  fields: Draft,
  row: Row,
  { filling, isProtected }: { readonly filling: RuleFilling; readonly isProtected: boolean },
): void {
  const { filler, origins } = filling;
  const written = fields[row.name];
  if (typeof written === "string") {
    const long: Draft = { from: written };
    const from = origins.of(fields, row.name);
    if (from !== undefined) origins.set(long, "from", from);
    fields[row.name] = long;
  }
  const draft = fields[row.name];
  if (!isDraft(draft)) return;
  if (row.source.kind !== "value") {
    filler.add(draft, "missing", missingOf(row));
    filler.add(draft, "on_null", row.onNull);
  }
  filler.add(draft, "invalid", row.invalid, isProtected ? "it is protected" : undefined);
  filler.add(draft, "owner", row.owner, "the attribute's");
}

function missingOf({ missing }: Row): Json {
  if (missing.kind === "initial") return { initial: missing.value };
  return missing.kind === "value" ? { value: missing.value } : missing.kind;
}

/** Of each rule, its own entries come before the pipeline's. */
function fillActions(draft: Draft, { model }: Filling, { add }: Filler): void {
  const shared = listOf(draft["deliver"]);
  for (const [index, rule] of listOf(draft["rules"]).entries()) {
    const own = isDraft(rule) ? listOf(rule["deliver"]) : [];
    const entries = [...own, ...shared];
    const models = model.deliver[index] ?? [];
    if (models.length !== entries.length) continue;
    for (const [at, entry] of entries.entries()) {
      const compiled = models[at];
      if (isDraft(entry) && compiled !== undefined)
        add(entry, "action", compiled.action, `of connection ${compiled.connection}`);
    }
  }
}

/** When failed attempts are tried again: derived, so no key of the pipeline says it. */
function retriesOf({ model, revision }: Filling): { readonly [connection: string]: Json } {
  const names = [...new Set(model.deliver.flat().map((entry) => entry.connection))];
  return Object.fromEntries(
    names.flatMap((name) => {
      const connection = revision.connections.get(name);
      if (connection === undefined || connection.retry?.scheduleMs !== undefined) return [];
      const plan = { ...retryPlanFromSla(model.sla.lagMs, connection.idempotencyWindowMs), ...connection.retry };
      const shown = {
        base: formatDuration(plan.baseMs),
        cap: formatDuration(plan.capMs),
        horizon: formatDuration(plan.horizonMs),
      };
      return [[name, shown] as const];
    }),
  );
}
