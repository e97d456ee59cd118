/**
 * The log that disk-calls.c writes, and what a disk may hold when the power goes at some point of it.
 *
 * A write or a truncation is on the disk for sure once a sync of its file that began after it has ended; until then
 * any part of it may be there, in any mix with others. A new file's name is there for sure once its folder was synced,
 * and so is its end. That is less than ext4, XFS or APFS promise. What a sync failed for is taken for clean by the system
 * and never written again: it can be read until the power goes, and no later sync makes it sure ("fsyncgate").
 */
import { readFileSync } from "node:fs";
import type { Seeded } from "./seeded.ts";

const KINDS = [
  "",
  "write",
  "sync",
  "synced",
  "truncate",
  "create",
  "unlink",
  "answer",
  "request",
  "open",
  "sync failed",
] as const;

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

/** A change that is not in the base of its file yet. `sure`: a sync made it so; `forsaken`: none ever will. */
interface Entry extends Change {
  state: "open" | "sure" | "forsaken";
}

/** A file: what the disk surely has, and later changes in their order. */
class LoggedFile {
  /** More room than the file needs, so that appending does not copy it each time. */
  #room = Buffer.alloc(0);
  #length = 0;
  /** How many changes are in the base. */
  #folded = 0;
  #entries: Entry[] = [];

  change({ kind, offset, data }: Change): void {
    this.#entries.push({ kind, offset, data, state: "open" });
  }

  /** How many changes there ever were. */
  get changes(): number {
    return this.#folded + this.#entries.length;
  }

  /** The first `count` changes were synced, or can not be any more. */
  settle(count: number, state: "sure" | "forsaken"): void {
    for (const entry of this.#entries.slice(0, count - this.#folded)) if (entry.state === "open") entry.state = state;
    const unsure = this.#entries.findIndex((entry) => entry.state !== "sure");
    const sure = this.#entries.splice(0, unsure === -1 ? this.#entries.length : unsure);
    this.#folded += sure.length;
    for (const entry of sure) this.#apply(entry);
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

  /** What the file may hold after a cut. */
  cut(mode: CutMode, random: Seeded): Buffer {
    const copy = new LoggedFile();
    copy.#room = Buffer.from(this.#room.subarray(0, this.#length));
    copy.#length = this.#length;
    const survive = survival(mode, this.#entries.filter(({ state }) => state !== "sure").length, random);
    for (const entry of this.#entries)
      for (const change of entry.state === "sure" ? [entry] : survive(entry)) copy.#apply(change);
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
  /** By thread and file: which of its changes the sync under way covers. */
  readonly #syncing = new Map<string, { readonly file: LoggedFile | undefined; readonly count: number }>();
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
    // Opened though it was never made here: a reader beside the engine made it, empty.
    else if (kind === "create" || (kind === "open" && file === undefined))
      this.#now.set(name, { file: new LoggedFile() });
    else if (kind === "unlink") this.#now.set(name, { file: undefined });
    else if (kind === "write" || kind === "truncate") {
      if (!this.#now.has(name)) throw new Error(`${kind} on ${name}, which was never created`);
      // A file that was removed while somebody had it open: nobody will read it again.
      file?.change(record);
    } else if (kind === "sync") this.#syncing.set(`${thread} ${name}`, { file, count: file?.changes ?? 0 });
    else if (kind === "sync failed") file?.settle(file.changes, "forsaken");
    else if (kind === "synced") this.#settle(`${thread} ${name}`);
  }

  #settle(key: string): void {
    const sync = this.#syncing.get(key);
    this.#syncing.delete(key);
    sync?.file?.settle(sync.count, "sure");
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
      if (file !== undefined) files.set(name, file.cut(mode, random));
    }
    return files;
  }

  #nameAfter(name: string, mode: CutMode, random: Seeded): Name | undefined {
    const [now, surely] = [this.#now.get(name), this.#surely.get(name)];
    if (mode === "keep") return now;
    return mode === "drop" || random.int(0, 1) === 0 ? surely : now;
  }
}

/** What is left of each of `count` changes that were not synced, asked in their order. */
function survival(mode: CutMode, count: number, random: Seeded): (change: Change) => readonly Change[] {
  const end = random.int(0, count);
  let n = 0;
  return (change) => {
    const place = n++;
    switch (mode) {
      case "keep":
        return [change];
      case "drop":
        return [];
      case "prefix":
        return place < end ? [change] : [];
      case "torn":
        if (place !== end || change.kind !== "write") return place < end ? [change] : [];
        return [{ ...change, data: change.data.subarray(0, random.int(0, change.data.length)) }];
      case "subset":
        return random.int(0, 1) === 1 ? [change] : [];
      case "sectors":
        return change.kind === "write" ? someSectors(change, random) : [change];
    }
  };
}

function someSectors({ kind, offset, data }: Change, random: Seeded): Change[] {
  const kept: Change[] = [];
  for (let at = 0; at < data.length; at += SECTOR)
    if (random.int(0, 1) === 1) kept.push({ kind, offset: offset + at, data: data.subarray(at, at + SECTOR) });
  return kept;
}
