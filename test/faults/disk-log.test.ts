/** The model of a disk under the power cuts: what was synced is there after every cut, and of the rest anything may be. */
import { expect, test } from "vitest";
import { CUT_MODES, type DiskRecord, DiskReplay } from "../support/disk-log.ts";
import { seeded } from "../support/seeded.ts";

const record = (kind: DiskRecord["kind"], file = "f", more: Partial<DiskRecord> = {}): DiskRecord => ({
  kind,
  file,
  thread: 1,
  offset: 0,
  data: Buffer.alloc(0),
  ...more,
});
const write = (text: string, offset: number) => record("write", "f", { data: Buffer.from(text), offset });
const sync = (file = "f") => [record("sync", file), record("synced", file)];

/** All that the disk may hold after a cut at the end, `undefined` for no file. */
function outcomes(records: readonly DiskRecord[], modes = CUT_MODES): Set<string | undefined> {
  const replay = new DiskReplay(records);
  replay.playTo(records.length);
  const found = new Set<string | undefined>();
  for (const mode of modes)
    for (let n = 0; n < 60; n++) found.add(replay.cut(mode, seeded(n)).get("f")?.toString().replaceAll("\0", "-"));
  return found;
}

const made = [record("create"), ...sync(".")];

test("what was synced is there after every cut", () => {
  expect(outcomes([...made, write("abc", 0), ...sync()])).toEqual(new Set(["abc"]));
});

test("what was written after the sync began may be lost, kept or torn", () => {
  const during = [...made, write("abc", 0), record("sync"), write("def", 3), record("synced")];
  expect(outcomes(during)).toEqual(new Set(["abc", "abcd", "abcde", "abcdef"]));
  expect(outcomes(during, ["drop"])).toEqual(new Set(["abc"]));
  expect(outcomes(during, ["keep"])).toEqual(new Set(["abcdef"]));
});

test("a sync that has not ended promises nothing", () => {
  expect(outcomes([...made, write("abc", 0), record("sync")], ["drop"])).toEqual(new Set([""]));
});

test("writes that were not synced may be there in any mix, with holes", () => {
  expect(outcomes([...made, write("a", 0), write("b", 1), write("c", 2)], ["subset"])).toEqual(
    new Set(["", "a", "ab", "abc", "a-c", "-b", "-bc", "--c"]),
  );
});

test("a write is torn at its sectors", () => {
  const found = outcomes([...made, write(`${"a".repeat(512)}${"b".repeat(512)}`, 0)], ["sectors"]);
  expect(found).toEqual(
    new Set(["", "a".repeat(512), "-".repeat(512) + "b".repeat(512), "a".repeat(512) + "b".repeat(512)]),
  );
});

test("a truncation counts when the file was synced after it", () => {
  const cut = record("truncate", "f", { offset: 1 });
  expect(outcomes([...made, write("abc", 0), ...sync(), cut], ["drop"])).toEqual(new Set(["abc"]));
  expect(outcomes([...made, write("abc", 0), ...sync(), cut, ...sync()])).toEqual(new Set(["a"]));
});

test("a file's name, and its end, are sure once the folder was synced", () => {
  const synced = [record("create"), write("abc", 0), ...sync()];
  expect(outcomes(synced)).toEqual(new Set([undefined, "abc"]));
  const gone = [...made, write("abc", 0), ...sync(), record("unlink")];
  expect(outcomes(gone)).toEqual(new Set([undefined, "abc"]));
  expect(outcomes([...gone, ...sync(".")])).toEqual(new Set([undefined]));
});

test("what a sync has failed for is never made sure by a later one, and what came after it is", () => {
  const failed = [...made, write("abc", 0), record("sync failed"), write("d", 3), ...sync()];
  expect(outcomes(failed, ["drop"])).toEqual(new Set(["---d"]));
  expect(outcomes(failed, ["subset"])).toEqual(new Set(["---d", "abcd"]));
  expect(outcomes([...failed, write("x", 0), ...sync()], ["keep"])).toEqual(new Set(["xbcd"]));
});

test("what is written to a file after its end is nowhere", () => {
  expect(outcomes([...made, record("unlink"), ...sync("."), write("abc", 0), ...sync()])).toEqual(new Set([undefined]));
});
