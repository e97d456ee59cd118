/** `config.yaml`: the installation. */
import { type Static, type TSchema, Type } from "typebox";
import { anyValue, closed, named, nameRef, oneOf, text } from "../../core/schema.ts";
import { connectionCommon } from "../../delivery/deliver.schema.ts";
import { letSchema } from "../../mapping/mapping.schema.ts";
import { alertingSchema, alertSchema, channelSchema } from "./alerts.schema.ts";
import { ownCheckSchema } from "./checks.schema.ts";
import { entitySchema, tableSchema } from "./entities.schema.ts";
import {
  adminSchema,
  dropSchema,
  limitsSchema,
  logSchema,
  movedSchema,
  otelSchema,
  retentionSchema,
  serverSchema,
  storeSchema,
  teamSchema,
} from "./installation.schema.ts";
import { sourceSchema } from "./source.schema.ts";

const maybe = Type.Optional;

/** A connection before its sink is known: its own settings are let through and checked against the sink's schema. */
export const anyConnectionSchema = Type.Object(connectionCommon, {
  description: "A configured sink; the keys beside these are the sink's own.",
  additionalProperties: anyValue("A setting of the sink."),
});

const seedEntry = closed(
  {
    file: maybe(text("A CSV file with a line of column names.")),
    connection: maybe(nameRef("A SQL connection.")),
    query: maybe(text("The query, with `connection`.")),
    key: text("The column that is the entity's key."),
    columns: maybe(
      Type.Record(Type.String(), text("An attribute, an id's name, `state`, or `parent`."), {
        description: "Column -> attribute. Default: equal names.",
      }),
    ),
  },
  { description: "What the CRM knows of one entity." },
);

/** `config.yaml`, with what a connection may be. */
export function configSchemaFor<C extends TSchema>(connection: C) {
  return closed(
    {
      description: maybe(text("What this installation is.")),
      environment: maybe(oneOf(["production", "staging", "dev"], "Where this installation stands. Default: dev.")),
      env_file: maybe(text("A file of NAME=value lines; the environment wins over it.")),
      server: maybe(serverSchema),
      admin: maybe(adminSchema),
      store: maybe(storeSchema),
      teams: maybe(named(teamSchema, "The teams.")),
      channels: maybe(named(channelSchema, "Where alerts go.")),
      alerts: maybe(named(alertSchema, "Alert rules, besides the built-in ones.")),
      alerting: maybe(alertingSchema),
      sources: maybe(named(sourceSchema, "Endpoints that several pipelines share.")),
      tables: maybe(named(tableSchema, "Lookup tables for mappings.")),
      fragments: maybe(
        named(
          letSchema,
          "Names for parts of payloads that several rules share: `let:` takes them in by the fragment's name.",
        ),
      ),
      entities: maybe(named(entitySchema, "What events are about.")),
      connections: maybe(named(connection, "Configured sinks.")),
      seed: maybe(
        Type.Union([Type.Literal("none"), named(seedEntry, "By entity.")], {
          description: "What is known already: `none`, or where it is found.",
          "x-expects": "none, or a mapping from entities to { file, key }",
        }),
      ),
      retention: maybe(retentionSchema),
      limits: maybe(limitsSchema),
      log: maybe(logSchema),
      otel: maybe(otelSchema),
      moved: maybe(movedSchema),
      drop: maybe(dropSchema),
      checks: maybe(named(ownCheckSchema, "Checks of your own, asked by `hookrail check`.")),
    },
    { description: "The installation." },
  );
}

export const configSchema = configSchemaFor(anyConnectionSchema);

export type ConfigYaml = Static<typeof configSchema>;
export type ConnectionYaml = Static<typeof anyConnectionSchema>;
