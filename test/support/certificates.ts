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
}

/** A fresh key and its certificate, good for localhost and 127.0.0.1. */
export function makeCertificate({ name, by, days = 365 }: CertificateOptions): Pair {
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
        ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
        ...["-days", String(days), "-subj", `/CN=${name}`],
        ...["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
        ...["-addext", `basicConstraints=critical,CA:${by === undefined ? "TRUE" : "FALSE"}`],
        ...["-keyout", at("key"), "-out", at("crt"), ...issuer],
      ],
      { stdio: "ignore" },
    );
    return { cert: readFileSync(at("crt"), "utf8"), key: readFileSync(at("key"), "utf8") };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
