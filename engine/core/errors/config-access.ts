/** Who may use the admin API, as the config says it. */
import type { ErrorEntries } from "../errors.ts";

/** 1320-1329: tokens of the admin API. */
export const configAccessErrors = {
  HK1320: {
    title: "A token that is given twice, or not at all",
    message: "admin token `{name}` needs either `hash` or `token`",
    help: "`hash` keeps only the SHA-256 of the token, so the file lets nobody in: `hookrail token new` makes a token and prints the line. `token` takes the token itself from the environment.",
    wrong: "tokens: [{ name: ann, role: operator }]",
    right: "tokens: [{ name: ann, role: operator, hash: sha256:… }]",
  },
  HK1321: {
    title: "A token's hash that can't be read",
    message: "the `hash` of admin token `{name}` is not `sha256:` and 64 hexadecimal digits",
    help: "The hash is the SHA-256 of a token that a machine has made, such as `hookrail token new` prints. A slow hash, as passwords need it, is not taken: such a token can not be guessed, and slow hashes would let strangers keep the engine busy.",
    wrong: "hash: 5f4dcc3b5aa765d61d8327deb882cf99",
    right: "hash: sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
  },
  HK1322: {
    title: "Two tokens of one name",
    message: "admin token `{name}` is declared twice",
    help: "The name is what the audit shows. To change a token without a gap, give the new one a name of its own, such as `ann-2027`, and take the old one out later.",
    wrong: "tokens: [{ name: ann, … }, { name: ann, … }]",
    right: "tokens: [{ name: ann, … }, { name: ann-2027, … }]",
  },
} as const satisfies ErrorEntries;
