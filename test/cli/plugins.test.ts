import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { packageRoot } from "../../engine/core/paths.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "hookrail-own-plugins-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

/** A process of its own: modules are found as Node finds them, not as the test runner does. */
function hookrail(...args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((done) => {
    execFile(
      process.execPath,
      [join(packageRoot, "engine/hookrail.js"), ...args],
      { cwd: root, encoding: "utf8" },
      (error, stdout, stderr) => done({ code: typeof error?.code === "number" ? error.code : 0, stdout, stderr }),
    );
  });
}

const [sink = "", scheme = ""] = [
  ...readFileSync(join(packageRoot, "docs/plugins.md"), "utf8").matchAll(/```js\n([\s\S]*?)```/g),
].map(([, code = ""]) => code);

test("the scheme of the docs judges requests, and a settings fault of the sink of the docs has a position", async () => {
  write("plugins/sinks/dropbox.js", sink);
  write("plugins/schemes/sandwich.js", scheme);
  write(
    "plugins/providers/mine.yaml",
    "provider: mine\ntitle: Mine\nverify: [{ scheme: sandwich, header: x-signature }]\n",
  );
  write("config.yaml", "connections:\n  drop: { sink: dropbox, foldr: ./out }\n");
  const body = "{}";
  const signature = createHash("sha256").update(`k3y${body}k3y`).digest("hex");
  const capture = (value: string) =>
    JSON.stringify({
      provider: "mine",
      secret: "k3y",
      method: "POST",
      url: "https://example.com/hooks/mine",
      headers: { "X-Signature": value },
      bodyBase64: Buffer.from(body).toString("base64"),
      now: 1_764_000_000,
    });
  write("captured.json", `${capture(signature)}\n${capture(signature.replace(/^../, "00"))}\n`);
  const [judged, listed, checked] = await Promise.all([
    hookrail("verify", "captured.json"),
    hookrail("plugins", "--own", "--json"),
    hookrail("check"),
  ]);
  expect(judged.stdout).toMatch(/^accept mine sandwich, secret 1.*\n(.*\n)*reject.*signature_mismatch/);
  expect(JSON.parse(listed.stdout).plugins).toMatchObject([
    { kind: "provider", name: "mine", from: "installation" },
    { kind: "sink", name: "dropbox", form: "code", file: "plugins/sinks/dropbox.js" },
    { kind: "scheme", name: "sandwich", form: "code", file: "plugins/schemes/sandwich.js" },
  ]);
  expect(checked.stdout + checked.stderr).toMatch(/config\.yaml:2/);
  expect(checked.stdout + checked.stderr).toContain("foldr");
});

test("a broken plugin is told by its file and stops the start", async () => {
  write("config.yaml", "connections: {}\n");
  write("plugins/schemes/hmac.js", 'export default { name: "hmac", summary: "", digest() {} };');
  expect(await hookrail("run")).toMatchObject({ code: 78, stderr: expect.stringMatching(/HK8109[\s\S]*hmac\.js/) });
  write("plugins/schemes/hmac.js", "export default {");
  expect(await hookrail("run")).toMatchObject({ code: 78, stderr: expect.stringMatching(/HK8105[\s\S]*hmac\.js/) });
});
