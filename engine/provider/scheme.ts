/** One way to verify, compiled: what `verify:` becomes and what verification and signing work on. */
import type { TimeUnit } from "./compile-events.ts";
import { holesOf, type Ref, type Template } from "./template.ts";
import type { VerifyEntryYaml } from "./verify.schema.ts";

export type SchemeName = VerifyEntryYaml["scheme"];
export type HashName = "sha1" | "sha256" | "sha384" | "sha512";

/** How signatures stand in the text that was found. */
export type SignatureParse =
  | { readonly kind: "raw" }
  | { readonly kind: "prefix"; readonly prefix: string }
  | { readonly kind: "kv"; readonly item: string; readonly field: string; readonly pick: string }
  | { readonly kind: "list"; readonly sep: string; readonly field: string; readonly pick: string }
  | {
      readonly kind: "positional";
      readonly sep: string;
      readonly timestamp: number | undefined;
      readonly signatures: number;
    }
  | { readonly kind: "pairs"; readonly item: string; readonly field: string; readonly selectBy: Ref };

export type SignatureEncoding = "hex" | "base64" | "base64url" | "text";

/** A place, or a numbered family of headers. */
export type SignaturePlace = Ref | { readonly kind: "header_pattern"; readonly before: string; readonly after: string };

export type MessagePart =
  | { readonly kind: "template"; readonly template: Template }
  | { readonly kind: "form_sorted"; readonly dedupe: boolean }
  | { readonly kind: "field_lines"; readonly fields: readonly { readonly name: string; readonly optional: boolean }[] }
  | { readonly kind: "join_fields"; readonly sep: string; readonly paths: readonly string[] }
  | {
      readonly kind: "signed_headers";
      readonly listFrom: Ref;
      readonly listSep: string;
      readonly mustList: readonly string[];
      readonly sep: string;
      readonly form: "values" | "name_value";
    }
  /** The first item of a list, as JSON; "" for the body itself. */
  | { readonly kind: "first_item"; readonly path: string }
  | {
      readonly kind: "url";
      readonly form: "registered" | "received";
      readonly portVariants: boolean;
      readonly percentDecode: readonly string[];
    };

export interface ChainModel {
  /** One of these it must be made out to. */
  readonly subjects: readonly string[];
  /** Hosts that certificates between it and a root may come from. */
  readonly issuersFrom: readonly string[];
}

export type KeyFrom =
  | { readonly kind: "secrets" }
  | { readonly kind: "param"; readonly name: string }
  | { readonly kind: "handshake_store"; readonly name: string }
  | {
      readonly kind: "cert_url";
      readonly from: Ref;
      readonly hosts: readonly string[];
      readonly pathSuffix: string;
      /** What its chain must be like; absent: the host it came from vouches for it. */
      readonly chain?: ChainModel;
    }
  | {
      readonly kind: "jwks";
      readonly url: Template;
      /** Fields of a POST; absent: a GET. */
      readonly post?: readonly (readonly [string, Template])[];
      readonly keyAt: string;
      readonly expiredAt?: string;
    };

/** What must hold of a reference for an entry to count. */
export interface Requirement {
  readonly ref: Ref;
  readonly text: string;
  readonly equals?: Template;
  readonly matches?: RegExp;
  readonly exists: boolean;
}

export interface ClaimsModel {
  readonly alg: ReadonlySet<string>;
  readonly iss?: Template;
  readonly aud?: Template;
  readonly maxAgeMs?: number;
  readonly expRequired: boolean;
  readonly bodyHash?: { readonly claim: string; readonly encoding: "hex" | "base64" };
  readonly urlHash?: { readonly claim: string; readonly encoding: "hex" | "base64" };
}

export interface TimestampModel {
  readonly from: Ref;
  readonly unit: TimeUnit;
  readonly pastMs: number;
  readonly futureMs: number;
}

/** The digest of a scheme in code. */
export interface CodeDigest {
  readonly name: string;
  readonly digest: (input: { readonly message: Uint8Array; readonly key: Uint8Array }) => Uint8Array;
}

/** Schemes in code, by name. */
export type CodeSchemes = ReadonlyMap<string, CodeDigest>;

export interface SchemeModel {
  readonly scheme: SchemeName;
  /** With it the scheme is `hmac` in all but the digest. */
  readonly code?: CodeDigest;
  readonly algorithm: HashName;
  readonly places: readonly SignaturePlace[];
  readonly parse: SignatureParse;
  readonly encoding: SignatureEncoding;
  readonly format: "der" | "ieee_p1363";
  readonly key: {
    readonly encoding: "utf8" | "base64" | "hex" | "pem";
    readonly stripPrefix: string;
    /** A secret without the prefix is of another kind and never used. */
    readonly requirePrefix: boolean;
    readonly derive: "none" | "sha1" | "nfkd";
  };
  readonly keyFrom: KeyFrom;
  readonly message: readonly MessagePart[];
  readonly perItem?: string;
  readonly claims?: ClaimsModel;
  readonly require: readonly Requirement[];
  readonly timestamp?: TimestampModel;
  /** Whole messages that match one of these are signed for anyone who asks, in a handshake: they prove nothing. */
  readonly openlySigned?: readonly RegExp[];
  /** What is signed, in words. */
  readonly signed: string;
}

/** Whether the message is made with the secret itself (plain hash schemes). */
export function readsSecret(parts: readonly MessagePart[]): boolean {
  return parts.some(
    (part) => part.kind === "template" && holesOf(part.template).some((hole) => hole.ref.kind === "secret"),
  );
}
