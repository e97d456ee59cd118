/** What loading takes and gives. */
import type { Diagnostic } from "../core/diagnostic.ts";
import type { EntityModel } from "../core/entity.ts";
import { fail } from "../core/errors.ts";
import type { ConnectionModel } from "../delivery/model.ts";
import type { SinkContext } from "../plugin/index.ts";
import type { SinkRegistry } from "../plugin/registry.ts";
import type { ConfigReader } from "./files.ts";
import type { OwnCheck } from "./own-checks.ts";
import type { Positions } from "./position.ts";
import type { Revision } from "./revision.ts";
import type { ConfigYaml } from "./schema/config.schema.ts";
import type { Language } from "./schema/language.ts";
import type { PipelineYaml } from "./schema/pipeline.schema.ts";
import type { ShippedFiles } from "./shipped.ts";

export interface LoadOptions {
  /** Folder of `config.yaml`, absolute. */
  readonly root: string;
  readonly reader: ConfigReader;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Sinks written in code. */
  readonly registry: SinkRegistry;
  /** Default: the product's own recipes and presets. */
  readonly shipped?: ShippedFiles;
  readonly gitCommit?: string;
  /** Wall clock, ms: `until:` dates that have passed are warned about. */
  readonly now?: number;
  /** Compiled schemas, to be kept between reloads. */
  readonly language?: Language;
  /** What an opened sink may use; without it connections can be checked and not opened. */
  readonly sinkContext?: (
    connection: ConnectionModel,
    installation: { readonly root: string; readonly entities: ReadonlyMap<string, EntityModel> },
  ) => SinkContext;
  /** Looks for a file below the root that the config names and does not read: runbooks. Default: none is looked for. */
  readonly exists?: (path: string) => boolean;
  /** Reads an absolute path of `${file:PATH}`. Default: from disk. */
  readonly readSecretFile?: (
    path: string,
  ) => { readonly ok: true; readonly text: string } | { readonly ok: false; readonly reason: string };
}

export interface Loaded {
  /** Absent when there is an error. */
  readonly revision?: Revision;
  /** Sorted; errors and warnings. */
  readonly diagnostics: readonly Diagnostic[];
  /** Every file that was read, for code frames and watching. */
  readonly files: Readonly<Record<string, string>>;
  /** The installation's own checks, for `hookrail check` to evaluate. */
  readonly checks?: readonly OwnCheck[];
  /** `config.yaml` itself could not be read. */
  readonly unreadable: boolean;
  /** What is written, for `echo`; beside a revision only. */
  readonly written?: Written;
}

/** The documents as validated, references resolved, each member with its place. */
export interface Written {
  readonly config: ConfigYaml;
  readonly pipelines: readonly PipelineYaml[];
  readonly positions: Positions;
  /** True for members that hold a credential, whether written out or resolved. */
  readonly isSecret: (holder: object, name: string | number) => boolean;
}

/** Opening a connection of a config that was only checked is a bug of ours. */
export function noSinkContext(connection: ConnectionModel): never {
  return fail("HK9001", { what: "opening a connection without a sink context", value: connection.name });
}
