import { afterEach, expect, test, vi } from "vitest";
import { makeCertificate } from "../support/certificates.ts";
import type { Installation } from "../support/engine-process.ts";
import { createFaultInstallation } from "../support/fault-installation.ts";

vi.setConfig({ testTimeout: 120_000 });

let installation: Installation;
afterEach(() => installation.remove());

test("an engine with a certificate that is not known here is not said to be away", async () => {
  const { cert, key } = makeCertificate({ name: "hooks" });
  installation = createFaultInstallation({
    server: "tls: { cert: hooks.crt, key: hooks.key }",
    files: { "hooks.crt": cert, "hooks.key": key },
  });
  const engine = await installation.start();
  const sent = await installation.hookrail("send", "stripe/invoice.paid");
  expect(sent).toMatchObject({ code: 1, stdout: "" });
  expect(sent.stderr).toContain("error[HK8256]: no answer from https://127.0.0.1:");
  expect(sent.stderr).toContain("NODE_EXTRA_CA_CERTS");
  await engine.end("SIGTERM");
  expect((await installation.hookrail("send", "stripe/invoice.paid")).stderr).toContain("HK8005");
});
