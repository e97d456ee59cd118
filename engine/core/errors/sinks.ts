import type { ErrorEntries } from "../errors.ts";

/** 120x: a pipeline that asks of a sink what it can not do; 533x: credentials that can not be used. */
export const sinkErrors = {
  HK1200: {
    title: "The sink can not blank it",
    message: "`{attribute}` is clearable, and `{action}` of {sink} has no way to blank an attribute",
    help: "When the attribute is cleared, the sink would keep the old value and nobody would know. Leave it out (`fields:` of the deliver entry), or take `clearable: true` off the attribute and write a value that means nothing there.",
  },
  HK1201: {
    title: "The sink can not hold it",
    message: "`{attribute}` is of type {type}, which `{action}` of {sink} can not carry",
    help: "Lists and objects have no place there. Leave the attribute out (`fields:` of the deliver entry), or write a text or a number of it.",
  },
  HK1202: {
    title: "A name the sink does not take",
    message: "`{attribute}` would be called `{name}` there; {sink} takes names that match {pattern}",
    help: "Say what it is called there in the connection's `attribute_names`: ours on the left, theirs on the right.",
  },
  HK1203: {
    title: "Two attributes under one name",
    message: "`{attribute}` and `{other}` would both be called `{name}` at {sink}",
    help: "One would overwrite the other, in no order. Give them different names in the connection's `attribute_names`, or send one of them (`fields:`).",
  },
  HK1204: {
    title: "at_most_once for nothing",
    message: "`at_most_once` on a sink ({sink}) where a repeat ends the same",
    help: "After an attempt without an answer the delivery would become a dead letter, though sending it again does no harm. Take `at_most_once` off.",
  },
  HK1205: {
    title: "It may happen twice",
    message: "`{action}` of {connection} acts again when it is repeated, and the connection does not say what is worse",
    help: "After an attempt without an answer nobody knows whether it was applied. `at_most_once: true` on the connection: it is not repeated, and a dead letter asks a person. `at_most_once: false`: it is repeated, and may appear twice.",
  },
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
