/** Makes any number of really signed Stripe events, each about a customer of its own. */

import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../../engine/core/paths.ts";

/** The secret of sample.env. */
const SECRET = "whsec_sample_not_a_secret";
const sample = readFileSync(join(packageRoot, "plugins/providers/samples/stripe/invoice.paid.json"), "utf8");

export interface SignedEvent {
  readonly id: string;
  readonly customer: string;
  readonly body: string;
}

/** The shipped invoice.paid sample with an id, a customer and a subscription of number `n`. */
export function invoicePaid(n: number): SignedEvent {
  const id = `evt_load_${n}`;
  const seconds = Math.trunc(Date.now() / 1000);
  const body = sample
    .replace(/"id": ?"evt_[^"]*"/, `"id": "${id}"`)
    .replace(/"created": ?\d+/, `"created": ${seconds}`)
    .replaceAll("cus_1", `cus_load_${n}`)
    .replaceAll("sub_1", `sub_load_${n}`);
  return { id, customer: `cus_load_${n}`, body };
}

/** Sends it, signed as Stripe signs (docs.stripe.com/webhooks#verify-manually); the status, or undefined when no answer came. */
export async function sendSigned(hooks: string, event: SignedEvent): Promise<number | undefined> {
  const t = Math.trunc(Date.now() / 1000);
  const v1 = createHmac("sha256", SECRET).update(`${t}.${event.body}`).digest("hex");
  try {
    const answer = await fetch(`${hooks}/hooks/stripe`, {
      method: "POST",
      body: event.body,
      headers: { "content-type": "application/json", "stripe-signature": `t=${t},v1=${v1}` },
    });
    await answer.arrayBuffer();
    return answer.status;
  } catch {
    return undefined;
  }
}

/** Sends from `first` on with `width` requests in flight until `stop` says so; resolves with what was acknowledged. */
export async function sendLoad(options: {
  readonly hooks: string;
  readonly first: number;
  readonly count: number;
  readonly width: number;
  readonly onAnswer: (event: SignedEvent, status: number | undefined, answered: number) => void;
}): Promise<void> {
  let next = options.first;
  let answered = 0;
  const worker = async () => {
    while (next < options.first + options.count) {
      const event = invoicePaid(next++);
      const status = await sendSigned(options.hooks, event);
      options.onAnswer(event, status, ++answered);
    }
  };
  await Promise.all(Array.from({ length: options.width }, worker));
}
