/** Compiles one entry of `connections:`: limits with their defaults, the sink's own settings, how to open it. */
import { formatDuration, type Parsed, parseDuration, parseRate } from "../core/duration.ts";
import { errorMessage } from "../core/errors.ts";
import type { SourcePosition } from "../core/types.ts";
import type { Setting, Settings, SinkContext, SinkDescriptor } from "../plugin/index.ts";
import { checkAtMostOnce } from "./capability.ts";
import { connectionCommon } from "./deliver.schema.ts";
import { WINDOW_SHARE } from "./guarantee.ts";
import type { BreakerPlan, ConnectionModel, EntryFault, RetryPlan } from "./model.ts";

const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_CONCURRENCY = 8;
const DEFAULT_BREAKER: BreakerPlan = { failures: 5, openMs: 30_000, maxOpenMs: 300_000 };

/** What a connection is compiled from: YAML that its schema has accepted, secrets wrapped. */
export interface ConnectionInput {
  readonly name: string;
  readonly raw: Settings;
  readonly sink: SinkDescriptor;
  readonly environment: string;
  readonly position: SourcePosition;
  /** Makes what the sink may use, when it is opened. */
  readonly context: (connection: ConnectionModel) => SinkContext;
}

/** The model, and all faults; with an error among them the model is not to be used. */
export interface CompiledConnection {
  readonly model: ConnectionModel;
  readonly faults: readonly EntryFault[];
}

/** The settings that hold in an environment: `environments.NAME` over the ones beside it. */
export function inEnvironment(raw: Settings, environment: string): Settings {
  const { environments, ...base } = raw;
  const over = isMap(environments) ? environments[environment] : undefined;
  return isMap(over) ? { ...base, ...over } : base;
}

/** Compiles one connection. Nothing is opened. */
export function compileConnection(input: ConnectionInput): CompiledConnection {
  const raw = inEnvironment(input.raw, input.environment);
  const settings = Object.fromEntries(Object.entries(raw).filter(([key]) => !(key in connectionCommon)));
  const quantities = createQuantities();
  const { sink } = input;
  const rate = quantities.read(["rate"], raw["rate"], parseRate);
  const window = sink.idempotencyWindowOf?.(settings) ?? sink.idempotencyWindowMs;
  const retry = readRetry(raw["retry"], quantities);
  const model: ConnectionModel = {
    name: input.name,
    sink,
    settings,
    open: async () => sink.open(settings, input.context(model)),
    concurrency:
      typeof raw["concurrency"] === "number" ? raw["concurrency"] : (sink.defaults?.concurrency ?? DEFAULT_CONCURRENCY),
    rates: rate === undefined ? (sink.defaults?.rates ?? []) : [rate],
    timeoutMs: quantities.read(["timeout"], raw["timeout"], parseDuration) ?? DEFAULT_TIMEOUT_MS,
    ...(retry === undefined ? {} : { retry }),
    atMostOnce: raw["at_most_once"] === true,
    repeatsDecided: raw["at_most_once"] !== undefined,
    ...(window === undefined ? {} : { idempotencyWindowMs: window }),
    allowPrivate: raw["allow_private"] === true,
    breaker: readBreaker(raw["breaker"], quantities),
    position: input.position,
  };
  const own = sink.check?.(settings) ?? [];
  const needless = model.atMostOnce ? checkAtMostOnce(sink, sink.actionsOf?.(settings) ?? sink.actions) : undefined;
  return {
    model,
    faults: [
      ...quantities.faults,
      ...own.map((fault) => ({ code: "HK5208" as const, ...fault })),
      ...horizonFault(retry, window),
      ...(needless === undefined ? [] : [needless]),
    ],
  };
}

function horizonFault(retry: Partial<RetryPlan> | undefined, window: number | undefined): EntryFault[] {
  if (window === undefined || retry?.horizonMs === undefined || retry.horizonMs <= WINDOW_SHARE * window) return [];
  const data = { horizon: formatDuration(retry.horizonMs), window: formatDuration(window) };
  return [{ code: "HK5211", severity: "warning", path: ["retry", "horizon"], message: errorMessage("HK5211", data) }];
}

function readRetry(raw: Setting | undefined, quantities: Quantities): Partial<RetryPlan> | undefined {
  if (!isMap(raw)) return undefined;
  const read = (key: string) => quantities.read(["retry", key], raw[key], parseDuration);
  const base = read("base");
  const cap = read("cap");
  const horizon = read("horizon");
  const schedule = Array.isArray(raw["schedule"]) ? raw["schedule"] : undefined;
  const delays = schedule?.map(
    (delay, index) => quantities.read(["retry", "schedule", index], delay, parseDuration) ?? 0,
  );
  return {
    ...(base === undefined ? {} : { baseMs: base }),
    ...(cap === undefined ? {} : { capMs: cap }),
    ...(horizon === undefined ? {} : { horizonMs: horizon }),
    ...(delays === undefined ? {} : { scheduleMs: delays }),
  };
}

function readBreaker(raw: Setting | undefined, quantities: Quantities): BreakerPlan {
  if (!isMap(raw)) return DEFAULT_BREAKER;
  if (raw["enabled"] === false) return { ...DEFAULT_BREAKER, failures: 0 };
  const openMs = quantities.read(["breaker", "open_for"], raw["open_for"], parseDuration) ?? DEFAULT_BREAKER.openMs;
  return {
    failures: typeof raw["failures"] === "number" ? raw["failures"] : DEFAULT_BREAKER.failures,
    openMs,
    maxOpenMs: Math.max(openMs, DEFAULT_BREAKER.maxOpenMs),
  };
}

interface Quantities {
  readonly faults: EntryFault[];
  read<T>(path: readonly (string | number)[], value: unknown, parse: (text: unknown) => Parsed<T>): T | undefined;
}

function createQuantities(): Quantities {
  const faults: EntryFault[] = [];
  return {
    faults,
    read(path, value, parse) {
      if (value === undefined) return undefined;
      const parsed = parse(value);
      if (parsed.ok) return parsed.value;
      const message = errorMessage("HK5206", { key: path.join("."), value: String(value) });
      faults.push({ code: "HK5206", severity: "error", path, message, expected: parsed.expected });
      return undefined;
    },
  };
}

function isMap(value: Setting | undefined): value is { readonly [key: string]: Setting } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
