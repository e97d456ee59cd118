/** `hookrail record` as an author has it: from an event that came in to a test that passes. */
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readCorpus } from "../../engine/testing/corpus.ts";
import { createInstallation, eventually, type Installation, listEvents } from "../support/engine-process.ts";

let place: Installation;
let lead = "";
beforeAll(async () => {
  place = createInstallation({ shipped: true });
  const engine = await place.start();
  const mail = "answers[0].email=Grace.Hopper@navy.example";
  await place.hookrail("send", "typeform/form_response", "--set", mail, "--set", "answers[1].text=Cobol Ltd");
  await place.hookrail("send", "stripe/invoice.paid", "--set", "customer=cus_secret99");
  const events = await eventually(
    () => listEvents(engine),
    (all) => all.length === 2 && all.every((one) => one.outcome === "delivered"),
  );
  lead = events.find((one) => one.type === "form_response")?.id ?? "";
  await engine.end("SIGTERM");
}, 120_000);
afterAll(() => place.remove());

describe("hookrail record", () => {
  test("writes a fixture without the person, and the test to paste passes", async () => {
    const { code, stdout, stderr } = await place.hookrail("record", lead);
    expect([code, stderr]).toEqual([0, expect.stringContaining("wrote pipelines/samples/typeform.form_response.")]);
    const [path = ""] = /pipelines\/samples\/\S+\.json/.exec(stderr) ?? [];
    const text = readFileSync(join(place.root, path), "utf8");
    expect(text + stdout).not.toMatch(/grace|hopper|navy|cobol/i);
    expect(JSON.parse(text)).toMatchObject({
      source: "typeform",
      type: "form_response",
      signed_with: "${TYPEFORM_SECRET} (hmac sha256)",
      body: {
        form_response: { form_id: "lT4Z3j", answers: [{ type: "email", field: { ref: "work_email" } }, {}, {}] },
      },
    });
    expect(text).not.toContain(readFileSync(join(place.root, "sample.env"), "utf8").split("=").at(-1)?.trim());

    expect(stdout).toContain(`- file: ${path}`);
    const file = join(place.root, "pipelines/form-lead.yaml");
    const yaml = readFileSync(file, "utf8").replace(/^tests:[\s\S]*$/m, "");
    writeFileSync(file, `${yaml}\n${stdout}`);
    const tested = await place.hookrail("test", "form-lead");
    expect([tested.code, tested.stdout + tested.stderr]).toEqual([
      0,
      expect.stringContaining("form_response as it came"),
    ]);

    const again = await place.hookrail("record", lead);
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining("is there already")]);
  }, 120_000);

  test("keeps a corpus with a manifest; the names in it are those of every recording here", async () => {
    const { code, stdout } = await place.hookrail("record", "--last", "10", "--corpus", "corpus", "--json");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      corpus: { folder: "corpus", events: 2, sources: { stripe: 1, typeform: 1 } },
    });
    const corpus = readCorpus(join(place.root, "corpus"));
    expect(corpus.events.map((one) => one.type)).toEqual(["form_response", "invoice.paid"]);
    expect(JSON.stringify(corpus)).not.toMatch(/grace|hopper|navy|cobol|secret99/i);
    const key = join(place.root, "data/record.key");
    expect([existsSync(key), statSync(key).mode & 0o777]).toEqual([true, 0o600]);
    const one = await place.hookrail("record", lead, "--out", "again.json");
    expect(one.code).toBe(0);
    const fixture = JSON.parse(readFileSync(join(place.root, "again.json"), "utf8")) as { readonly body: unknown };
    expect(corpus.events[0]?.body).toEqual(fixture.body);
  }, 120_000);

  test("says what it needs, and which event it can not record", async () => {
    expect(await place.hookrail("record")).toMatchObject({
      code: 64,
      stderr: expect.stringContaining("say which event"),
    });
    expect(await place.hookrail("record", "--last", "2")).toMatchObject({ code: 64 });
    expect(await place.hookrail("record", "evt_nothing")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("HK8003"),
    });
  }, 120_000);
});
