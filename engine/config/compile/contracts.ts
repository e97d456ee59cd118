/** `contract:` of a pipeline -> the compiled version in `pipelines/contracts/PROVIDER/VERSION.yaml`. */
import type { Json } from "../../core/types.ts";
import { type Contract, compileContract } from "../../mapping/contract.ts";
import { parseShownBy, type VersionGate } from "../../mapping/shown-version.ts";
import type { Mark } from "../position.ts";
import type { SourceModel } from "../revision.ts";
import type { ContractYaml } from "../schema/contract.schema.ts";
import type { PipelineYaml } from "../schema/pipeline.schema.ts";
import { type CompileContext, checkName } from "./context.ts";

export interface Contracts {
  /** The schemas as they are written, by event type. */
  schemasOf(contract: Contract): Readonly<Record<string, Json>>;
  forPipeline(yaml: PipelineYaml, source: SourceModel): Contract | undefined;
  /** How events show their version, and which there are; undefined where the pipeline's contract does not say. */
  versionsFor(yaml: PipelineYaml, contract: Contract, source: SourceModel): VersionGate | undefined;
}

export interface ContractFiles {
  /** Versions there are of a provider. */
  versions(provider: string): readonly string[];
  load(provider: string, version: string): ContractYaml | undefined;
}

export function createContracts(context: CompileContext, files: ContractFiles): Contracts {
  const compiled = new Map<string, Contract | undefined>();
  const written = new WeakMap<Contract, ContractYaml>();
  const loaded = new Map<string, ContractYaml | undefined>();
  // Once: what is wrong with a file is told as it is read.
  const load = (provider: string, version: string): ContractYaml | undefined => {
    const key = `${provider}/${version}`;
    if (!loaded.has(key)) loaded.set(key, files.load(provider, version));
    return loaded.get(key);
  };
  const get = (provider: string, version: string, mark: Mark): Contract | undefined => {
    if (!checkName(context, "contract", version, { names: files.versions(provider), mark })) return undefined;
    const key = `${provider}/${version}`;
    if (!compiled.has(key)) {
      const yaml = load(provider, version);
      const contract = compile(context, yaml);
      compiled.set(key, contract);
      if (contract !== undefined && yaml !== undefined) written.set(contract, yaml);
    }
    return compiled.get(key);
  };
  return {
    schemasOf: (contract) => written.get(contract)?.schema ?? {},
    versionsFor(yaml, contract, source) {
      const asked = typeof yaml.contract === "object" ? yaml.contract : undefined;
      const by = written.get(contract)?.shown_by;
      if (by === undefined) {
        if (asked?.unknown_version !== undefined)
          context.reporter.report(
            "HK1252",
            context.positions.value(asked, "unknown_version"),
            { contract: `${contract.provider}/${contract.version}` },
            { expected: "shown_by: { from: body:api_version }, in the contract" },
          );
        return undefined;
      }
      const from = parseShownBy(by.from);
      const mark = context.positions.value(by, "from");
      if (from === undefined) {
        context.reporter.report("HK1253", mark, { from: by.from }, { expected: "body:PATH or header:NAME" });
        return undefined;
      }
      if (from.kind === "header" && !source.keepHeaders.includes(from.name)) {
        const hint = `add it to the source: keep_headers: [${[...source.keepHeaders, from.name].join(", ")}]`;
        context.reporter.report("HK1254", mark, { header: from.name, source: source.name }, { hint });
        return undefined;
      }
      // Versions of the same provider that show themselves at the same place.
      const known = files.versions(contract.provider).flatMap((version) => {
        const one = load(contract.provider, version);
        return one?.shown_by?.from === by.from ? [one.shown_by.equals ?? one.contract] : [];
      });
      return { from, known: new Set(known), unknown: asked?.unknown_version ?? "accept" };
    },
    forPipeline(yaml, source) {
      const { contract } = yaml;
      if (contract === undefined) return undefined;
      if (typeof contract === "string")
        return get(source.provider, contract, context.positions.value(yaml, "contract"));
      if (contract.next !== undefined) get(source.provider, contract.next, context.positions.value(contract, "next"));
      return get(source.provider, contract.version, context.positions.value(contract, "version"));
    },
  };
}

function compile(context: CompileContext, yaml: ContractYaml | undefined): Contract | undefined {
  if (yaml === undefined) return undefined;
  const result = compileContract({ provider: yaml.provider, version: yaml.contract, schema: yaml.schema });
  if (result.ok) return result.contract;
  for (const fault of result.faults)
    context.reporter.message(fault.code, context.positions.key(yaml.schema, fault.type), fault.message);
  return undefined;
}
