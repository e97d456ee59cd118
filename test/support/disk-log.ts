/**
 * The log that disk-calls.c writes, and what a disk may hold when the power goes at some point of it.
 *
 * A write or a truncation is on the disk for sure once a sync of its file that began after it has ended; until then
 * any part of it may be there, in any mix with others. A new file's name is there for sure once its folder was synced,
 * and so is its end. That is less than ext4, XFS or APFS promise.
 */
import { readFileSync } from "node:fs";
import type { Seeded } from "./seeded.ts";

const KINDS = ["", "write", "sync", "synced", "truncate", "create", "unlink", "answer", "request", "open"] as const;

export interface DiskRecord {
  readonly kind: (typeof KINDS)[number];
  /** Name of the file; `.` is the folder. */
  readonly file: string;
  readonly thread: number;
  /** Where it was written, or how long the file is now. */
  readonly offset: number;
  /** What was written, or the head of what was sent. */
  readonly data: Buffer;
}

const HEAD_BYTES = 24;

export function readDiskLog(path: string): DiskRecord[] {
  const log = readFileSync(path);
  const records: DiskRecord[] = [];
  for (let at = 0; at < log.length; ) {
    const length = log.readUInt32LE(at);
    const nameEnd = at + HEAD_BYTES + log.readUInt8(at + 5);
    records.push({
      kind: KINDS[log.readUInt8(at + 4)] ?? "",
      file: log.toString("latin1", at + HEAD_BYTES, nameEnd),
      thread: log.readUInt32LE(at + 8),
      offset: Number(log.readBigUInt64LE(at + 16)),
      data: log.subarray(nameEnd, at + length),
    });
    at += length;
  }
  return records;
}

/** What happens to that which was not synced. */
export type CutMode = "drop" | "prefix" | "torn" | "subset" | "sectors" | "keep";

/** Lost whole, kept up to a point, with the last write torn, any writes, any sectors of any writes, all kept (as after a kill). */
export const CUT_MODES: readonly CutMode[] = ["drop", "prefix", "torn", "subset", "sectors", "keep"];

const SECTOR = 512;

type Change = Pick<DiskRecord, "kind" | "offset" | "data">;

/** A file as the disk surely has it, and what may be there beside. */
class LoggedFile {
  /** More room than the file needs, so that appending does not copy it each time. */
  #room = Buffer.alloc(0);
  #length = 0;
  pending: Change[] = [];

  settle(count: number): void {
    for (const change of this.pending.splice(0, count)) this.#apply(change);
  }

  #apply({ kind, offset, data }: Change): void {
    const end = kind === "truncate" ? offset : Math.max(this.#length, offset + data.length);
    if (end > this.#room.length) {
      const room = Buffer.alloc(Math.max(end, 2 * this.#room.length));
      this.#room.copy(room, 0, 0, this.#length);
      this.#room = room;
    }
    if (end < this.#length) this.#room.fill(0, end, this.#length);
    if (kind === "write") data.copy(this.#room, offset);
    this.#length = end;
  }

  /** The file with these changes on top. */
  with(changes: readonly Change[]): Buffer {
    const copy = new LoggedFile();
    copy.#room = Buffer.from(this.#room.subarray(0, this.#length));
    copy.#length = this.#length;
    for (const change of changes) copy.#apply(change);
    return copy.#room.subarray(0, copy.#length);
  }
}

/** A name in the folder. `file`: undefined when it is gone. */
interface Name {
  readonly file: LoggedFile | undefined;
}

/** Plays a log forwards; at any point it can say what the disk may hold if the power goes there. */
export class DiskReplay {
  #at = 0;
  readonly #records: readonly DiskRecord[];
  /** As every process sees it. */
  readonly #now = new Map<string, Name>();
  /** As the disk surely has it. */
  readonly #surely = new Map<string, Name>();
  /** By thread and file: how much of what is pending the sync under way covers. */
  readonly #syncing = new Map<string, { readonly file: LoggedFile | undefined; count: number }>();
  readonly #namesSyncing = new Map<number, Map<string, Name>>();

  constructor(records: readonly DiskRecord[]) {
    this.#records = records;
  }

  /** Plays on until just before record `index`. */
  playTo(index: number): void {
    for (; this.#at < index; this.#at++) {
      const record = this.#records[this.#at];
      if (record !== undefined) this.#play(record);
    }
  }

  #play(record: DiskRecord): void {
    const { kind, file: name, thread } = record;
    const file = this.#now.get(name)?.file;
    if (name === ".") this.#playFolder(kind, thread);
    else if (kind === "create") this.#now.set(name, { file: new LoggedFile() });
    else if (kind === "unlink") this.#now.set(name, { file: undefined });
    else if (kind === "write" || kind === "truncate") {
      if (file === undefined) throw new Error(`${kind} on ${name}, which was never created`);
      file.pending.push(record);
    } else if (kind === "sync") this.#syncing.set(`${thread} ${name}`, { file, count: file?.pending.length ?? 0 });
    else if (kind === "synced") this.#settle(`${thread} ${name}`);
  }

  #settle(key: string): void {
    const sync = this.#syncing.get(key);
    this.#syncing.delete(key);
    if (sync?.file === undefined) return;
    const { file, count } = sync;
    file.settle(count);
    // What one sync has settled another one that is under way need not settle again.
    for (const other of this.#syncing.values()) if (other.file === file) other.count = Math.max(0, other.count - count);
  }

  #playFolder(kind: DiskRecord["kind"], thread: number): void {
    if (kind === "sync") this.#namesSyncing.set(thread, new Map(this.#now));
    else if (kind === "synced")
      for (const [name, entry] of this.#namesSyncing.get(thread) ?? []) this.#surely.set(name, entry);
  }

  /** The files of the folder after a power cut here. */
  cut(mode: CutMode, random: Seeded): Map<string, Buffer> {
    const files = new Map<string, Buffer>();
    for (const name of this.#now.keys()) {
      const file = this.#nameAfter(name, mode, random)?.file;
      if (file !== undefined) files.set(name, file.with(survivors(file.pending, mode, random)));
    }
    return files;
  }

  #nameAfter(name: string, mode: CutMode, random: Seeded): Name | undefined {
    const [now, surely] = [this.#now.get(name), this.#surely.get(name)];
    if (mode === "keep") return now;
    return mode === "drop" || random.int(0, 1) === 0 ? surely : now;
  }
}

function survivors(pending: readonly Change[], mode: CutMode, random: Seeded): readonly Change[] {
  switch (mode) {
    case "keep":
      return pending;
    case "drop":
      return [];
    case "prefix":
      return pending.slice(0, random.int(0, pending.length));
    case "torn": {
      const whole = pending.slice(0, random.int(0, pending.length));
      const last = pending[whole.length];
      if (last?.kind !== "write") return whole;
      return [...whole, { ...last, data: last.data.subarray(0, random.int(0, last.data.length)) }];
    }
    case "subset":
      return pending.filter(() => random.int(0, 1) === 1);
    case "sectors":
      return pending.flatMap((change) => (change.kind === "write" ? someSectors(change, random) : [change]));
  }
}

function someSectors({ kind, offset, data }: Change, random: Seeded): Change[] {
  const kept: Change[] = [];
  for (let at = 0; at < data.length; at += SECTOR)
    if (random.int(0, 1) === 1) kept.push({ kind, offset: offset + at, data: data.subarray(at, at + SECTOR) });
  return kept;
}
