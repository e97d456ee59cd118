/** The load: Stripe-like events of 2 KB, each with an id of its own and a real signature, as bytes that are patched in place. */
import { createHmac, randomBytes } from "node:crypto";

/** The signing secret of every server of the bench; it protects nothing. */
export const BENCH_SECRET = "whsec_bench_protects_nothing";

const BODY_BYTES = 2048;
const ID_CHARS = 24;
const SIGNATURE_CHARS = 64;
const ID_HOLE = "i".repeat(ID_CHARS);
const SIGNATURE_HOLE = "s".repeat(SIGNATURE_CHARS);

/** One request with holes: `holes` are where the id goes, `signature` where the signature goes. */
export interface RequestTemplate {
  readonly bytes: Buffer;
  readonly holes: readonly number[];
  readonly signature: number;
}

/** Ids and signatures of `count` events, ready before the clock starts. */
export interface SignedIds {
  readonly count: number;
  readonly slab: Buffer;
}

/** Builds the request for one path; `seconds` is the signed timestamp. */
export function createTemplate(path: string, seconds: number): RequestTemplate {
  const body = createBody(seconds);
  const head = [
    `POST ${path} HTTP/1.1`,
    "Host: 127.0.0.1",
    "Content-Type: application/json; charset=utf-8",
    `Content-Length: ${Buffer.byteLength(body)}`,
    "User-Agent: Stripe/1.0 (+https://stripe.com/docs/webhooks)",
    "Accept: */*; q=0.5, application/xml",
    `Stripe-Signature: t=${seconds},v1=${SIGNATURE_HOLE}`,
  ];
  const bytes = Buffer.from(`${head.join("\r\n")}\r\n\r\n${body}`);
  return { bytes, holes: positionsOf(bytes, ID_HOLE), signature: bytes.indexOf(SIGNATURE_HOLE) };
}

/** Signs `count` events with ids of their own. */
export function signIds(template: RequestTemplate, count: number, seconds: number): SignedIds {
  const width = ID_CHARS + SIGNATURE_CHARS;
  const slab = Buffer.allocUnsafe(count * width);
  const scratch = Buffer.from(template.bytes);
  const body = scratch.subarray(scratch.indexOf("\r\n\r\n") + 4);
  const random = randomBytes((count * ID_CHARS) / 2);
  for (let n = 0; n < count; n++) {
    const id = random.toString("hex", (n * ID_CHARS) / 2, ((n + 1) * ID_CHARS) / 2);
    for (const hole of template.holes) scratch.write(id, hole, "latin1");
    const signature = createHmac("sha256", BENCH_SECRET).update(`${seconds}.`).update(body).digest("hex");
    slab.write(id, n * width, "latin1");
    slab.write(signature, n * width + ID_CHARS, "latin1");
  }
  return { count, slab };
}

/** Makes `request`, a copy of the template's bytes, the request of event `n`. */
export function patchRequest(request: Buffer, template: RequestTemplate, { slab }: SignedIds, n: number): void {
  const at = n * (ID_CHARS + SIGNATURE_CHARS);
  for (const hole of template.holes) slab.copy(request, hole, at, at + ID_CHARS);
  slab.copy(request, template.signature, at + ID_CHARS, at + ID_CHARS + SIGNATURE_CHARS);
}

function positionsOf(bytes: Buffer, text: string): number[] {
  const found: number[] = [];
  for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + 1)) found.push(at);
  return found;
}

function createBody(seconds: number): string {
  const line = {
    id: "il_1PgcH5B7WZ01zgkWmSFuPQpp",
    amount: 9900,
    currency: "usd",
    description: "1 × Team (at $99.00 / month)",
    period: { start: seconds, end: seconds + 2_592_000 },
    pricing: { price_details: { price: "price_team_month", product: "prod_team" }, type: "price_details" },
    quantity: 5,
    taxes: [],
  };
  const invoice = {
    id: `in_${ID_HOLE}`,
    object: "invoice",
    account_name: "Zoë & Søn GmbH",
    amount_due: 9900,
    amount_paid: 9900,
    billing_reason: "subscription_cycle",
    currency: "usd",
    customer: `cus_${ID_HOLE}`,
    customer_address: { city: "Köln", country: "DE", line1: null, line2: null, postal_code: "50667", state: null },
    discounts: [],
    lines: { object: "list", data: [line], has_more: false, url: "/v1/invoices/in/lines" },
    parent: { subscription_details: { metadata: {}, subscription: `sub_${ID_HOLE}` }, type: "subscription_details" },
    status: "paid",
    metadata: { note: "" },
  };
  const event = {
    id: `evt_${ID_HOLE}`,
    object: "event",
    api_version: "2025-10-15",
    created: seconds,
    data: { object: invoice },
    livemode: true,
    pending_webhooks: 1,
    request: { id: null, idempotency_key: null },
    type: "invoice.paid",
  };
  const missing = BODY_BYTES - Buffer.byteLength(JSON.stringify(event));
  invoice.metadata.note = "a long note ".repeat(Math.ceil(missing / 12)).slice(0, missing);
  return JSON.stringify(event);
}
