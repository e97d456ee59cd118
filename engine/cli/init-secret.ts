/** Secrets for a new installation: its own, so that tests and `send` can sign, in the form the provider's recipe takes. */
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import type { Recipe } from "../provider/recipe.ts";

export type FirstSecret =
  | { readonly kind: "text"; readonly make: (randomHex: (bytes: number) => string) => string }
  /** A private key in PEM, which stands in for the provider's public one. */
  | { readonly kind: "key"; readonly make: () => string };

/** Said where the key is, since it is the file that stays until someone replaces it. */
const NOTE = `# Made by "hookrail init", so that tests and "hookrail send" can sign. The provider signs with a key of its own:
# put its public key into this file before real events come in; "hookrail check" asks for it on production.
`;

const pem = (key: KeyObject) => `${key.export({ format: "pem", type: "pkcs8" }).toString()}${NOTE}`;

const KEYS = {
  ed25519: () => pem(generateKeyPairSync("ed25519").privateKey),
  ec: () => pem(generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey),
  rsa: () => pem(generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey),
};

/** What the source's `secrets:` needs; undefined where it takes none. */
export function firstSecret(recipe: Recipe): FirstSecret | undefined {
  // A secret that the provider tells in a handshake may be given as well; without it tests could not sign.
  const learned = recipe.verify.some(({ keyFrom }) => keyFrom.kind === "handshake_store");
  if (!recipe.needsSecret && !learned) return undefined;
  const scheme = recipe.verify.find(({ keyFrom }) => keyFrom.kind === "secrets") ?? recipe.verify[0];
  if (scheme === undefined) return undefined;
  if (scheme.scheme === "ed25519") return { kind: "key", make: KEYS.ed25519 };
  if (scheme.scheme === "ecdsa_p256") return { kind: "key", make: KEYS.ec };
  if (scheme.scheme === "rsa") return { kind: "key", make: KEYS.rsa };
  const { encoding, stripPrefix } = scheme.key;
  return {
    kind: "text",
    make(randomHex) {
      if (scheme.scheme === "basic") return `hookrail:${randomHex(16)}`;
      if (encoding === "hex") return `${stripPrefix}${randomHex(32)}`;
      if (encoding === "base64") return `${stripPrefix}${Buffer.from(randomHex(32), "hex").toString("base64")}`;
      return `${stripPrefix}${randomHex(24)}`;
    },
  };
}

/** A key pair for a param that stands in for a fetched certificate or key set; undefined for other params. */
export function keyForParam(recipe: Recipe, name: string): (() => string) | undefined {
  if (name !== "certificate" && name !== "jwks") return undefined;
  const [scheme] = recipe.verify;
  return scheme?.scheme === "rsa" || scheme?.claims?.alg.has("RS256") === true ? KEYS.rsa : KEYS.ec;
}
