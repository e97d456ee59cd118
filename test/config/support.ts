/** Loads configs that are written in the test, with the shipped recipes and sinks. */
import { join } from "node:path";
import { createMemoryReader } from "../../engine/config/files.ts";
import { loadConfig } from "../../engine/config/load.ts";
import type { Loaded, LoadOptions } from "../../engine/config/options.ts";
import { createLanguage } from "../../engine/config/schema/language.ts";
import { packageRoot } from "../../engine/core/paths.ts";
import { createRegistry, loadSinkFolder } from "../../engine/plugin/registry.ts";

/** All variables the fixtures name. */
export const testEnv = {
  STRIPE_WHSEC: "whsec_current",
  STRIPE_WHSEC_OLD: "whsec_old",
  TYPEFORM_SECRET: "typeform-secret",
  CLERK_WHSEC: "whsec_Y2xlcmstc2VjcmV0LXdpdGgtMzItYnl0ZXMtaW4taXQ=",
  CIO_SITE_ID: "site",
  CIO_API_KEY: "cio-key",
  HUBSPOT_TOKEN: "hubspot-token",
  SF_ID: "sf-id",
  SF_SECRET: "sf-secret",
  ZENDESK_TOKEN: "zendesk-token",
  SLACK_TOKEN: "slack-token",
};

export const testNow = Date.UTC(2026, 10, 24);

/** The sinks in code that ship. */
export async function shippedRegistry(only?: readonly string[]) {
  const found = await loadSinkFolder(join(packageRoot, "plugins/sinks"), (url) => import(url));
  return createRegistry(found.filter((sink) => only?.includes(sink.descriptor.name) ?? true));
}

export type Check = (files: Readonly<Record<string, string>>, options?: Partial<LoadOptions>) => Loaded;

/** Loads files from memory; the schemas are compiled once for all of a test file's loads. */
export async function createCheck(sinks?: readonly string[]): Promise<Check> {
  const registry = await shippedRegistry(sinks);
  const language = createLanguage();
  return (files, options = {}) =>
    loadConfig({
      root: "/nowhere",
      reader: createMemoryReader(files),
      env: testEnv,
      registry,
      language,
      now: testNow,
      readSecretFile: (path) =>
        path === "/run/secrets/stripe" ? { ok: true, text: "whsec_file\n" } : { ok: false, reason: "ENOENT" },
      ...options,
    });
}

/** `severity code line:column` of each diagnostic of a file. */
export function brief(loaded: Loaded, file?: string): readonly string[] {
  return loaded.diagnostics
    .filter((diagnostic) => file === undefined || diagnostic.span.file === file)
    .map(({ code, severity, span }) => `${severity} ${code} ${span.line}:${span.column}`);
}

/** A small installation without a fault. */
export const baseConfig = `teams:
  revenue-ops: {}
  finance: {}
sources:
  stripe: { provider: stripe, path: /hooks/stripe, root: data.object, times: seconds, secrets: ["\${STRIPE_WHSEC}"] }
tables:
  plans:
    price_pro: { plan: pro }
    price_team: { plan: team }
entities:
  customer:
    ids: [stripe_id, crm_id]
    attributes:
      tier: { type: string, enum: [free, pro, team], owner: revenue-ops, protected: true, rollup: { of: subscription.plan, take: highest, none: free } }
      balance: { type: integer, owner: finance }
      note: { type: string, owner: finance, clearable: true }
  subscription:
    parent: customer
    attributes:
      plan: { type: string, enum: [free, pro, team], owner: revenue-ops, protected: true }
      seats: { type: integer, minimum: 0, owner: revenue-ops }
    states: [none, active, canceled]
connections:
  out: { sink: file, path: ./out.ndjson }
seed: none
`;

/** A pipeline without a fault, with the parts that are given in place of its own. */
export function pipelineOf(
  parts: { readonly head?: string; readonly write?: string; readonly rest?: string } = {},
): string {
  return `pipeline: paid
owner: revenue-ops
source: stripe
${parts.head ?? ""}rules:
  - on: invoice.paid
    write:
${parts.write ?? "      customer: { key: customer, fields: { balance: amount_paid } }\n"}deliver:
  - { to: out, entity: customer }
${parts.rest ?? ""}`;
}
