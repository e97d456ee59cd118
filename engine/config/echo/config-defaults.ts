/** Defaults of `config.yaml`, as the revision has them. */
import { formatDuration } from "../../core/duration.ts";
import type { ConnectionModel } from "../../delivery/model.ts";
import { DEFAULT_MAX_BODY } from "../compile/sources.ts";
import type { Positions } from "../position.ts";
import { spanOf } from "../position.ts";
import type { Revision, SourceModel } from "../revision.ts";
import type { Draft, Origins } from "./effective.ts";
import { createFiller, type Filler, isDraft, membersOf, rateText, sizeText } from "./fill.ts";

interface Filling {
  readonly origins: Origins;
  readonly positions: Positions;
}

export function fillConfig(config: Draft, revision: Revision, { origins, positions }: Filling): void {
  const filler = createFiller(origins);
  filler.add(config, "environment", revision.environment);
  config["environment"] = revision.environment;
  fillProcess(config, revision, filler);
  for (const [name, draft] of membersOf(config, "sources")) {
    const model = revision.sources.get(name);
    if (model !== undefined) fillSource(draft, model, filler);
  }
  for (const [name, draft] of membersOf(config, "entities")) fillEntity(draft, name, { revision, filler });
  for (const [name, draft] of membersOf(config, "connections")) {
    const model = revision.connections.get(name);
    if (model !== undefined) fillConnection(draft, model, filler);
  }
  fillTables(config, revision, { origins, positions });
  filler.add(config, "seed", "none", "nothing is said of what is known already");
}

function fillProcess(config: Draft, revision: Revision, filler: Filler): void {
  const { server, admin, retention, limits, log, environment } = revision;
  const { section, add } = filler;
  const hooks = section(config, "server");
  add(hooks, "host", server.host, `environment is ${environment}`);
  add(hooks, "port", server.port);
  add(hooks, "trusted_proxies", [...server.trustedProxies]);
  const bounds = hooks === undefined ? undefined : section(hooks, "limits");
  add(bounds, "max_body", sizeText(DEFAULT_MAX_BODY));
  add(bounds, "max_header", sizeText(server.maxHeaderBytes));
  add(bounds, "max_connections", server.maxConnections);
  add(bounds, "header_timeout", formatDuration(server.headerTimeoutMs));
  add(bounds, "request_timeout", formatDuration(server.requestTimeoutMs));
  const operators = section(config, "admin");
  add(operators, "host", admin.host);
  add(operators, "port", admin.port);
  add(operators, "allowed_hosts", [...admin.allowedHosts]);
  add(config, "store", `sqlite:${revision.store.path}`);
  const kept = section(config, "retention");
  add(kept, "bodies", formatDuration(retention.bodiesMs));
  add(kept, "events", formatDuration(retention.eventsMs));
  add(kept, "dead_letters", formatDuration(retention.deadLettersMs));
  const most = section(config, "limits");
  add(most, "mapping_timeout", formatDuration(limits.mappingTimeoutMs));
  add(most, "max_items", limits.maxItems);
  add(most, "max_depth", limits.maxDepth);
  add(most, "drain", formatDuration(limits.drainMs));
  const lines = section(config, "log");
  add(lines, "level", log.level);
  add(lines, "format", log.format);
  add(lines, "sample", log.sample);
}

/** Also of one that is written in a pipeline. */
export function fillSource(draft: Draft, model: SourceModel, { section, add }: Filler): void {
  const recipe = `recipe ${model.recipe.provider}`;
  const inline = draft["provider"] === undefined;
  const why = inline ? undefined : recipe;
  add(draft, "root", model.root === "" ? undefined : model.root, why);
  add(draft, "times", model.times, why);
  add(draft, "max_body", sizeText(model.maxBodyBytes), "the provider's, else server.limits.max_body");
  const dedupe = section(draft, "dedupe");
  add(dedupe, "window", formatDuration(model.dedupeWindowMs), why);
  add(dedupe, "hash_window", formatDuration(model.hashWindowMs));
  add(draft, "max_ahead", formatDuration(model.maxAheadMs), "by the source's clock");
  add(draft, "keep_headers", [...model.keepHeaders]);
  add(draft, "enabled", model.enabled);
  const params = draft["params"];
  if (!isDraft(params)) return;
  for (const name of Object.keys(params)) {
    const shown = params[name];
    const hidden = typeof model.params[name] === "object";
    // The recipe, not the schema, says which of its params is a credential.
    if (hidden && typeof shown === "string" && !shown.includes(", set)"))
      params[name] = "(secret, written out in the file)";
    else if (hidden && typeof shown === "string") params[name] = shown.replaceAll("(variable ", "(secret ");
  }
}

function fillEntity(
  draft: Draft,
  name: string,
  { revision, filler }: { readonly revision: Revision; readonly filler: Filler },
): void {
  const model = revision.entities.get(name);
  if (model === undefined) return;
  const { add } = filler;
  add(draft, "ids", [...model.ids]);
  add(draft, "merge", model.merge ?? "refuse");
  for (const [attribute, yaml] of membersOf(draft, "attributes")) {
    const found = model.attributes.get(attribute);
    if (found === undefined) continue;
    add(yaml, "protected", found.protected);
    add(yaml, "sensitive", found.sensitive);
    add(yaml, "clearable", found.clearable);
    if (found.rollup === undefined && found.derive === undefined) add(yaml, "write", found.write);
  }
}

function fillConnection(draft: Draft, model: ConnectionModel, { section, add }: Filler): void {
  const [rate, ...more] = model.rates;
  if (rate !== undefined && more.length === 0) add(draft, "rate", rateText(rate), `sink ${model.sink.name}`);
  add(draft, "concurrency", model.concurrency);
  add(draft, "timeout", formatDuration(model.timeoutMs));
  add(draft, "at_most_once", model.atMostOnce, model.repeatsDecided ? undefined : `sink ${model.sink.name}`);
  add(draft, "allow_private", model.allowPrivate);
  const breaker = section(draft, "breaker");
  add(breaker, "enabled", model.breaker.failures > 0);
  if (model.breaker.failures === 0) return;
  add(breaker, "failures", model.breaker.failures);
  add(breaker, "open_for", formatDuration(model.breaker.openMs));
}

/** Rows of files in place of the files' names. */
function fillTables(config: Draft, revision: Revision, { origins, positions }: Filling): void {
  for (const [name, written] of membersOf(config, "tables")) {
    const rows = revision.tables.get(name)?.rows;
    const { csv } = written;
    if (rows === undefined || typeof csv !== "string" || rows.get("csv") === csv) continue;
    const table: Draft = {};
    for (const [key, row] of rows) {
      const cells = isDraft(row) ? { ...row } : row;
      table[key] = cells;
      if (!isDraft(row) || !isDraft(cells) || !positions.has(row)) continue;
      const { file, line } = spanOf(positions.of(row));
      for (const column of Object.keys(cells)) origins.set(cells, column, `${file}:${line}`);
    }
    const tables = config["tables"];
    if (isDraft(tables)) tables[name] = table;
  }
}
