/**
 * Names instead of names: each word becomes another of the same shape, always the same one for the same word and key, so that
 * ids stay consistent and e-mail addresses stay e-mail addresses. Without the key nothing leads back. Pure.
 */
import { createHmac } from "node:crypto";

export interface Pseudonyms {
  /** A text of the same shape; words for which `keep` is true stay. */
  text(text: string, keep?: (word: string) => boolean): string;
  number(value: number): number;
}

/** Ways to name one word, before two words may share a name. */
const MAX_TRIES = 20;
const EMAIL = /[\p{L}\p{N}._%+'-]+@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)*/gu;
const WORD = /[\p{L}\p{N}_]+/gu;
const URL_START = /^[a-z][a-z0-9+.-]*:\/\//i;
const IPV4 = /^\d{1,3}(?:\.\d{1,3}){3}$/;
const HEX = /^(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{4,}$/i;

/** `prefixes`: starts of ids that say what they name, such as `cus_`; `key`: of this installation or recording. */
export function createPseudonyms(key: string, prefixes: ReadonlySet<string> = new Set()): Pseudonyms {
  const given = new Map<string, string>();
  const taken = new Map<string, string>();
  /** By the word in lower case: the same name in another case is the same person. */
  const nameOf = (word: string): string => {
    const known = given.get(word);
    if (known !== undefined) return known;
    let name = word;
    for (let attempt = 0; attempt < MAX_TRIES; attempt++) {
      name = drawn(word, streamOf(key, word, attempt), prefixOf(word, prefixes));
      if (name !== word && !taken.has(name)) break;
    }
    given.set(word, name);
    taken.set(name, word);
    return name;
  };
  const wordOf = (word: string): string => inCaseOf(word, nameOf(word.toLowerCase()));
  const words = (text: string, keep: (word: string) => boolean) =>
    text.replace(WORD, (word) => (keep(word) ? word : wordOf(word)));
  const email = (address: string) => {
    const at = address.lastIndexOf("@");
    const local = words(address.slice(0, at), () => false);
    // `.example` is nobody's (RFC 2606): a fixture that is sent somewhere by mistake reaches no person.
    const [host = ""] = address.slice(at + 1).split(".");
    return `${local}@${words(host, () => false)}.example`;
  };
  const plain = (text: string, keep: (word: string) => boolean): string => {
    if (IPV4.test(text)) return `192.0.2.${1 + (streamOf(key, text, 0)(0) % 254)}`;
    let out = "";
    let end = 0;
    for (const match of text.matchAll(EMAIL)) {
      out += words(text.slice(end, match.index), keep) + email(match[0]);
      end = match.index + match[0].length;
    }
    return out + words(text.slice(end), keep);
  };
  const url = (text: string, keep: (word: string) => boolean): string => {
    const start = URL_START.exec(text)?.[0] ?? "";
    const [host = "", ...rest] = text.slice(start.length).split(/(?=[/?#])/);
    const path = rest.join("").replace(/[^/?#&=]+/g, (part) => encodeURI(plain(decoded(part), keep)));
    const [first = ""] = (host.split("@").at(-1) ?? "").split(/[.:]/);
    return `${start}${words(first, () => false)}.example${path}`;
  };
  return {
    text: (text, keep = () => false) => (URL_START.test(text) ? url(text, keep) : plain(text, keep)),
    number(value) {
      const text = String(value);
      // Digits change, the size does not: 1e21 and the like have no digits to speak of.
      if (!/^-?\d+(?:\.\d+)?$/.test(text)) return Math.sign(value);
      const [, sign = "", whole = "", rest = ""] = /^(-?)(\d+)(.*)$/.exec(text) ?? [];
      const name = nameOf(whole);
      // Beyond 2^53 digits would be rounded.
      const safe = whole.length >= 16 && name.startsWith("9") ? `8${name.slice(1)}` : name;
      return Number(`${sign}${safe}${rest === "" ? "" : `.${nameOf(rest.slice(1))}`}`);
    },
  };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function prefixOf(word: string, prefixes: ReadonlySet<string>): string {
  for (let at = word.lastIndexOf("_"); at > 0; at = word.lastIndexOf("_", at - 1))
    if (prefixes.has(word.slice(0, at + 1)) && at + 1 < word.length) return word.slice(0, at + 1);
  return "";
}

/** Bytes that follow from key and word. */
function streamOf(key: string, word: string, attempt: number): (index: number) => number {
  const blocks: Buffer[] = [];
  return (index) => {
    const block = Math.floor(index / 32);
    blocks[block] ??= createHmac("sha256", key).update(`${attempt}\n${block}\n${word}`).digest();
    return blocks[block][index % 32] as number;
  };
}

const LETTERS = "abcdefghijklmnopqrstuvwxyz";

function drawn(word: string, byte: (index: number) => number, prefix: string): string {
  const rest = word.slice(prefix.length);
  const letters = HEX.test(rest) ? "abcdef" : LETTERS;
  let index = 0;
  let out = prefix;
  for (const char of rest) {
    const draw = byte(index++);
    if (/\p{N}/u.test(char)) out += digit(draw, index === 1);
    else out += /\p{L}/u.test(char) ? letters[draw % letters.length] : char;
  }
  return out;
}

/** No zero in front: `0123` would be another number. */
const digit = (draw: number, first: boolean) => String(first ? 1 + (draw % 9) : draw % 10);

function inCaseOf(word: string, name: string): string {
  const chars = [...word];
  return [...name].map((char, at) => (isUpper(chars[at] ?? "") ? char.toUpperCase() : char)).join("");
}

const isUpper = (char: string) => char !== char.toLowerCase();
