/** The documented formulas, for SDKs that verify and do not sign. */
import { createHash, createHmac } from "node:crypto";

type Encoding = "hex" | "base64";

export function hmac(secret: string | Buffer, text: string, encoding: Encoding = "hex", algorithm = "sha256"): string {
  return createHmac(algorithm, secret).update(text).digest(encoding);
}

export function sha256(text: string, encoding: Encoding = "hex"): string {
  return createHash("sha256").update(text).digest(encoding);
}

/** What a call that throws on a bad signature says: true when it returns. */
export async function passes(call: () => unknown): Promise<boolean> {
  await call();
  return true;
}
