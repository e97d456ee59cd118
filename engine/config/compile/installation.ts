/** The part of `config.yaml` about the process: addresses, store, limits, retention, log, alerts. */
import { hash } from "node:crypto";
import { isAbsolute } from "node:path";
import { certificateFault } from "../../core/certificate.ts";
import { parseDuration, parseRate, parseSize } from "../../core/duration.ts";
import { Secret } from "../../core/secret.ts";
import { parseIso } from "../../core/values.ts";
import type { AdminModel, LimitsModel, Revision, ServerModel, TlsModel } from "../revision.ts";
import type { ConfigYaml } from "../schema/config.schema.ts";
import { compileAlerting } from "./alerts.ts";
import { type CompileContext, checkName, checkNames, checkNetworks, durationOr } from "./context.ts";
import { compileOtel, hashKeyOf } from "./telemetry.ts";

const DAY = 86_400_000;

/** Reads a file named in the config; reports it when it is not there or outside. */
export type ReadNamed = (holder: object, key: string) => string | undefined;

type Installation = Pick<
  Revision,
  | "environment"
  | "server"
  | "admin"
  | "store"
  | "retention"
  | "limits"
  | "log"
  | "otel"
  | "seed"
  | "teams"
  | "channels"
  | "alerts"
  | "alerting"
>;

export function compileInstallation(context: CompileContext, readNamed: ReadNamed): Installation {
  const { config } = context;
  return {
    environment: config.environment ?? "dev",
    server: compileServer(context, readNamed),
    admin: compileAdmin(context, readNamed),
    store: compileStore(context),
    retention: compileRetention(config),
    limits: compileLimits(config),
    log: {
      level: config.log?.level ?? "info",
      format: config.log?.format ?? "auto",
      sample: config.log?.sample ?? 1,
      ...hashKeyOf(context),
    },
    ...compileOtel(context),
    seed: config.seed === undefined ? "unsaid" : config.seed === "none" ? "none" : "declared",
    teams: new Map(Object.entries(config.teams ?? {}).map(([name, team]) => [name, teamOf(team)])),
    ...compileAlerting(context),
  };
}

function teamOf(team: NonNullable<ConfigYaml["teams"]>[string]) {
  return {
    ...(team.description === undefined ? {} : { description: team.description }),
    ...(team.alerts === undefined ? {} : { alerts: team.alerts }),
    ...(team.page === undefined ? {} : { page: team.page }),
  };
}

function sizeOr(text: string | undefined, fallback: number): number {
  const parsed = parseSize(text);
  return parsed.ok ? parsed.value : fallback;
}

function compileServer(context: CompileContext, readNamed: ReadNamed): ServerModel {
  const { config } = context;
  const server = config.server ?? {};
  checkNetworks(context, server.trusted_proxies);
  const limits = server.limits ?? {};
  const tls = tlsOf(context, server.tls, readNamed);
  const exposed = config.environment === "production" || config.environment === "staging";
  return {
    host: server.host ?? (exposed ? "0.0.0.0" : "127.0.0.1"),
    port: server.port ?? 8080,
    ...(server.public_url === undefined ? {} : { publicUrl: server.public_url }),
    trustedProxies: server.trusted_proxies ?? [],
    maxConnections: limits.max_connections ?? 1024,
    maxHeaderBytes: sizeOr(limits.max_header, 16 * 1024),
    headerTimeoutMs: durationOr(limits.header_timeout, 10_000),
    requestTimeoutMs: durationOr(limits.request_timeout, 30_000),
    ...(tls === undefined ? {} : { tls }),
  };
}

type TlsYaml = NonNullable<NonNullable<ConfigYaml["server"]>["tls"]>;

function tlsOf(context: CompileContext, yaml: TlsYaml | undefined, readNamed: ReadNamed): TlsModel | undefined {
  if (yaml === undefined) return undefined;
  const cert = readNamed(yaml, "cert");
  const key = readNamed(yaml, "key");
  const clientCa = yaml.client_ca === undefined ? undefined : readNamed(yaml, "client_ca");
  // A CA that can not be read must not become a server that asks for no certificates.
  if (cert === undefined || key === undefined || (yaml.client_ca !== undefined && clientCa === undefined))
    return undefined;
  const problem = certificateFault({ cert, key, ...(clientCa === undefined ? {} : { ca: clientCa }) });
  if (problem !== undefined) {
    context.reporter.report("HK1122", context.positions.value(yaml, "cert"), { problem });
    return undefined;
  }
  const ca = yaml.client_ca === undefined ? {} : { clientCa: yaml.client_ca };
  return {
    cert,
    key: new Secret(key),
    ...(clientCa === undefined ? {} : { clientCa }),
    files: { cert: yaml.cert, key: yaml.key, ...ca },
  };
}

const ROLES = ["viewer", "operator", "planner", "admin"];

function compileAdmin(context: CompileContext, readNamed: ReadNamed): AdminModel {
  const admin = context.config.admin ?? {};
  const tls = tlsOf(context, admin.tls, readNamed);
  const roles = admin.roles ?? {};
  for (const role of Object.keys(roles))
    checkName(context, "role", role, { names: ROLES, mark: context.positions.key(roles, role) });
  const tokens = (admin.tokens ?? []).map((token) => {
    const until = token.until === undefined ? undefined : parseIso(token.until);
    const teams = token.teams ?? [];
    checkNames(context, "team", teams, Object.keys(context.config.teams ?? {}));
    if (token.until !== undefined && until === undefined) {
      context.reporter.report(
        "HK1014",
        context.positions.value(token, "until"),
        { where: "`until`", problem: `\`${token.until}\` is no date` },
        { expected: "a date such as 2027-01-31" },
      );
    }
    if (admin.tokens?.find((one) => one.name === token.name) !== token)
      context.reporter.report("HK1322", context.positions.value(token, "name"), { name: token.name });
    return {
      name: token.name,
      sha256: tokenDigest(context, token),
      role: token.role,
      teams,
      ...(until === undefined ? {} : { until }),
    };
  });
  return {
    host: admin.host ?? "127.0.0.1",
    port: admin.port ?? 8081,
    allowedHosts: admin.allowed_hosts ?? [],
    tokens,
    roles: new Map(Object.entries(roles)),
    ...(tls === undefined ? {} : { tls }),
  };
}

type TokenYaml = NonNullable<NonNullable<ConfigYaml["admin"]>["tokens"]>[number];

/** Empty, which no token has, after a fault. */
function tokenDigest({ reporter, positions }: CompileContext, yaml: TokenYaml): string {
  const { name, hash: given, token } = yaml;
  if ((given === undefined) === (token === undefined)) {
    reporter.report("HK1320", positions.value(yaml, given === undefined ? "name" : "token"), { name });
    return "";
  }
  if (given === undefined) return hash("sha256", token ?? "", "hex");
  const hex = /^sha256:([0-9a-f]{64})$/.exec(given)?.[1];
  if (hex === undefined) reporter.report("HK1321", positions.value(yaml, "hash"), { name });
  return hex ?? "";
}

/** An absolute path is data's own place; a relative one stays in the folder. */
function compileStore(context: CompileContext): Revision["store"] {
  const { config, positions, reporter } = context;
  const fallback = { kind: "sqlite" as const, path: "./data/hookrail.db" };
  const { store } = config;
  if (store === undefined) return fallback;
  const url = typeof store === "string" ? store : store.url;
  const mark = typeof store === "string" ? positions.value(config, "store") : positions.value(store, "url");
  if (url === "") return fallback;
  const path = /^sqlite:(.+)$/.exec(url)?.[1];
  if (path === undefined) {
    const scheme = /^[a-z][a-z0-9+]*:/.exec(url)?.[0] ?? "no scheme";
    reporter.report("HK1057", mark, { store: scheme }, { expected: "sqlite:PATH, e.g. sqlite:./data/hookrail.db" });
    return fallback;
  }
  if (!isAbsolute(path) && path.split(/[\\/]/).includes("..")) {
    reporter.report("HK1006", mark, { path });
    return fallback;
  }
  return { kind: "sqlite", path };
}

function compileRetention(config: ConfigYaml): Revision["retention"] {
  const retention = config.retention ?? {};
  const history = parseDuration(retention.history);
  const audit = parseDuration(retention.audit);
  return {
    bodiesMs: durationOr(retention.bodies, 30 * DAY),
    eventsMs: durationOr(retention.events, 400 * DAY),
    deadLettersMs: durationOr(retention.dead_letters, 180 * DAY),
    ...(history.ok ? { historyMs: history.value } : {}),
    ...(audit.ok ? { auditMs: audit.value } : {}),
  };
}

function compileLimits(config: ConfigYaml): LimitsModel {
  const limits = config.limits ?? {};
  const rate = parseRate(limits.accept_rate);
  const reserve = parseSize(limits.disk_reserve);
  return {
    mappingTimeoutMs: durationOr(limits.mapping_timeout, 250),
    maxItems: limits.max_items ?? 1000,
    maxDepth: limits.max_depth ?? 64,
    ...(rate.ok ? { acceptRate: rate.value } : {}),
    ...(limits.backlog === undefined ? {} : { backlog: limits.backlog }),
    drainMs: durationOr(limits.drain, 20_000),
    ...(reserve.ok ? { diskReserveBytes: reserve.value } : {}),
  };
}
