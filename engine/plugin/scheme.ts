/** A signature scheme in code: only the digest is the plugin's; finding, decoding and comparing signatures is not. */

/** What one digest is made of. */
export interface DigestInput {
  /** What is signed, byte for byte, as `message:` of the recipe says. */
  readonly message: Uint8Array;
  /** The secret, decoded as `key:` of the recipe says. Never to be stored, logged or put in an error. */
  readonly key: Uint8Array;
}

/**
 * A scheme that recipes and `signature:` name: everything `scheme: hmac` takes works with it, with this digest in place
 * of HMAC. Compared in constant time against what the request carries, once for each secret.
 */
export interface SchemeDescriptor {
  readonly name: string;
  readonly summary: string;
  /**
   * Pure and synchronous; at least 16 bytes, since a shorter one can be guessed. A throw, or anything else, refuses the
   * request with 401 (`key_unavailable` in the log).
   */
  digest(input: DigestInput): Uint8Array;
}

/** The schemes that are built in. */
export const signatureSchemes = [
  "hmac",
  "hash",
  "ed25519",
  "ecdsa_p256",
  "rsa",
  "jwt",
  "token",
  "basic",
  "none",
] as const;

/** Fewest bytes of a digest. */
export const MIN_DIGEST_BYTES = 16;

/** Declares a signature scheme. The file's default export; its name is the file's name. */
export function defineScheme(descriptor: SchemeDescriptor): SchemeDescriptor {
  return Object.freeze({ ...descriptor });
}
