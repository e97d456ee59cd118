/**
 * The one error class and its catalogue. Codes are `HK` + 4 digits and never reused:
 * 1xxx config, 2xxx mapping, 3xxx intake, 4xxx store, 5xxx delivery, 6xxx ordering, 7xxx contracts,
 * 8xxx CLI and admin, 9xxx bug. Each range is a file in `errors/`; `docs/errors.md` and
 * `hookrail explain HK1234` are made from them.
 */
import { accessErrors } from "./errors/access.ts";
import { alertErrors } from "./errors/alerts.ts";
import { authoringErrors } from "./errors/authoring.ts";
import { bugErrors } from "./errors/bug.ts";
import { cliErrors } from "./errors/cli.ts";
import { cliCheckErrors } from "./errors/cli-check.ts";
import { cliLifeErrors } from "./errors/cli-life.ts";
import { configErrors } from "./errors/config.ts";
import { contractErrors } from "./errors/contracts.ts";
import { deliveryErrors } from "./errors/delivery.ts";
import { editErrors } from "./errors/edit.ts";
import { fetchErrors } from "./errors/fetch.ts";
import { followingErrors } from "./errors/following.ts";
import { intakeErrors } from "./errors/intake.ts";
import { mappingErrors } from "./errors/mapping.ts";
import { mappingTypeErrors } from "./errors/mapping-types.ts";
import { observingErrors } from "./errors/observing.ts";
import { orderingErrors } from "./errors/ordering.ts";
import { planErrors } from "./errors/plan.ts";
import { pluginErrors } from "./errors/plugins.ts";
import { reloadErrors } from "./errors/reload.ts";
import { replayErrors } from "./errors/replay.ts";
import { sendingErrors } from "./errors/sending.ts";
import { sinkCodeErrors } from "./errors/sink-code.ts";
import { sinkErrors } from "./errors/sinks.ts";
import { siteErrors } from "./errors/site.ts";
import { storeErrors } from "./errors/store.ts";
import { storeLifeErrors } from "./errors/store-life.ts";
import { testingErrors } from "./errors/testing.ts";

/** What the catalogue says about one code. */
export interface ErrorEntry {
  /** A few words, as a heading. */
  readonly title: string;
  /** The message; `{name}` is filled from `data`. Never put a secret or a body in `data`. */
  readonly message: string;
  /** Why it is an error and what to do, in a few sentences for an ops person. */
  readonly help: string;
  /** A wrong and a right piece of YAML, where that helps. */
  readonly wrong?: string;
  readonly right?: string;
}

export type ErrorEntries = Readonly<Record<`HK${number}`, ErrorEntry>>;

export const errorCatalogue = {
  ...configErrors,
  ...mappingErrors,
  ...mappingTypeErrors,
  ...intakeErrors,
  ...storeErrors,
  ...storeLifeErrors,
  ...deliveryErrors,
  ...sinkCodeErrors,
  ...sendingErrors,
  ...sinkErrors,
  ...fetchErrors,
  ...orderingErrors,
  ...contractErrors,
  ...cliErrors,
  ...cliCheckErrors,
  ...accessErrors,
  ...alertErrors,
  ...planErrors,
  ...followingErrors,
  ...observingErrors,
  ...editErrors,
  ...replayErrors,
  ...pluginErrors,
  ...cliLifeErrors,
  ...reloadErrors,
  ...testingErrors,
  ...siteErrors,
  ...authoringErrors,
  ...bugErrors,
} satisfies ErrorEntries;

export type ErrorCode = keyof typeof errorCatalogue;

export class HookrailError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly data: Readonly<Record<string, string | number>>;

  constructor(
    code: ErrorCode,
    data: Readonly<Record<string, string | number>> = {},
    options: { cause?: unknown; hint?: string } = {},
  ) {
    super(errorMessage(code, data), options.cause === undefined ? {} : { cause: options.cause });
    this.name = "HookrailError";
    this.code = code;
    this.data = data;
    this.hint = options.hint;
  }
}

/** Fills a code's message template. A name that `data` lacks stays visible as `{name}`. */
export function errorMessage(code: ErrorCode, data: Readonly<Record<string, string | number>> = {}): string {
  return errorCatalogue[code].message.replace(/\{(\w+)\}/g, (whole, name: string) => String(data[name] ?? whole));
}

/** Throws the catalogue's error. */
export function fail(
  code: ErrorCode,
  data: Readonly<Record<string, string | number>> = {},
  options: { cause?: unknown; hint?: string } = {},
): never {
  throw new HookrailError(code, data, options);
}

/** For the `default` of an exhaustive switch: reaching it is a bug of ours. */
export function assertNever(value: never, what: string): never {
  return fail("HK9001", { what, value: String(value) });
}
