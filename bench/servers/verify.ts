/** What the floors do with a request before they store it: Stripe's signature over the raw bytes, by hand. */
import { createHmac, timingSafeEqual } from "node:crypto";
import { BENCH_SECRET } from "../events.ts";

const TOLERANCE_SECONDS = 300;

/** Whether the signature is right and fresh. */
export function isSigned(header: string | undefined, body: Buffer): boolean {
  const parts = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(header ?? "");
  const [stamp, signature] = [parts?.[1], parts?.[2]];
  if (stamp === undefined || signature === undefined) return false;
  if (Math.abs(Date.now() / 1000 - Number(stamp)) > TOLERANCE_SECONDS) return false;
  const expected = createHmac("sha256", BENCH_SECRET).update(`${stamp}.`).update(body).digest();
  return timingSafeEqual(expected, Buffer.from(signature, "hex"));
}

/** Tells the bench where it listens, in the words of the engine's log. */
export function announce(port: number): void {
  process.stdout.write(`${JSON.stringify({ msg: "listening", hooks: `http://127.0.0.1:${port}` })}\n`);
}
