import type { ErrorEntries } from "../errors.ts";

/** 3xxx: recipes, verification, and bodies that can not be read. */
export const intakeErrors = {
  HK3001: {
    title: "A recipe reference that can't be read",
    message: "`{text}` can't be read; expected {expected}",
    help: "A recipe says where things are with references such as `header:x-id` or `body:data.id`, and what is signed with templates that hold them in braces. A literal brace is written `{{`.",
    wrong: "id: body.id",
    right: "id: body:id",
  },
  HK3002: {
    title: "A recipe that contradicts itself",
    message: "{problem}",
    help: "The parts of the recipe do not fit together, or would verify less than they seem to: for example a timestamp that is not part of what is signed protects against nothing.",
    wrong: "verify:\n  - scheme: hmac\n    header: x-signature\n    timestamp: { from: header:x-timestamp }",
    right:
      'verify:\n  - scheme: hmac\n    header: x-signature\n    message: "{timestamp}.{raw_body}"\n    timestamp: { from: header:x-timestamp }',
  },
  HK3003: {
    title: "A sample file that is not there",
    message: "no sample file `{file}`",
    help: "`file:` of a sample is a JSON file, relative to the recipe that names it. Write it, or put the payload under `body:`.",
  },
  HK3010: {
    title: "A body that is not UTF-8",
    message: "the body is not valid UTF-8",
    help: "The request was verified, so it is kept byte for byte; but JSON is UTF-8 and this is not, so no pipeline can read it. Ask the sender what it sent; `dead show` has the bytes.",
  },
  HK3011: {
    title: "A body that nests too deep",
    message: "the body is nested more than {max} deep",
    help: "The request was verified and is kept, but never parsed: no provider nests as deep as this, and parsing it could stop the engine.",
  },
  HK3012: {
    title: "A body that can't be parsed",
    message: "the body can't be read as {format}: {problem}",
    help: "The request was verified, so it is kept and waits here instead of being refused: a refusal would make the provider drop it. Look at the bytes with `dead show`; a sender that changed its content type is the usual cause.",
  },
  HK3013: {
    title: "An id, type or time that stands twice",
    message: "`{path}` stands more than once in the body",
    help: "Two values for one key mean that two readers could see two different events. Hookrail takes neither; the event waits for a person.",
  },
  HK3014: {
    title: "An event without a type",
    message: "no event type: none of {places} is there",
    help: "The recipe names where the type is, and none of these places holds a usable text (up to 200 characters, no control characters). The event is kept and waits.",
  },
  HK3015: {
    title: "A batch that can't be split",
    message: "the batch can't be split: {problem}",
    help: "The recipe's `items:` names the list of events. It is missing, not a list, or has more entries than one request may carry.",
  },
  HK3020: {
    title: "A scheme Hookrail can't sign with",
    message: "{provider}: a sample can't be signed: {problem}",
    help: "`send` and `test` sign samples as the provider would. Where only the provider holds the signing key, or the signature stands inside the body, that needs the key: give a private key as the secret of a test source, or use a recorded request.",
  },
  HK3021: {
    title: "A secret in the wrong form",
    message: "{provider}: secret {index} can't be used: {problem}",
    help: "The recipe says how the provider writes its secrets, and this one is written otherwise: often it was pasted without its end, or from another page. Copy it again from the provider's own page.",
  },
  HK3022: {
    title: "A path that leads nowhere",
    message: "`{path}` can't be set: {problem}",
    help: "A path such as `lines.data[1].price` names keys and indexes. Something on the way is a text or number and has no keys.",
  },
  HK3030: {
    title: "A certificate that was not taken up",
    message: "the certificate can't be taken up: {problem}",
    help: "The files of a TLS certificate have changed and do not fit together, so the one before goes on serving until it ends. Renewal writes the certificate and its key one after the other: if this was said only once, there is nothing to do. Else write both anew.",
  },
} as const satisfies ErrorEntries;
