/** A Revision: one validated config, compiled and frozen. Flow and everything above work on this and never on YAML. */
import type { EntityModel } from "../core/entity.ts";
import type { Secret } from "../core/secret.ts";
import type { SourcePosition } from "../core/types.ts";
import type { ConnectionModel, DeliverModel } from "../delivery/model.ts";
import type { Contract } from "../mapping/contract.ts";
import type { HoldModel, RuleModel, TableRef } from "../mapping/model.ts";
import type { VersionGate } from "../mapping/shown-version.ts";
import type { SourceSecret } from "../provider/model.ts";
import type { Recipe } from "../provider/recipe.ts";
import type { AlertingModel, AlertModel, ChannelModel, DropModel, MovedModel, TeamModel } from "./operations.ts";
import type { TestModel, TraceModel } from "./test-model.ts";

export interface SourceModel {
  readonly name: string;
  readonly path: string;
  readonly provider: string;
  readonly recipe: Recipe;
  readonly secrets: readonly SourceSecret[];
  /** Params a recipe asks for besides secrets, e.g. the registered URL. */
  readonly params: Readonly<Record<string, string | Secret>>;
  /** Dot path below which expressions read; "" for the whole body. */
  readonly root: string;
  /** How payload numbers become `time` attributes. */
  readonly times: "seconds" | "millis" | "iso";
  readonly maxBodyBytes: number;
  /** Requests taken; above it senders get 429. */
  readonly rate?: { readonly count: number; readonly perMs: number };
  /** Only requests from these networks. */
  readonly networks?: readonly string[];
  /** How long a provider id is remembered, ms. */
  readonly dedupeWindowMs: number;
  /** How long a body hash is remembered where there is no id, ms. */
  readonly hashWindowMs: number;
  /** How far ahead of receipt an event's time may lie and still move a version, ms. */
  readonly maxAheadMs: number;
  /** Headers stored beside the body, lower case. */
  readonly keepHeaders: readonly string[];
  /** Silent for longer than this is an alert. */
  readonly heartbeatMs?: number;
  /** False: the endpoint is not served. */
  readonly enabled: boolean;
  readonly position: SourcePosition;
}

export interface PipelineModel {
  readonly name: string;
  readonly description?: string;
  readonly owner: string;
  readonly runbook?: string;
  readonly source: SourceModel;
  /** False: it takes no events. */
  readonly enabled: boolean;
  /** `objective` between 0 and 1. */
  readonly sla: { readonly lagMs: number; readonly objective: number };
  readonly hold: HoldModel;
  readonly rules: readonly RuleModel[];
  /** Per rule index: the rule's own entries, then the pipeline's. */
  readonly deliver: readonly (readonly DeliverModel[])[];
  /** JSON Schema contract by version, when named. */
  readonly contract?: Contract;
  /** How events show the version of their contract, where it says so. */
  readonly versions?: VersionGate;
  readonly tests: readonly TestModel[];
  readonly traces: readonly TraceModel[];
  readonly position: SourcePosition;
}

export interface Revision {
  /** SHA-256 of the canonical content, hex. */
  readonly hash: string;
  readonly gitCommit?: string;
  /** Files as read, path -> text. Secrets are references in them, never values. */
  readonly files: Readonly<Record<string, string>>;
  readonly environment: "production" | "staging" | "dev";
  /** Folder of `config.yaml`, absolute. */
  readonly root: string;
  readonly server: ServerModel;
  readonly admin: AdminModel;
  readonly store: { readonly kind: "sqlite"; readonly path: string };
  readonly teams: ReadonlyMap<string, TeamModel>;
  readonly channels: ReadonlyMap<string, ChannelModel>;
  readonly alerts: readonly AlertModel[];
  readonly alerting: AlertingModel;
  readonly sources: ReadonlyMap<string, SourceModel>;
  readonly tables: ReadonlyMap<string, TableRef>;
  readonly entities: ReadonlyMap<string, EntityModel>;
  readonly connections: ReadonlyMap<string, ConnectionModel>;
  readonly pipelines: readonly PipelineModel[];
  /** In ms; absent: for ever. */
  readonly retention: {
    readonly bodiesMs: number;
    readonly eventsMs: number;
    readonly deadLettersMs: number;
    readonly historyMs?: number;
    readonly auditMs?: number;
  };
  readonly limits: LimitsModel;
  readonly log: {
    readonly level: "debug" | "info" | "warn" | "error";
    readonly format: "auto" | "json" | "pretty";
    readonly hashKey?: Secret;
    /** Share of events whose lines are written while all goes well. */
    readonly sample: number;
  };
  readonly otel?: OtelModel;
  /** `none` was said, a source of seeds is named, or nothing was said. */
  readonly seed: "none" | "declared" | "unsaid";
  /** By entity. */
  readonly seeds: ReadonlyMap<string, SeedModel>;
  readonly moved: MovedModel;
  readonly drop: DropModel;
}

/** Where what is known of one entity is found. */
export interface SeedModel {
  readonly entity: string;
  readonly from:
    | { readonly kind: "file"; readonly path: string }
    | { readonly kind: "query"; readonly connection: string; readonly query: string };
  /** The column that is the entity's key. */
  readonly key: string;
  /** Column -> id, attribute, `state` or `parent`; columns that are not named here are what they are called. */
  readonly columns: ReadonlyMap<string, string>;
  readonly position: SourcePosition;
}

/** Where traces and metrics go. */
export interface OtelModel {
  /** Without `/v1/…`. */
  readonly endpoint: string;
  readonly headers: ReadonlyMap<string, Secret>;
  readonly serviceName: string;
  /** Share of events that are traced. */
  readonly sample: number;
}

export interface ServerModel {
  readonly host: string;
  readonly port: number;
  readonly publicUrl?: string;
  readonly trustedProxies: readonly string[];
  readonly maxConnections: number;
  readonly maxHeaderBytes: number;
  readonly headerTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly tls?: TlsModel;
}

export interface TlsModel {
  /** PEM texts. */
  readonly cert: string;
  readonly key: Secret;
  /** Clients must show a certificate of this CA. */
  readonly clientCa?: string;
  /** Where they were read, relative to the root: certificates are renewed in place. */
  readonly files: { readonly cert: string; readonly key: string; readonly clientCa?: string };
}

export interface AdminModel {
  readonly host: string;
  readonly port: number;
  readonly allowedHosts: readonly string[];
  readonly tokens: readonly AdminToken[];
  /** Rights by role, where they differ from the built-in ones. */
  readonly roles: ReadonlyMap<string, readonly string[]>;
  readonly tls?: TlsModel;
}

export interface AdminToken {
  readonly name: string;
  /** Of the token, hex: the token itself is not kept. */
  readonly sha256: string;
  readonly role: string;
  /** Empty: all. */
  readonly teams: readonly string[];
  /** ms since the epoch. */
  readonly until?: number;
}

export interface LimitsModel {
  readonly mappingTimeoutMs: number;
  readonly maxItems: number;
  readonly maxDepth: number;
  readonly acceptRate?: { readonly count: number; readonly perMs: number };
  readonly backlog?: number;
  readonly drainMs: number;
  /** 0: none. Absent: the store's own. */
  readonly diskReserveBytes?: number;
}
