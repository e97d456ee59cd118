/** `hookrail tail` as an operator has it: a process beside the running engine. */
import { spawn } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkoutProgram, createInstallation, eventually, type Installation } from "../support/engine-process.ts";

let place: Installation;
beforeAll(() => {
  place = createInstallation({ shipped: true });
});
afterAll(() => place.remove());

/** A command that runs until it is ended. */
function start(...args: readonly string[]) {
  const [program, ...first] = checkoutProgram;
  const child = spawn(program, [...first, ...args], { cwd: place.root, env: { HOME: place.root, TMPDIR: place.root } });
  const text = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (text.stdout += chunk));
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (text.stderr += chunk));
  const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const following = () =>
    eventually(
      async () => text.stderr,
      (stderr) => stderr.includes("following"),
    );
  return { child, text, exited, following };
}
const lines = (text: string) =>
  text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe("hookrail tail", () => {
  test("says that there is no engine to follow", async () => {
    const { code, stderr } = await place.hookrail("tail");
    expect([code, stderr]).toEqual([1, expect.stringContaining("there is nothing to follow")]);
  });

  test("shows each stage as it happens, filtered and masked; ends by Ctrl-C and with the engine", async () => {
    const engine = await place.start();
    const all = start("tail", "--json");
    const leads = start("tail", "--entity", "lead:ada@example.com", "--stage", "applied,delivered");
    await Promise.all([all.following(), leads.following()]);
    await place.hookrail("send", "typeform/form_response");
    await place.hookrail("send", "stripe/invoice.paid", "--set", "customer=cus_9");
    const stages = (pipeline: string | null) =>
      lines(all.text.stdout)
        .filter((one) => one["pipeline"] === pipeline)
        .map((one) => one["stage"]);
    await eventually(
      async () => all.text.stdout,
      () => stages("paid-premium").filter((stage) => stage === "delivered").length === 4,
    );
    expect(stages(null)).toEqual(["received", "received"]);
    expect(stages("form-lead")).toEqual(["applied", "delivered", "delivered", "delivered"]);
    expect(lines(all.text.stdout).find((one) => one["connection"] === "crm")).toMatchObject({
      format_version: "1.0",
      stage: "delivered",
      source: "stripe",
      type: "invoice.paid",
      entities: ["customer/cus_9"],
    });
    await eventually(
      async () => leads.text.stdout,
      (text) => text.split("\n").length === 5,
    );
    expect(leads.text.stdout).not.toContain("ada");
    expect(leads.text.stdout).toMatch(
      /applied +evt_\w+ +typeform form_response +form-lead +lead\/\[sensitive\] +3 deliveries/,
    );
    expect(leads.text.stdout).not.toContain("stripe");

    leads.child.kill("SIGINT");
    expect(await leads.exited).toBe(0);
    const known = await place.hookrail("tail", "--no-follow", "--last", "2", "--stage", "received", "--json");
    expect(lines(known.stdout).map((one) => one["source"])).toEqual(["typeform", "stripe"]);
    const refused = await place.hookrail("tail", "--stage", "somewhere");
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("stage must be one of")]);

    await engine.end("SIGTERM");
    expect(await all.exited).toBe(0);
    expect(all.text.stderr).toContain("the engine has stopped");
  });

  test("tells when the engine is gone without a word", async () => {
    const engine = await place.start();
    const all = start("tail");
    await all.following();
    await engine.end("SIGKILL");
    expect(await all.exited).toBe(1);
    expect(all.text.stderr).toContain("the connection to the engine was lost");
  });
});
