/** Signs requests on their way out: Standard Webhooks, a plain HMAC of the body, AWS Signature Version 4. */
import { createHmac, createPrivateKey, sign } from "node:crypto";
import { AwsV4Signer } from "aws4fetch";
import { fail } from "../core/errors.ts";
import type { AuthSpec } from "../plugin/http.schema.ts";
import type { Outgoing } from "./auth.ts";

type HmacSpec = Extract<AuthSpec, { kind: "hmac" }>;

/** What a signature needs besides the request. */
export interface Signing {
  readonly connection: string;
  /** Stable over attempts: what the receiver dedupes by. */
  readonly idempotencyKey: string;
  /** ms since the epoch: of the attempt, since receivers refuse what is old. */
  readonly now: number;
  /** The newest first; two while a secret is changed. */
  readonly secrets: readonly string[];
}

/** A request signed with a shared secret, or with a key of ours (`whsk_`). */
export function signWebhook(spec: HmacSpec, request: Outgoing, signing: Signing): Outgoing {
  return spec.scheme === "custom" ? signBody(spec, request, signing) : signStandard(request, signing);
}

/** Standard Webhooks: `id.timestamp.body`, a signature for each secret, separated by spaces. */
function signStandard(request: Outgoing, { connection, idempotencyKey, now, secrets }: Signing): Outgoing {
  const timestamp = String(Math.floor(now / 1000));
  const content = Buffer.from(`${idempotencyKey}.${timestamp}.${request.body ?? ""}`);
  const headers = {
    "webhook-id": idempotencyKey,
    "webhook-timestamp": timestamp,
    "webhook-signature": secrets.map((secret) => standardSignature(secret, content, connection)).join(" "),
  };
  return { ...request, headers: { ...request.headers, ...headers } };
}

const SYMMETRIC = "whsec_";
const ASYMMETRIC = "whsk_";
/** PKCS #8 around the 32 bytes of an Ed25519 seed (RFC 8410, section 7). */
const ED25519_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");

function standardSignature(secret: string, content: Buffer, connection: string): string {
  if (secret.startsWith(ASYMMETRIC)) {
    const seed = Buffer.from(secret.slice(ASYMMETRIC.length), "base64").subarray(0, 32);
    if (seed.length !== 32) return fail("HK5331", { connection });
    const der = Buffer.concat([ED25519_PREFIX, seed]);
    return `v1a,${sign(null, content, createPrivateKey({ key: der, format: "der", type: "pkcs8" })).toString("base64")}`;
  }
  const key = secret.startsWith(SYMMETRIC)
    ? Buffer.from(secret.slice(SYMMETRIC.length), "base64")
    : Buffer.from(secret);
  if (key.length === 0) return fail("HK5331", { connection });
  return `v1,${createHmac("sha256", key).update(content).digest("base64")}`;
}

function signBody(spec: HmacSpec, request: Outgoing, { secrets }: Signing): Outgoing {
  const digest = createHmac(spec.algorithm ?? "sha256", secrets[0] ?? "")
    .update(request.body ?? "")
    .digest(spec.encoding ?? "hex");
  const name = (spec.header ?? "x-signature").toLowerCase();
  return { ...request, headers: { ...request.headers, [name]: `${spec.prefix ?? ""}${digest}` } };
}

/** The credentials of a Signature Version 4. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly region: string;
  readonly service: string;
}

/** Headers the client sets or changes by itself, and ones that proxies change: they are not signed. */
const UNSIGNED = new Set(["accept", "user-agent", "content-length", "connection"]);

/** A request signed as AWS asks. */
export async function signAws(request: Outgoing, credentials: AwsCredentials, now: number): Promise<Outgoing> {
  const signer = new AwsV4Signer({
    ...credentials,
    method: request.method,
    url: request.url,
    headers: Object.fromEntries(Object.entries(request.headers).filter(([name]) => !UNSIGNED.has(name))),
    datetime: new Date(now).toISOString().replace(/[:-]|\.\d{3}/g, ""),
    ...(request.body === undefined ? {} : { body: request.body }),
  });
  const signed = await signer.sign();
  const headers: Record<string, string> = { ...request.headers };
  signed.headers.forEach((value, name) => {
    // The client writes it from the URL.
    if (name !== "host") headers[name] = value;
  });
  return { ...request, url: signed.url.toString(), headers };
}
