/**
 * A corpus: recorded events in a folder that is kept in git, so that `plan` has something to go by where there is no store.
 * `manifest.json` says what it is, `events.ndjson` holds one event a line, oldest first, `state.ndjson` what was known before
 * them. The form is part of the contract with those who keep one: docs/record-and-tail.md.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fail } from "../core/errors.ts";
import { parseJson } from "../core/json.ts";
import { refKey } from "../core/record.ts";
import type { Json, JsonObject } from "../core/types.ts";
import { isJsonObject } from "../core/values.ts";
import { type CorpusEntity, entityLine, readEntity } from "./corpus-state.ts";

/** Read as long as it is not higher: fields may come, none goes or changes its meaning. */
export const CORPUS_VERSION = 1;
const MANIFEST = "manifest.json";
const EVENTS = "events.ndjson";
const STATE = "state.ndjson";
const FORMAT = "hookrail-corpus";

export interface CorpusManifest {
  readonly format: typeof FORMAT;
  readonly formatVersion: number;
  /** Hash of the config whose declarations said what is sensitive. */
  readonly revision: string;
  readonly gitCommit?: string;
  readonly recordedAt: number;
  readonly events: number;
  /** How many there are of each source. */
  readonly sources: Readonly<Record<string, number>>;
  /** How many were known before the first event; absent: the corpus does not say. */
  readonly entities?: number;
}

/** What a rule fetched for an event. */
export interface CorpusAnswer {
  readonly connection: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly at: number;
  readonly body: Json;
}

/** One event, in the form of the samples of recipes: not signed, its body as JSON whatever it was sent as. */
export interface CorpusEvent {
  /** Our id of the event where it was recorded. */
  readonly name: string;
  readonly source: string;
  readonly type: string;
  readonly receivedAt: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Json;
  readonly fetched?: readonly CorpusAnswer[];
}

export interface Corpus {
  readonly manifest: CorpusManifest;
  readonly events: readonly CorpusEvent[];
  /** Empty where the corpus does not say. */
  readonly entities: readonly CorpusEntity[];
}

/** Writes a whole corpus; one that was there is replaced. Stable: the same events give the same bytes. */
export function writeCorpus(
  folder: string,
  events: readonly CorpusEvent[],
  about: Pick<CorpusManifest, "revision" | "gitCommit" | "recordedAt"> & {
    readonly entities?: readonly CorpusEntity[];
  },
): CorpusManifest {
  const sources: Record<string, number> = {};
  for (const { source } of events) sources[source] = (sources[source] ?? 0) + 1;
  const { gitCommit, entities } = about;
  const manifest: CorpusManifest = {
    format: FORMAT,
    formatVersion: CORPUS_VERSION,
    revision: about.revision,
    ...(gitCommit === undefined ? {} : { gitCommit }),
    recordedAt: about.recordedAt,
    events: events.length,
    sources: Object.fromEntries(Object.entries(sources).sort(([a], [b]) => (a < b ? -1 : 1))),
    ...(entities === undefined ? {} : { entities: entities.length }),
  };
  mkdirSync(folder, { recursive: true });
  // Events first: a manifest that counts others than there are is told by `readCorpus`.
  replaceFile(join(folder, EVENTS), linesOf(events.map(eventLine)));
  if (entities === undefined) rmSync(join(folder, STATE), { force: true });
  else replaceFile(join(folder, STATE), linesOf(entities.toSorted(byRef).map(entityLine)));
  replaceFile(join(folder, MANIFEST), `${JSON.stringify(manifestDocument(manifest), undefined, 2)}\n`);
  return manifest;
}

const linesOf = (documents: readonly object[]) => documents.map((one) => `${JSON.stringify(one)}\n`).join("");
const byRef = (a: CorpusEntity, b: CorpusEntity) => (refKey(a.record) < refKey(b.record) ? -1 : 1);

function replaceFile(path: string, text: string): void {
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}

const eventLine = (event: CorpusEvent) => ({
  name: event.name,
  source: event.source,
  type: event.type,
  received_at: new Date(event.receivedAt).toISOString(),
  headers: event.headers,
  body: event.body,
  ...(event.fetched === undefined
    ? {}
    : { fetched: event.fetched.map(({ at, ...one }) => ({ ...one, at: new Date(at).toISOString() })) }),
});

const manifestDocument = (manifest: CorpusManifest) => ({
  format: manifest.format,
  format_version: manifest.formatVersion,
  revision: manifest.revision,
  git_commit: manifest.gitCommit ?? null,
  recorded_at: new Date(manifest.recordedAt).toISOString(),
  events: manifest.events,
  sources: manifest.sources,
  ...(manifest.entities === undefined ? {} : { entities: manifest.entities }),
});

/** Reads and judges a corpus. Fails with HK8146 where it is none, or is not whole. */
export function readCorpus(folder: string): Corpus {
  const manifest = readManifest(folder, objectIn(folder, MANIFEST, readText(folder, MANIFEST)));
  const events = readLines(folder, EVENTS, (raw, line) => readEvent(folder, line, raw));
  if (events.length !== manifest.events)
    fail("HK8146", { folder, problem: `${MANIFEST} counts ${manifest.events} events, ${EVENTS} has ${events.length}` });
  if (manifest.entities === undefined) return { manifest, events, entities: [] };
  const entities = readLines(
    folder,
    STATE,
    (raw, line) =>
      readEntity(raw) ??
      fail("HK8146", { folder, problem: `line ${line} of ${STATE} lacks entity, key, ids, attributes or state` }),
  );
  if (entities.length !== manifest.entities)
    fail("HK8146", {
      folder,
      problem: `${MANIFEST} counts ${manifest.entities} entities, ${STATE} has ${entities.length}`,
    });
  return { manifest, events, entities };
}

function readLines<T>(folder: string, file: string, read: (raw: JsonObject, line: number) => T): T[] {
  const lines = readText(folder, file)
    .split("\n")
    .filter((line) => line !== "");
  return lines.map((line, index) => read(objectIn(folder, file, line, index + 1), index + 1));
}

function readText(folder: string, file: string): string {
  try {
    return readFileSync(join(folder, file), "utf8");
  } catch (error) {
    return fail("HK8146", { folder, problem: `${file} can not be read` }, { cause: error });
  }
}

function objectIn(folder: string, file: string, text: string, line?: number): JsonObject {
  const parsed = parseJson(Buffer.from(text));
  if (parsed.ok && isJsonObject(parsed.value)) return parsed.value;
  return fail("HK8146", { folder, problem: `${place(file, line)} is no JSON object` });
}

const place = (file: string, line?: number) => (line === undefined ? file : `line ${line} of ${file}`);

function readManifest(folder: string, raw: JsonObject): CorpusManifest {
  const {
    format,
    format_version: version,
    revision,
    git_commit: commit,
    recorded_at: at,
    events,
    sources,
    entities,
  } = raw;
  const recordedAt = typeof at === "string" ? Date.parse(at) : Number.NaN;
  if (format !== FORMAT || typeof version !== "number")
    return fail("HK8146", { folder, problem: `${MANIFEST} does not say \`"format": "${FORMAT}"\`` });
  if (version > CORPUS_VERSION)
    return fail("HK8146", { folder, problem: `its form is ${version}; this version reads up to ${CORPUS_VERSION}` });
  if (typeof revision !== "string" || typeof events !== "number" || Number.isNaN(recordedAt) || !isJsonObject(sources))
    return fail("HK8146", { folder, problem: `${MANIFEST} lacks revision, recorded_at, events or sources` });
  return {
    format: FORMAT,
    formatVersion: version,
    revision,
    ...(typeof commit === "string" ? { gitCommit: commit } : {}),
    recordedAt,
    events,
    sources: Object.fromEntries(Object.entries(sources).map(([name, count]) => [name, Number(count)])),
    ...(typeof entities === "number" ? { entities } : {}),
  };
}

function readEvent(folder: string, line: number, raw: JsonObject): CorpusEvent {
  const { name, source, type, received_at: at, headers, body, fetched } = raw;
  const receivedAt = typeof at === "string" ? Date.parse(at) : Number.NaN;
  const isWhole = [name, source, type].every((text) => typeof text === "string") && !Number.isNaN(receivedAt);
  if (!isWhole || !isJsonObject(headers) || body === undefined)
    return fail("HK8146", {
      folder,
      problem: `line ${line} of ${EVENTS} lacks name, source, type, received_at, headers or body`,
    });
  return {
    name: String(name),
    source: String(source),
    type: String(type),
    receivedAt,
    headers: textsOf(headers),
    body,
    ...(fetched === undefined ? {} : { fetched: readAnswers(folder, line, fetched) }),
  };
}

const textsOf = (raw: JsonObject) =>
  Object.fromEntries(Object.entries(raw).map(([key, value]) => [key, String(value)]));

function readAnswers(folder: string, line: number, raw: Json): CorpusAnswer[] {
  const answers = (Array.isArray(raw) ? (raw as readonly Json[]) : [raw]).map((one): CorpusAnswer | undefined => {
    if (!isJsonObject(one)) return undefined;
    const { connection, path, headers, at, body } = one;
    const time = Date.parse(String(at));
    return typeof connection === "string" && typeof path === "string" && body !== undefined && !Number.isNaN(time)
      ? { connection, path, headers: isJsonObject(headers) ? textsOf(headers) : {}, at: time, body }
      : undefined;
  });
  const isWhole = (one: CorpusAnswer | undefined): one is CorpusAnswer => one !== undefined;
  return answers.every(isWhole)
    ? answers
    : fail("HK8146", {
        folder,
        problem: `\`fetched\` in line ${line} of ${EVENTS} lacks connection, path, at or body`,
      });
}
