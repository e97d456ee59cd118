/** `contract:` of a pipeline -> the compiled version in `pipelines/contracts/PROVIDER/VERSION.yaml`. */
import type { Json } from "../../core/types.ts";
import { type Contract, compileContract } from "../../mapping/contract.ts";
import type { Mark } from "../position.ts";
import type { SourceModel } from "../revision.ts";
import type { ContractYaml } from "../schema/contract.schema.ts";
import type { PipelineYaml } from "../schema/pipeline.schema.ts";
import { type CompileContext, checkName } from "./context.ts";

export interface Contracts {
  /** The schemas as they are written, by event type. */
  schemasOf(contract: Contract): Readonly<Record<string, Json>>;
  forPipeline(yaml: PipelineYaml, source: SourceModel): Contract | undefined;
}

export interface ContractFiles {
  /** Versions there are of a provider. */
  versions(provider: string): readonly string[];
  load(provider: string, version: string): ContractYaml | undefined;
}

export function createContracts(context: CompileContext, files: ContractFiles): Contracts {
  const compiled = new Map<string, Contract | undefined>();
  const written = new WeakMap<Contract, ContractYaml>();
  const get = (provider: string, version: string, mark: Mark): Contract | undefined => {
    if (!checkName(context, "contract", version, { names: files.versions(provider), mark })) return undefined;
    const key = `${provider}/${version}`;
    if (!compiled.has(key)) {
      const yaml = files.load(provider, version);
      const contract = compile(context, yaml);
      compiled.set(key, contract);
      if (contract !== undefined && yaml !== undefined) written.set(contract, yaml);
    }
    return compiled.get(key);
  };
  return {
    schemasOf: (contract) => written.get(contract)?.schema ?? {},
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
