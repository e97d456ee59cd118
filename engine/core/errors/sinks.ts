import type { ErrorEntries } from "../errors.ts";

/** 120x: a pipeline that asks of a sink what it can not do; 533x: credentials that can not be used. */
export const sinkErrors = {
  HK5330: {
    title: "The private key can not be used",
    message: "{connection}: the private key of its JWT is no RSA key in PEM form",
    help: "Nothing was sent; the connection is paused. Give the whole key, from `-----BEGIN PRIVATE KEY-----` on, best as `${file:/run/secrets/NAME}`, then `hookrail resume connection NAME`.",
  },
  HK5331: {
    title: "The signing secret can not be used",
    message: "{connection}: its signing secret is empty or no key in base64 after the prefix",
    help: "Nothing was sent; the connection is paused. `whsec_` is followed by the secret in base64, `whsk_` by a 32 byte Ed25519 key in base64. Put it right, then `hookrail resume connection NAME`.",
  },
  HK5332: {
    title: "The body can not be written as CSV",
    message: "{connection}: a body in CSV can not be written: {reason}",
    help: "Nothing was sent. CSV takes flat rows with the same columns: a cell that a row lacks would blank the field there. Write lists as text (`types: { structured: text }`), let `batch` group by `key_set`, then `hookrail dead retry ID`.",
  },
  HK5333: {
    title: "A request that can not be joined",
    message: "{connection}: the body holds no list of one item at `{path}`, where its preset's `batch` says",
    help: "Nothing was sent. The body of an action with `batch` must hold a list of exactly one item at `batch.path`; correct the preset, then `hookrail dead retry ID`.",
  },
  HK5334: {
    title: "Too long for the sink",
    message: "{connection}: the item has {bytes} bytes; the sink takes {most}",
    help: "Nothing was sent: the sink would refuse it, or cut it. Send fewer attributes (`fields:` of the deliver entry) or shorter values, then `hookrail dead retry ID`.",
  },
} as const satisfies ErrorEntries;
