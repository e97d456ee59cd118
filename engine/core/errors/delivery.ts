import type { ErrorEntries } from "../errors.ts";

/** 50xx sinks, 51xx plugins and presets, 52xx `deliver:` and `connections:`; 53xx is sending.ts. */
export const deliveryErrors = {
  HK5001: {
    title: "The request would blank or add an attribute",
    message: "connection `{connection}`, action `{action}`: {what} at `{path}`; nothing was sent",
    help: 'Before anything is sent, the finished body is compared with what this delivery may change: an empty value (null, "", "undefined", "NaN") is allowed only for an attribute that is cleared on purpose, and no attribute may appear that is not part of the delivery. Look at the body template or the sink preset: a template such as `"{tier}"` or `plan & ""` makes empty text from a missing value.',
    wrong: 'body:\n  tier: \'"" & attributes.tier\'    # absent tier becomes ""',
    right: "body:\n  tier: attributes.tier           # absent tier is left out",
  },
  HK5002: {
    title: "A part of the request is empty",
    message: "connection `{connection}`, action `{action}`: `{part}` is empty or not text; nothing was sent",
    help: "An identity, a path segment or a required part of the request has no value for this entity, so the write could hit the wrong record. Check that the entity has the id the action needs.",
  },
  HK5003: {
    title: "A header value can not be sent",
    message:
      "connection `{connection}`: header `{header}` has a line break or characters outside Latin-1; nothing was sent",
    help: "Header values may not carry line breaks or characters beyond Latin-1 (RFC 9110, section 5.5). Put the value into the body, or encode it.",
  },
  HK5004: {
    title: "The sink does not know the action",
    message: "sink `{sink}` has no action `{action}`",
    help: "The pipeline asks for an action this sink does not offer. docs/reference/connections.md lists the actions of each sink.",
  },
  HK5005: {
    title: "Attribute not declared for the table",
    message: "connection `{connection}`: table `{table}` has no column for `{name}`; nothing was written",
    help: "The sql sink writes only into columns that are declared: the attributes of the entity, or `columns:` of the table. Add the column, or narrow the delivery with `fields:`.",
  },
  HK5006: {
    title: "An effect needs a table",
    message:
      "connection `{connection}`: action `{action}` is an event, and `events_table` is not set; nothing was written",
    help: "`upsert` and `delete` work on the entity's own table. Effects such as `track` are rows of an event table: name it in the connection.",
    right: "connections:\n  local: { sink: sql, url: sqlite:./data/crm.db, events_table: crm_events }",
  },
  HK5007: {
    title: "A sink can not be opened",
    message: "connection `{connection}`: {reason}",
    help: "The sink's settings are valid, but it could not be set up. Nothing was sent.",
  },
  HK5008: {
    title: "A setting is missing",
    message: "connection `{connection}`: setting `{setting}` is needed to send and is not set",
    help: "The preset builds its host or credentials from this setting. Add it to the connection in config.yaml.",
  },
  HK5009: {
    title: "A frozen request can not be read",
    message: "connection `{connection}`: the stored request does not fit the sink `{sink}`",
    help: "The request was frozen by another version of the sink, or the connection now uses another sink. Discard the delivery, or replay its event.",
  },
  HK5101: {
    title: "Sink name not allowed",
    message: "`{name}` in {file} is no sink name",
    help: "Names of sinks start with a letter and hold lower-case letters, digits, `_` and `-`.",
  },
  HK5102: {
    title: "Two sinks with one name",
    message: "sink `{name}` is defined in {first} and in {second}",
    help: "Rename one of them: connections refer to sinks by name.",
  },
  HK5103: {
    title: "Default action missing",
    message: "sink `{name}` in {file} has no action `{action}`, which is its default",
    help: "`default_action` must be one of the sink's actions.",
  },
  HK5104: {
    title: "Not a sink plugin",
    message: "{file} does not export a sink",
    help: "A plugin file exports one descriptor by default: `export default defineSink({ … })`, with `defineSink` from `hookrail/plugin`.",
  },
  HK5105: {
    title: "File and sink differ in name",
    message: "{file} exports the sink `{name}`",
    help: "A sink's name is the name of its file, so that it can be found.",
  },
  HK5106: {
    title: "Sink preset not valid",
    message: "preset `{name}`: {reason}",
    help: "The file in plugins/sinks/ does not follow the preset grammar. `hookrail schema` prints it for your editor.",
  },
  HK5201: {
    title: "Connection not declared",
    message: "connection `{name}` is not declared",
    help: "`to:` names one of `connections:` in config.yaml.",
  },
  HK5203: {
    title: "Action not known",
    message: "sink `{sink}` has no action `{action}`",
    help: "docs/reference/connections.md lists the actions of each sink.",
  },
  HK5204: {
    title: "Parameter not known",
    message: "`{param}` is not a field of action `{action}` of sink `{sink}`",
    help: "A deliver entry takes the common fields (`to`, `entity`, `action`, `event`, `on_change`, `on_enter`, `from`, `once`, `when`, `not_after`, `fields`, `name`) and those of its action.",
  },
  HK5205: {
    title: "Parameter missing or of the wrong type",
    message: "action `{action}` of sink `{sink}`: {reason}",
    help: "The action needs this field. A constant is written as it is; an expression as `{ from: EXPRESSION }`.",
  },
  HK5206: {
    title: "Not a duration, size or rate",
    message: "`{key}` is `{value}`",
    help: "Quantities carry their unit, so that nobody mixes up seconds and milliseconds.",
    wrong: "timeout: 30",
    right: "timeout: 30s",
  },
  HK5207: {
    title: "Two equal deliver entries",
    message: "two entries deliver to `{id}`",
    help: "Entries that agree in connection, action, entity and event would share one idempotency key. Give one of them a `name:`.",
  },
  HK5208: {
    title: "Setting not valid",
    message: "sink `{sink}`: {reason}",
    help: "docs/reference/connections.md lists the settings of each sink.",
  },
  HK5209: {
    title: "Entity, attribute or state not declared",
    message: "{what} `{name}` is not declared{where}",
    help: "A deliver entry names entities, attributes and states of config.yaml.",
  },
  HK5210: {
    title: "Field does not suit the action",
    message: "`{field}` makes no sense for {kind} `{action}`",
    help: "An upsert converges by itself and carries no event name; `once` and `event` belong to effects.",
  },
  HK5211: {
    title: "Retries outlast the sink's memory",
    message: "retries go on for {horizon}, but the sink forgets idempotency keys after {window}",
    help: "A retry after the window would be applied a second time. Keep the horizon within 0.9 of the window.",
  },
  HK5212: {
    title: "`from` without `on_enter`",
    message: "`from` says where an entity comes from, and there is no `on_enter` that says where to",
    help: "`from` narrows `on_enter`: the delivery is made when the entity enters one state out of another.",
    wrong: '- { to: slack, action: post, channel: "#cs", from: unknown }',
    right: '- { to: slack, action: post, channel: "#cs", on_enter: active, from: unknown }',
  },
} as const satisfies ErrorEntries;
