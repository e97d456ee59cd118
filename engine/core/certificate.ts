/** Certificates and keys as PEM texts: whether they fit together, and until when they hold. */
import { createPrivateKey, X509Certificate } from "node:crypto";

/** PEM texts. `ca`: clients must show a certificate of it. */
export interface TlsTexts {
  readonly cert: string;
  readonly key: string;
  readonly ca?: string;
}

/** Why these texts can't serve, in words without any of their content; undefined: they can. */
export function certificateFault({ cert, key, ca }: TlsTexts): string | undefined {
  const certificate = attempt(() => new X509Certificate(cert));
  if (certificate === undefined) return "the certificate is not PEM";
  const privateKey = attempt(() => createPrivateKey(key));
  if (privateKey === undefined) return "the key is no private key in PEM, or has a passphrase";
  if (!certificate.checkPrivateKey(privateKey))
    return "the key does not belong to the certificate (the server's own certificate stands first in a chain)";
  if (ca !== undefined && attempt(() => new X509Certificate(ca)) === undefined)
    return "the CA of the clients is not PEM";
  return undefined;
}

/** When the first certificate of the text ends, ms since the epoch. */
export function certificateEnd(cert: string): number {
  return Date.parse(new X509Certificate(cert).validTo);
}

function attempt<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}
