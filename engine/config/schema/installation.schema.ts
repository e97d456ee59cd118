/** `config.yaml`, the part about the process itself: where it listens, keeps its data, logs, and what it keeps how long. */
import { Type } from "typebox";
import {
  closed,
  durationText,
  flag,
  keyed,
  later,
  named,
  nameRef,
  oneOf,
  rateText,
  secretText,
  sizeText,
  text,
} from "../../core/schema.ts";

const maybe = Type.Optional;
const port = (description: string) =>
  Type.Integer({ minimum: 0, maximum: 65535, description, "x-expects": "a port number, 0 to 65535" });

const tlsSchema = closed(
  {
    cert: text("Certificate chain, PEM file."),
    key: text("Private key, PEM file."),
    client_ca: maybe(text("CA that client certificates must come from, PEM file.")),
  },
  { description: "Serve HTTPS. Usually a proxy does." },
);

const networks = (description: string) =>
  Type.Array(text("An address or a range such as 10.0.0.0/8."), { description });

export const serverSchema = closed(
  {
    host: maybe(text("Address the hooks listen on. Default: 127.0.0.1, or 0.0.0.0 in production and staging.")),
    port: maybe(port("Port the hooks listen on. Default: 8080; 0 takes a free one.")),
    public_url: maybe(
      text("The URL senders reach the hooks under, e.g. https://hooks.example.com; for providers that sign it.", {
        pattern: "^https?://[^/?#@\\s]+(/[^?#\\s]*)?$",
        "x-expects": "a URL without query, such as https://hooks.example.com",
      }),
    ),
    tls: maybe(tlsSchema),
    trusted_proxies: maybe(networks("Proxies whose X-Forwarded-For is believed. Default: none.")),
    limits: maybe(
      closed(
        {
          max_body: maybe(sizeText("Largest body of any source that names no other. Default: 5MiB.")),
          max_header: maybe(sizeText("Largest header block. Default: 16KiB.")),
          max_connections: maybe(Type.Integer({ minimum: 1, description: "Connections at one time. Default: 1024." })),
          header_timeout: maybe(durationText("How long a client may take for its headers. Default: 10s.")),
          request_timeout: maybe(durationText("How long a client may take for a request. Default: 30s.")),
        },
        { description: "Bounds on what any client may do." },
      ),
    ),
  },
  { description: "Where hooks come in." },
);

const roles = ["viewer", "operator", "planner", "admin"] as const;

export const adminSchema = closed(
  {
    host: maybe(text("Address the admin API, dashboard and metrics listen on. Default: 127.0.0.1.")),
    port: maybe(port("Their port. Default: 8081; 0 takes a free one.")),
    tls: maybe(tlsSchema),
    allowed_hosts: maybe(
      Type.Array(text("A host name."), { description: "Host names the admin API answers to, besides loopback." }),
    ),
    tokens: maybe(
      Type.Array(
        closed({
          name: nameRef("Who holds it; the audit log names it."),
          hash: maybe(text("`sha256:` and 64 digits: what is kept of the token. `hookrail token new` prints it.")),
          token: maybe(secretText("Instead of `hash`: the bearer token itself, from the environment.")),
          role: oneOf(roles, "What it may do."),
          teams: maybe(
            later(
              Type.Array(nameRef("A team."), { description: "Only pipelines of these teams. Default: all." }),
              "refuse",
            ),
          ),
          until: maybe(text("Not valid after this date, e.g. 2027-01-31.")),
        }),
        { description: "Bearer tokens. Without any, the admin API answers on loopback only." },
      ),
    ),
    roles: maybe(
      named(
        Type.Array(
          oneOf(
            [
              "read",
              "read_sensitive",
              "pause",
              "retry",
              "discard",
              "replay",
              "edit",
              "plan",
              "seed",
              "erase",
              "reload",
              "secrets",
            ],
            "A right.",
          ),
          { minItems: 1 },
        ),
        "What each role may do, where that is to differ from the built-in viewer, operator, planner and admin.",
      ),
    ),
  },
  { description: "Where operators come in." },
);

export const storeSchema = Type.Union(
  [
    text("`sqlite:PATH` or `postgres://…`.", { "x-expects": "a store such as sqlite:./data/hookrail.db" }),
    closed({
      url: text("`sqlite:PATH` or `postgres://…`."),
      pool: maybe(Type.Integer({ minimum: 1, maximum: 256, description: "Connections to PostgreSQL. Default: 10." })),
      allow_async_standby: maybe(
        flag("Accept a PostgreSQL that may lose acknowledged events in a failover. Default: false."),
      ),
    }),
  ],
  { description: "Where events are kept. Default: sqlite:./data/hookrail.db." },
);

export const retentionSchema = closed(
  {
    bodies: maybe(durationText("Raw bodies. Default: 30d.")),
    events: maybe(durationText("Events without their bodies, deliveries and attempts. Default: 400d.")),
    dead_letters: maybe(
      durationText("Open dead letters, with their bodies; then they count as discarded. Default: 180d."),
    ),
    history: maybe(durationText("Who wrote which attribute. Default: for ever.")),
    audit: maybe(durationText("What operators did. Default: for ever.")),
  },
  { description: "How long things are kept." },
);

export const limitsSchema = closed(
  {
    mapping_timeout: maybe(durationText("How long one event's expressions may take. Default: 250ms.")),
    max_items: maybe(
      Type.Integer({ minimum: 1, maximum: 100_000, description: "Events one request may carry. Default: 1000." }),
    ),
    max_depth: maybe(
      Type.Integer({
        minimum: 1,
        maximum: 512,
        description: "Nesting of payloads that are still read; deeper ones become dead letters. Default: 64.",
      }),
    ),
    accept_rate: maybe(rateText("Verified requests taken in all; above it senders get 503. Default: no bound.")),
    backlog: maybe(
      Type.Integer({
        minimum: 1,
        description:
          "Events that wait to be applied, once for each pipeline; above it senders get 503. Default: no bound.",
      }),
    ),
    drain: maybe(durationText("How long a stop waits for what is under way. Default: 20s.")),
    disk_reserve: maybe(
      sizeText(
        "Kept free beside the store by a file that is given up when the disk is full, so that retention can make room; 0B: none. Default: 64MiB, at most an eighth of the disk. Read at the start.",
      ),
    ),
  },
  { description: "Bounds on what the engine does at once." },
);

export const logSchema = closed(
  {
    level: maybe(oneOf(["debug", "info", "warn", "error"], "Least severe level that is written. Default: info.")),
    format: maybe(oneOf(["auto", "json", "pretty"], "auto: readable on a terminal, JSON else.")),
    hash_key: maybe(
      secretText(
        "Key of the hashes that stand for sensitive values in the log, 16 characters or more, so that lines of one person can be found. Default: such values are left out.",
      ),
    ),
    sample: maybe(
      Type.Number({
        minimum: 0,
        maximum: 1,
        description:
          "Share of events whose lines at info are written when all goes well; warnings always are. Default: 1.",
      }),
    ),
  },
  { description: "What is logged. Bodies and sensitive values never are." },
);

export const otelSchema = closed(
  {
    endpoint: text("Base address of a collector that takes OTLP over HTTP, e.g. http://127.0.0.1:4318."),
    headers: maybe(keyed(secretText("Value."), "Headers sent with it.")),
    service_name: maybe(text("Default: hookrail.")),
    sample: maybe(Type.Number({ minimum: 0, maximum: 1, description: "Share of events that are traced. Default: 1." })),
  },
  { description: "Traces and metrics by OpenTelemetry." },
);

export const teamSchema = closed(
  {
    description: maybe(text("What the team looks after.")),
    alerts: maybe(nameRef("Channel that hears of trouble.")),
    page: maybe(nameRef("Channel that wakes someone.")),
    email: maybe(text("How to reach the team.")),
  },
  { description: "A team that owns pipelines and attributes." },
);

export const movedSchema = closed(
  {
    pipelines: maybe(keyed(nameRef("The new name."), "Old name -> new name.")),
    sources: maybe(keyed(nameRef("The new name."), "Old name -> new name: dedupe and versions go along.")),
    connections: maybe(keyed(nameRef("The new name."), "Old name -> new name: what it last acknowledged goes along.")),
    entities: maybe(keyed(nameRef("The new name."), "Old name -> new name.")),
    attributes: maybe(keyed(text("entity.attribute"), "Old entity.attribute -> new one.")),
    states: maybe(keyed(text("entity.state"), "Old entity.state -> new one.")),
  },
  { description: "What has a new name: live data follows it." },
);

export const dropSchema = closed(
  {
    pipelines: maybe(Type.Array(nameRef("A pipeline."), { description: "Pipelines." })),
    sources: maybe(Type.Array(nameRef("A source."), { description: "Sources." })),
    connections: maybe(Type.Array(nameRef("A connection."), { description: "Connections." })),
    entities: maybe(Type.Array(nameRef("An entity."), { description: "Entities." })),
    attributes: maybe(Type.Array(text("entity.attribute"), { description: "Attributes, as entity.attribute." })),
    states: maybe(Type.Array(text("entity.state"), { description: "States, as entity.state." })),
  },
  { description: "What is gone on purpose, though live rows hold it." },
);
