/**
 * What the time of a refusal tells: whether a forger could learn a signature digit by digit. Two kinds of wrong signatures,
 * one wrong in its first digit and one in its last only, are refused in turn, in an order by chance; their times are compared
 * by Welch's t, the slow tail left out (what the machine does besides). The control compares as careless code does, and has
 * to be found. A machine under load only makes this blind, never loud: so the least of some rounds counts.
 */
import { createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import { equalsDigest } from "../../engine/provider/bytes.ts";
import { verify } from "../../engine/provider/verify.ts";
import { report } from "../support/report.ts";
import { faultFactor, runSeed, seeded } from "../support/seeded.ts";
import { context, NOW, request, shipped } from "./support.ts";

const seed = runSeed();
const random = seeded(seed);
const PAIRS = 4_000 * faultFactor();
const ROUNDS = 5;
/** Beyond this a difference counts as a leak (dudect; Reparaz, Balasch, Verbauwhede 2017). */
const LEAK = 4.5;

type Refuse = (kind: 0 | 1) => Promise<void> | void;

/** |t| of one round. */
async function round(refuse: Refuse): Promise<number> {
  const times: [number[], number[]] = [[], []];
  for (let n = 0; n < PAIRS * 2; n++) {
    const kind = random.int(0, 1) === 0 ? 0 : 1;
    const begun = process.hrtime.bigint();
    await refuse(kind);
    times[kind].push(Number(process.hrtime.bigint() - begun));
  }
  const all = times.flat().sort((a, b) => a - b);
  const cut = all[Math.trunc(all.length * 0.8)] ?? 0;
  return Math.abs(
    welch(
      times[0].filter((ns) => ns <= cut),
      times[1].filter((ns) => ns <= cut),
    ),
  );
}

function welch(a: readonly number[], b: readonly number[]): number {
  const mean = (of: readonly number[]) => of.reduce((sum, one) => sum + one, 0) / of.length;
  const [ma, mb] = [mean(a), mean(b)];
  const spread = (of: readonly number[], m: number) =>
    of.reduce((sum, one) => sum + (one - m) ** 2, 0) / (of.length - 1) / of.length;
  return (ma - mb) / Math.sqrt(spread(a, ma) + spread(b, mb));
}

async function rounds(refuse: Refuse): Promise<readonly number[]> {
  // Compiled before it is measured.
  for (let n = 0; n < 2_000; n++) await refuse(n % 2 === 0 ? 0 : 1);
  const found: number[] = [];
  for (let n = 0; n < ROUNDS; n++) found.push(await round(refuse));
  return found;
}

const flip = (digit = "0") => (digit === "0" ? "1" : "0");

/** The right signature with its first, or its last, digit changed. */
function nearly(signature: string): readonly [string, string] {
  return [flip(signature[0]) + signature.slice(1), signature.slice(0, -1) + flip(signature.at(-1))];
}

describe(`the time of a refusal (HOOKRAIL_FAULT_SEED=${seed})`, () => {
  test("tells nothing of how much of a signature was right", async () => {
    const body = JSON.stringify({ id: "evt_1", type: "invoice.paid", created: NOW / 1000 });
    const right = createHmac("sha256", "s")
      .update(`${NOW / 1000}.${body}`)
      .digest("hex");
    const stripe = shipped("stripe");
    const requests = nearly(right).map((v1) => request(body, { "stripe-signature": `t=${NOW / 1000},v1=${v1}` }));
    const known = context("s");
    const refuse: Refuse = async (kind) => {
      const verdict = await verify(stripe, requests[kind] ?? expect.unreachable(), known);
      if (verdict.ok) expect.unreachable("a forged signature passed");
    };
    const found = await rounds(refuse);
    report("timing of refusals", {
      pairs: PAIRS * ROUNDS,
      "rounds that told nothing": found.filter((t) => t < LEAK).length,
    });
    expect(Math.min(...found)).toBeLessThan(LEAK);
  }, 300_000);

  test("of one digest against another is the same wherever they differ", async () => {
    const right = createHmac("sha256", "s").update("m").digest();
    const wrong = nearly(right.toString("hex")).map((hex) => Buffer.from(hex, "hex"));
    const found = await rounds((kind) => {
      for (let n = 0; n < 20; n++) if (equalsDigest(right, wrong[kind] ?? right)) expect.unreachable();
    });
    expect(Math.min(...found)).toBeLessThan(LEAK);
  }, 300_000);

  test("would be found to tell, where digits are compared one after the other", async () => {
    const right = createHmac("sha256", "s").update("m").digest("hex");
    const wrong = nearly(right);
    const found = await rounds((kind) => {
      for (let n = 0; n < 20; n++) if (careless(right, wrong[kind])) expect.unreachable();
    });
    expect(Math.min(...found)).toBeGreaterThan(LEAK);
  }, 300_000);
});

function careless(a: string, b: string): boolean {
  for (let at = 0; at < a.length; at++) if (a.charCodeAt(at) !== b.charCodeAt(at)) return false;
  return true;
}
