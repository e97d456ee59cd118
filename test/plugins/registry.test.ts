import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { SinkDescriptor } from "../../engine/plugin/index.ts";
import { createRegistry, loadSinkFolder } from "../../engine/plugin/registry.ts";
import fileSink from "../../plugins/sinks/file.ts";

const sink = (over: Partial<SinkDescriptor>) => ({ descriptor: { ...fileSink, ...over }, origin: `${over.name}.ts` });

describe("createRegistry", () => {
  it("lists sinks sorted, whatever the order they were found in", () => {
    expect(createRegistry([sink({ name: "b" }), sink({ name: "a" }), sink({ name: "c" })]).names()).toEqual([
      "a",
      "b",
      "c",
    ]);
  });
  it("refuses two sinks of one name and names both files", () => {
    const twice = [sink({ name: "a" }), { ...sink({ name: "a" }), origin: "mine/a.ts" }];
    expect(() => createRegistry(twice)).toThrow(/a\.ts and in mine\/a\.ts|mine\/a\.ts and in a\.ts/);
  });
  it.each(["", "A", "1a", "a b", "../a"])("refuses the name %j", (name) =>
    expect(() => createRegistry([sink({ name })])).toThrow(/no sink name/),
  );
  it("refuses a sink without its default action", () => {
    expect(() => createRegistry([sink({ name: "a", defaultAction: "x", actions: {} })])).toThrow(/has no action `x`/);
  });
});

describe("loadSinkFolder", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "hookrail-plugins-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const load = () => loadSinkFolder(folder, (url) => import(/* @vite-ignore */ url));

  it("loads the .ts and .js files of a folder", async () => {
    const text = (name: string) =>
      `export default { name: "${name}", summary: "s", config: {}, guarantee: "at_least_once", actions: { a: { kind: "effect", summary: "" } }, defaultAction: "a", marksAttempts: true, open: async () => { throw new Error("no"); } };`;
    writeFileSync(join(folder, "one.js"), text("one"));
    writeFileSync(join(folder, "two.ts"), `const x: number = 1; void x; ${text("two")}`);
    writeFileSync(join(folder, "notes.md"), "not a plugin");
    expect((await load()).map(({ descriptor }) => descriptor.name)).toEqual(["one", "two"]);
  });
  it("takes a folder that is not there for an empty one", async () => {
    expect(await loadSinkFolder(join(folder, "nowhere"), () => expect.unreachable())).toEqual([]);
  });
  it("refuses a file that exports no sink, and one whose name differs", async () => {
    writeFileSync(join(folder, "bad.js"), "export default 7;");
    await expect(load()).rejects.toMatchObject({ code: "HK5104" });
    rmSync(join(folder, "bad.js"));
    writeFileSync(
      join(folder, "mine.js"),
      `export default { name: "other", summary: "", config: {}, actions: {}, defaultAction: "a", open() {} };`,
    );
    await expect(load()).rejects.toMatchObject({ code: "HK5105" });
  });
});
