/** Payments as Stripe would send them, really signed by the shipped recipe, into an installation made for fault tests. */
import { parse } from "yaml";
import { readAsset } from "../../engine/core/assets.ts";
import { Secret } from "../../engine/core/secret.ts";
import type { RecipeYaml } from "../../engine/provider/recipe.schema.ts";
import { compileRecipe, type Recipe } from "../../engine/provider/recipe.ts";
import { signRequest } from "../../engine/provider/sign.ts";

/** Stands in configs and in no output. */
export const SECRET = "whsec_canary_5up3rs3cret";
export const PATH = "/hooks/pay";
export const ACCOUNTS = 12;

const recipe = compileStripe();

function compileStripe(): Recipe {
  // Read as it is shipped, so that a test signs what the engine verifies. Samples are not needed here.
  const { samples: _samples, ...yaml } = parse(readAsset("plugins/providers/stripe.yaml")) as RecipeYaml;
  const compiled = compileRecipe(yaml);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.faults));
  return compiled.recipe;
}

/** Headers of this body as the provider signs it. `at`: ms since the epoch, now when not given. */
export function signed(body: string | Uint8Array, at = Date.now(), secret = SECRET): Readonly<Record<string, string>> {
  return signRequest(recipe, {
    body: typeof body === "string" ? Buffer.from(body) : body,
    secret: new Secret(secret),
    now: at,
    url: `http://127.0.0.1${PATH}`,
  });
}

/** Payment number `n` of its account. Each happened a second after the one before: which is newest never hangs on arrival. */
export function payment(n: number, base: number, more: object = {}): string {
  return JSON.stringify({
    id: `evt_${n}`,
    object: "event",
    type: "payment.made",
    created: base + n,
    data: { object: { account: accountOf(n), number: n, amount: 1_000 + n, ...more } },
  });
}

export const accountOf = (n: number): string => `acct_${n % ACCOUNTS}`;

/** A day ago, so that thousands of payments a second apart lie in the past. */
export const yesterday = (): number => Math.trunc(Date.now() / 1000) - 86_400;
