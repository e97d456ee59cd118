/** A running engine takes a changed config by itself, by signal and by command; a broken one changes nothing and is told. */
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { eventually, type Installation, type RunningEngine } from "../support/engine-process.ts";
import { createFaultInstallation } from "../support/fault-installation.ts";
import { PATH, payment, SECRET, signed, yesterday } from "../support/payments.ts";

let installation: Installation;

afterEach(() => installation.remove());

interface Status {
  readonly revision: string;
  readonly file_revision: string | null;
  readonly last_reload: {
    readonly result: string;
    readonly why: string;
    readonly error: { readonly code: string; readonly message: string; readonly frames: readonly string[] } | null;
  } | null;
  readonly pipelines: readonly { readonly name: string }[];
}

const statusOf = async (engine: RunningEngine): Promise<Status> =>
  (await (await fetch(`${engine.admin}/api/v1/status`)).json()) as Status;
const changed = (engine: RunningEngine, done: (status: Status) => boolean) =>
  eventually(() => statusOf(engine), done, 10_000);

/** As editors do: another file, put in the place of the first. */
function save(path: string, edit: (text: string) => string): void {
  const file = join(installation.root, path);
  writeFileSync(`${file}~`, edit(readFileSync(file, "utf8")));
  renameSync(`${file}~`, file);
}

const send = async (engine: RunningEngine, n: number, secret?: string): Promise<number> => {
  const body = payment(n, yesterday());
  const answer = await fetch(engine.hooks + PATH, { method: "POST", body, headers: signed(body, undefined, secret) });
  await answer.arrayBuffer();
  return answer.status;
};

const second = `
pipeline: second
owner: ops
source: pay
rules:
  - on: payment.failed
    write: { account: { key: account } }
`;

test("files that are saved, added and deleted are taken; one with errors is refused, and told everywhere", async () => {
  installation = createFaultInstallation();
  const engine = await installation.start();
  const first = await statusOf(engine);
  expect([first.file_revision, first.last_reload]).toEqual([first.revision, null]);

  save("pipelines/payments.yaml", (text) => text.replace("lag: 60s", "lag: 50s"));
  const saved = await changed(engine, (status) => status.revision !== first.revision);
  expect(saved).toMatchObject({ file_revision: saved.revision, last_reload: { result: "taken", why: "files" } });

  writeFileSync(join(installation.root, "pipelines/second.yaml"), second);
  const added = await changed(engine, (status) => status.pipelines.length === 2);

  writeFileSync(join(installation.root, "pipelines/second.yaml"), second.replace("source: pay", "source: paid"));
  const broken = await changed(engine, (status) => status.last_reload?.result === "refused");
  expect(broken).toMatchObject({ revision: added.revision, file_revision: null });
  expect(broken.last_reload?.error?.code).toBe("HK8040");
  expect(broken.last_reload?.error?.frames.join("\n")).toContain("pipelines/second.yaml:4:9");
  const ready = await fetch(`${engine.admin}/readyz`);
  expect([ready.status, await ready.json()]).toMatchObject([
    200,
    { status: "ready", revision: added.revision, reload: { result: "refused", error: "HK8040" } },
  ]);
  expect(engine.lines.filter((line) => line.includes('"level":"error"')).join("\n")).toContain("source: paid");
  const shown = await installation.hookrail("status");
  expect(shown.stdout).toContain("have errors");
  expect(shown.stdout).toContain("source: paid");
  const asked = await installation.hookrail("reload");
  expect([asked.code, asked.stdout]).toEqual([1, ""]);
  expect(asked.stderr).toContain("source: paid");
  expect(await send(engine, 1)).toBe(202);

  rmSync(join(installation.root, "pipelines/second.yaml"));
  const deleted = await changed(engine, (status) => status.pipelines.length === 1);
  expect(deleted.revision).toBe(saved.revision);
  const again = await installation.hookrail("reload", "--json");
  expect([again.code, JSON.parse(again.stdout).reload.result]).toEqual([0, "unchanged"]);
  expect(await engine.end("SIGTERM")).toEqual({ code: 0, signal: null });
  const without = await installation.hookrail("reload");
  expect([without.code, without.stderr]).toEqual([1, expect.stringContaining("HK8045")]);
}, 60_000);

test("a new secret in the env file is taken by SIGHUP, though no other file has changed; a port is not", async () => {
  installation = createFaultInstallation();
  const engine = await installation.start();
  const before = await statusOf(engine);
  expect(await send(engine, 1, "whsec_another")).toBe(401);
  writeFileSync(join(installation.root, "faults.env"), "PAY_SECRET=whsec_another\n");
  engine.child.kill("SIGHUP");
  const after = await changed(engine, (status) => status.last_reload?.result === "taken");
  expect(after.revision).toBe(before.revision);
  expect(await send(engine, 1, "whsec_another")).toBe(202);
  expect(await send(engine, 2, SECRET)).toBe(401);

  save("config.yaml", (text) =>
    text.replace("server: { port: 0", "server: { port: 18099").replace("admin: { port: 0 }", "admin: { port: 18098 }"),
  );
  const refused = await changed(engine, (status) => status.last_reload?.result === "refused");
  expect(refused.last_reload?.error).toMatchObject({ code: "HK8043" });
  expect(refused.last_reload?.error?.message).toContain("server.port, admin can not change while the engine runs");
  expect(refused.file_revision).not.toBe(refused.revision);
  expect(engine.lines.join("\n") + engine.stderr()).not.toContain("whsec_another");
  expect(await engine.end("SIGTERM")).toEqual({ code: 0, signal: null });
}, 60_000);

/** As the kubelet lays out a ConfigMap or Secret: files are links through `..data`, which is itself a link to a version. */
function mount(folder: string, name: string, versions: readonly string[]): { swap(): void } {
  for (const [index, text] of versions.entries()) {
    mkdirSync(join(folder, `..version_${index}`), { recursive: true });
    writeFileSync(join(folder, `..version_${index}`, name), text);
  }
  rmSync(join(folder, name), { force: true });
  symlinkSync("..version_0", join(folder, "..data"));
  symlinkSync(`..data/${name}`, join(folder, name));
  return {
    swap() {
      symlinkSync("..version_1", join(folder, "..data_tmp"));
      renameSync(join(folder, "..data_tmp"), join(folder, "..data"));
    },
  };
}

test("folders of links that Kubernetes swaps are taken as one change: pipelines, and secrets elsewhere", async () => {
  installation = createFaultInstallation();
  const { root } = installation;
  const text = readFileSync(join(root, "pipelines/payments.yaml"), "utf8");
  const pipelines = mount(join(root, "pipelines"), "payments.yaml", [text, text.replace("lag: 60s", "lag: 40s")]);
  const outside = mkdtempSync(join(tmpdir(), "hookrail-secrets-"));
  try {
    const secrets = mount(outside, "pay", [`${SECRET}\n`, "whsec_another\n"]);
    save("config.yaml", (config) => config.replace("${PAY_SECRET}", `\${file:${outside}/pay}`));
    const engine = await installation.start();
    const before = await statusOf(engine);
    pipelines.swap();
    const after = await changed(engine, (status) => status.revision !== before.revision);
    expect(after.last_reload).toMatchObject({ result: "taken", why: "files" });
    expect(await send(engine, 1)).toBe(202);
    secrets.swap();
    await eventually(
      () => send(engine, 2, "whsec_another"),
      (status) => status !== 401,
      10_000,
    );
    expect(await send(engine, 3)).toBe(401);
    expect(await engine.end("SIGTERM")).toEqual({ code: 0, signal: null });
  } finally {
    rmSync(outside, { recursive: true });
  }
}, 60_000);

test("a table in a CSV file is part of the config: a saved cell is taken, one that does not fit is refused", async () => {
  installation = createFaultInstallation();
  mkdirSync(join(installation.root, "tables"));
  const table = "currency,rank\neur,1\nusd,2\n";
  const declared = "{ csv: tables/ranks.csv, key: currency, columns: { rank: integer } }";
  writeFileSync(join(installation.root, "tables/ranks.csv"), table);
  save("config.yaml", (text) => text.replace("\nentities:", `\ntables: { ranks: ${declared} }\nentities:`));
  const engine = await installation.start();
  const first = await statusOf(engine);

  save("tables/ranks.csv", (text) => text.replace("usd,2", "usd,3"));
  const saved = await changed(engine, (status) => status.revision !== first.revision);
  expect(saved).toMatchObject({ file_revision: saved.revision, last_reload: { result: "taken", why: "files" } });

  save("tables/ranks.csv", (text) => text.replace("usd,3", "usd,third"));
  const broken = await changed(engine, (status) => status.last_reload?.result === "refused");
  expect(broken.revision).toBe(saved.revision);
  expect(broken.last_reload?.error?.frames.join("\n")).toContain("tables/ranks.csv:3:5");

  save("tables/ranks.csv", () => table);
  const back = await changed(engine, (status) => status.revision === first.revision);
  expect(back.last_reload).toMatchObject({ result: "taken", error: null });
  expect(await engine.end("SIGTERM")).toEqual({ code: 0, signal: null });
}, 60_000);
