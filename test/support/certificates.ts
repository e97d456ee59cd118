/** Certificates made for a test, by openssl: authorities, servers and clients, also such as end soon. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Pair {
  readonly cert: string;
  readonly key: string;
}

export interface CertificateOptions {
  readonly name: string;
  /** Default: signed by itself, and an authority. */
  readonly by?: Pair;
  readonly days?: number;
  /** Default: localhost. */
  readonly host?: string;
  /** Default: a curve. */
  readonly rsa?: boolean;
  /** Default: only what is signed by itself. */
  readonly authority?: boolean;
  /** Where it says that the certificate above it lies. */
  readonly issuerAt?: string;
}

/** A fresh key and its certificate, good for localhost and 127.0.0.1. */
export function makeCertificate({ name, by, days = 365, ...options }: CertificateOptions): Pair {
  const { host = "localhost", rsa = false, authority = by === undefined, issuerAt } = options;
  const folder = mkdtempSync(join(tmpdir(), "hookrail-cert-"));
  const at = (file: string) => join(folder, file);
  try {
    if (by !== undefined) {
      writeFileSync(at("ca.crt"), by.cert);
      writeFileSync(at("ca.key"), by.key);
    }
    const issuer = by === undefined ? [] : ["-CA", at("ca.crt"), "-CAkey", at("ca.key")];
    execFileSync(
      "openssl",
      [
        ...["req", "-x509", "-nodes"],
        ...(rsa ? ["-newkey", "rsa:2048"] : ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]),
        ...["-days", String(days), "-subj", `/CN=${name}`],
        ...["-addext", `subjectAltName=DNS:${host},IP:127.0.0.1`],
        ...["-addext", `basicConstraints=critical,CA:${authority ? "TRUE" : "FALSE"}`],
        ...(issuerAt === undefined ? [] : ["-addext", `authorityInfoAccess=caIssuers;URI:${issuerAt}`]),
        ...["-keyout", at("key"), "-out", at("crt"), ...issuer],
      ],
      { stdio: "ignore" },
    );
    return { cert: readFileSync(at("crt"), "utf8"), key: readFileSync(at("key"), "utf8") };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
