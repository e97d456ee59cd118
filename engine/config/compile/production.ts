/** What is let pass while a config is being written, and told on production; and runbooks that are not there. */
import { posix } from "node:path";
import type { Severity } from "../../core/diagnostic.ts";
import type { EntityModel } from "../../core/entity.ts";
import type { ErrorCode } from "../../core/errors.ts";
import type { Mark } from "../position.ts";
import type { CompileContext } from "./context.ts";
import { strangersOf } from "./owners.ts";
import type { CompiledPipeline } from "./pipelines.ts";

export interface ProductionDeps {
  readonly entities: ReadonlyMap<string, EntityModel>;
  readonly production: boolean;
  /** Looks for a file below the root; absent: nothing is looked for. */
  readonly exists: ((path: string) => boolean) | undefined;
}

/** Reports what a pipeline lacks for a day on which something goes wrong. */
export function checkProduction(
  context: CompileContext,
  pipelines: readonly CompiledPipeline[],
  deps: ProductionDeps,
): void {
  for (const pipeline of pipelines) {
    checkRunbook(context, pipeline, deps.exists);
    if (!deps.production || !pipeline.enabled) continue;
    const { yaml, name } = pipeline;
    const { positions } = context;
    const top = positions.value(yaml, "pipeline");
    const tell = (code: ErrorCode, mark: Mark, hint: string, severity: Severity = "warning") =>
      context.reporter.report(code, mark, { pipeline: name, team: pipeline.owner }, { severity, hint });
    if (yaml.runbook === undefined)
      tell("HK1242", top, "`hookrail docs --runbooks` writes a first page: runbook: docs/runbooks/…");
    if (yaml.sla === undefined) tell("HK1245", top, "sla: { lag: 60s, objective: 99.9% }");
    if (yaml.contract === undefined) tell("HK1246", top, "contract: VERSION, a file of pipelines/contracts/PROVIDER/");
    if (!hasRoute(context, pipeline))
      tell("HK1244", positions.value(yaml, "owner"), "give the team `alerts:`, or set `alerting.default`");
  }
  if (deps.production) reportStrangers(context, pipelines, deps.entities);
}

/** True when someone is told: by the team's channel, or the one for all. Teams are told of apart where there are channels. */
function hasRoute({ config }: CompileContext, { owner }: CompiledPipeline): boolean {
  const team = config.teams?.[owner];
  if (team === undefined || config.channels !== undefined) return true;
  return team.alerts !== undefined || team.page !== undefined || config.alerting?.default !== undefined;
}

function reportStrangers(
  context: CompileContext,
  pipelines: readonly CompiledPipeline[],
  entities: ReadonlyMap<string, EntityModel>,
): void {
  for (const { pipeline, attribute, mark, ownerMark } of strangersOf(context, pipelines, entities)) {
    context.reporter.report(
      "HK1241",
      mark,
      { pipeline: pipeline.name, team: pipeline.owner, attribute: attribute.full, owner: attribute.owner },
      {
        hint: `the owner lets it in by listing it in the attribute: writers: [${pipeline.name}]`,
        related: { message: `it is \`${attribute.owner}\`'s`, mark: ownerMark },
      },
    );
  }
}

function checkRunbook(context: CompileContext, { yaml }: CompiledPipeline, exists: ProductionDeps["exists"]): void {
  const { runbook } = yaml;
  if (runbook === undefined || runbook === "" || exists === undefined) return;
  const path = posix.normalize(runbook.replace(/[#?].*$/, ""));
  const elsewhere = /^[a-z][a-z0-9+.-]*:/i.test(runbook) || posix.isAbsolute(path) || path.startsWith("..");
  if (elsewhere || exists(path)) return;
  const mark = context.positions.value(yaml, "runbook");
  context.reporter.report(
    "HK1243",
    mark,
    { path },
    { severity: "warning", hint: "paths are relative to config.yaml; `hookrail docs --runbooks` writes a first page" },
  );
}
