import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createDiskReader, createMemoryReader, createRecordingReader, staysInside } from "../../engine/config/files.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hookrail-files-"));
  mkdirSync(join(folder, "config/pipelines"), { recursive: true });
  writeFileSync(join(folder, "config/config.yaml"), "seed: none\n");
  writeFileSync(join(folder, "config/pipelines/b.yaml"), "");
  writeFileSync(join(folder, "config/pipelines/a.yaml"), "");
  writeFileSync(join(folder, "outside.yaml"), "secret");
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("createDiskReader", () => {
  it("reads and lists files below its folder, sorted", () => {
    const reader = createDiskReader(join(folder, "config"));
    expect(reader.read("./config.yaml")).toEqual({ ok: true, text: "seed: none\n" });
    expect(reader.list("pipelines")).toEqual(["pipelines/a.yaml", "pipelines/b.yaml"]);
    expect(reader.list("plugins/sinks")).toEqual([]);
    expect(reader.read("missing.yaml")).toEqual({ ok: false, failure: "missing" });
  });

  it.each(["../outside.yaml", "pipelines/../../outside.yaml", "/etc/passwd", "", "a\0b"])(
    "does not leave it by %j",
    (path) => {
      expect(createDiskReader(join(folder, "config")).read(path)).toEqual({ ok: false, failure: "outside" });
    },
  );

  it("does not leave it through symbolic links, of files or of folders", () => {
    symlinkSync(join(folder, "outside.yaml"), join(folder, "config/link.yaml"));
    symlinkSync(folder, join(folder, "config/up"));
    const reader = createDiskReader(join(folder, "config"));
    expect(reader.read("link.yaml")).toEqual({ ok: false, failure: "outside" });
    expect(reader.read("up/outside.yaml")).toEqual({ ok: false, failure: "outside" });
    expect(reader.list("up")).toEqual([]);
  });

  it("follows links that stay inside, and works in a folder that is a link itself", () => {
    symlinkSync(join(folder, "config/config.yaml"), join(folder, "config/same.yaml"));
    symlinkSync(join(folder, "config"), join(folder, "current"));
    expect(createDiskReader(join(folder, "current")).read("same.yaml")).toMatchObject({ ok: true });
  });

  it("says why a file can not be read", () => {
    expect(createDiskReader(join(folder, "config")).read("pipelines")).toEqual({
      ok: false,
      failure: "unreadable",
      detail: "EISDIR",
    });
  });
});

describe("createMemoryReader", () => {
  it("serves files as a folder would", () => {
    const reader = createMemoryReader({ "config.yaml": "a", "pipelines/x.yaml": "b" });
    expect(reader.read("./config.yaml")).toEqual({ ok: true, text: "a" });
    expect(reader.read("../config.yaml")).toEqual({ ok: false, failure: "outside" });
    expect(reader.read("none")).toEqual({ ok: false, failure: "missing" });
    expect(reader.list("pipelines")).toEqual(["pipelines/x.yaml"]);
  });
});

describe("createRecordingReader", () => {
  it("remembers what was read and found", () => {
    const reader = createRecordingReader(createMemoryReader({ a: "1", b: "2" }));
    reader.read("./a");
    reader.read("c");
    expect([...reader.seen]).toEqual([["a", "1"]]);
  });
});

describe("staysInside", () => {
  it("goes by where the path ends, not by the dots in it", () => {
    expect(["a/../b", "./a", "a..b"].map(staysInside)).toEqual([true, true, true]);
    expect(["..", "a/../../b", "C:\\x", "..\\x"].map(staysInside)).toEqual([false, false, false, false]);
  });
});
