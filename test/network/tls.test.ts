/** TLS that fails says why, each reason by its own name, and nothing of the request has left. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { classifyFailure } from "../../engine/delivery/classify.ts";
import { createSinkHttp } from "../../engine/network/client.ts";

let folder: string;
let server: Server;
let seen: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hookrail-tls-"));
  seen = 0;
});
afterEach(async () => {
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true });
});

/** A sink with a certificate of its own making, valid for so many days. */
async function serve(days: number): Promise<string> {
  const [key, request, cert] = ["key.pem", "request.pem", "cert.pem"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const openssl = (...args: string[]) => execFileSync("openssl", args, { stdio: "ignore" });
  const subject = ["-subj", "/CN=crm.example.test", "-addext", "subjectAltName=DNS:crm.example.test"];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  openssl("req", ...curve, "-keyout", key, "-out", request, ...subject);
  const sign = ["x509", "-req", "-in", request, "-signkey", key, "-days", String(days)];
  openssl(...sign, "-copy_extensions", "copy", "-out", cert);
  server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (_request, response) => {
    seen++;
    response.end("{}");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return readFileSync(cert, "utf8");
}

async function send(host: string, ca?: string) {
  const client = createSinkHttp({
    allowPrivate: true,
    totalTimeoutMs: 5_000,
    resolve: async () => [{ address: "127.0.0.1", family: 4 }],
    ...(ca === undefined ? {} : { ca }),
  });
  const url = `https://${host}:${(server.address() as AddressInfo).port}/`;
  try {
    return await client.request({ method: "POST", url, headers: {}, body: "{}", signal: AbortSignal.timeout(5_000) });
  } finally {
    await client.close();
  }
}

it.each([
  ["nobody vouches for", 2, "crm.example.test", false, "DEPTH_ZERO_SELF_SIGNED_CERT"],
  ["that has expired", -1, "crm.example.test", true, "CERT_HAS_EXPIRED"],
  ["that is another name's", 2, "other.example.test", true, "ERR_TLS_CERT_ALTNAME_INVALID"],
])("a certificate %s is refused by name, and tried again later", async (_, days, host, trusted, detail) => {
  const ca = await serve(days);
  const answer = await send(host, trusted ? ca : undefined);
  expect(answer).toEqual({ ok: false, sent: false, reason: "tls", detail });
  if (answer.ok) return;
  // It may be mended, so it is no dead letter at once; nothing was sent, so nothing is unknown.
  expect(classifyFailure(answer)).toEqual({ kind: "retry", detail: `tls: ${detail}` });
  expect(seen).toBe(0);
});

it("a certificate that is trusted is taken, so that the proof can fail", async () => {
  const ca = await serve(2);
  expect(await send("crm.example.test", ca)).toMatchObject({ ok: true, status: 200 });
  expect(seen).toBe(1);
});
