/** Bodies a stranger, or a broken sender with a valid key, might post; and what must become of them once they are signed. */

export interface HostileBody {
  readonly name: string;
  readonly body: Buffer;
  /**
   * What a validly signed one must come to: a dead letter with this code (of intake or of the mapping), or an event
   * that was applied. Whatever it is, it is never lost.
   */
  readonly becomes: "applied" | "skipped" | `HK${number}`;
}

let count = 0;

/** A payment's parts as raw JSON text, so that they need not be JSON. */
function payload(parts: {
  readonly id?: string;
  readonly type?: string;
  readonly created?: string;
  readonly account?: string;
  readonly number?: string;
  readonly more?: string;
}): Buffer {
  const n = ++count;
  const { id = `"evt_h${n}"`, type = '"payment.made"', created = String(Math.trunc(Date.now() / 1000)) } = parts;
  const { account = `"acct_h${n}"`, number = "1", more = "" } = parts;
  return Buffer.from(
    `{"id":${id},"type":${type},"created":${created},"data":{"object":{"account":${account},"number":${number},"amount":5${more}}},"canary":"c4n4ry-b0dy"}`,
  );
}

const nested = (open: string, close: string, depth: number, core = "") =>
  Buffer.from(open.repeat(depth) + core + close.repeat(depth));

const applied = (name: string, body: Buffer): HostileBody => ({ name, body, becomes: "applied" });
const dead = (name: string, body: Buffer, becomes: HostileBody["becomes"]): HostileBody => ({ name, body, becomes });

const keys = (n: number, name: (i: number) => string) =>
  Array.from({ length: n }, (_, i) => `,${JSON.stringify(name(i))}:${i}`).join("");

const encodings: readonly HostileBody[] = [
  applied("a byte order mark", Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), payload({})])),
  dead("UTF-16", Buffer.from(payload({}).toString(), "utf16le"), "HK3012"),
  dead(
    "UTF-16 with its mark",
    Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(payload({}).toString(), "utf16le")]),
    "HK3012",
  ),
  dead("broken UTF-8 in a value", replaceByte(payload({ more: ',"x":"#"' }), "#", [0xc3, 0x28]), "HK3010"),
  dead("overlong UTF-8", replaceByte(payload({ more: ',"x":"#"' }), "#", [0xc0, 0xaf]), "HK3010"),
  dead("a surrogate in UTF-8", replaceByte(payload({ more: ',"x":"#"' }), "#", [0xed, 0xa0, 0x80]), "HK3010"),
  dead("zero bytes", Buffer.alloc(1_000), "HK3012"),
  dead("a NUL behind the JSON", Buffer.concat([payload({}), Buffer.from([0])]), "HK3012"),
];

const shapes: readonly HostileBody[] = [
  dead("nothing", Buffer.alloc(0), "HK3012"),
  dead("white space", Buffer.from(" \n\t "), "HK3012"),
  dead("null", Buffer.from("null"), "HK3014"),
  dead("a list", Buffer.from("[1,2]"), "HK3014"),
  dead("a text", Buffer.from('"evt"'), "HK3014"),
  dead("a number", Buffer.from("1e400"), "HK3014"),
  dead("half a body", payload({}).subarray(0, 60), "HK3012"),
  dead("something behind it", Buffer.concat([payload({}), Buffer.from("x")]), "HK3012"),
  dead("a comment", Buffer.concat([Buffer.from("/* hi */"), payload({})]), "HK3012"),
  dead("a form that says it is JSON", Buffer.from("id=evt_1&type=payment.made"), "HK3014"),
  dead("XML with an entity", Buffer.from('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'), "HK3012"),
  dead("no type", payload({ type: '""' }), "HK3014"),
  dead("a type that is an object", payload({ type: "{}" }), "HK3014"),
  dead("a type of 10,000 characters", payload({ type: JSON.stringify("t".repeat(10_000)) }), "HK3014"),
  dead("a type with a line break", payload({ type: '"payment\\nmade"' }), "HK3014"),
];

const depths: readonly HostileBody[] = [
  dead("100,000 lists deep", nested("[", "]", 100_000), "HK3011"),
  dead("150,000 objects deep", nested('{"a":', "}", 150_000, "1"), "HK3011"),
  dead("1,000,000 lists that are never closed", nested("[", "", 1_000_000), "HK3011"),
  dead("too deep inside a value", payload({ more: `,"x":${nested("[", "]", 200).toString()}` }), "HK3011"),
  applied("as deep as is allowed", payload({ more: `,"x":${nested("[", "]", 60).toString()}` })),
  applied("brackets in a text", payload({ more: `,"x":"${"[{".repeat(50_000)}"` })),
];

const numbers: readonly HostileBody[] = [
  applied("a number beyond all numbers, not read", payload({ more: ',"x":1e400,"y":-1e400,"z":1e-400' })),
  applied("30 digits, not read", payload({ more: ',"x":123456789012345678901234567890' })),
  applied("100,000 digits, not read", payload({ more: `,"x":${"9".repeat(100_000)}` })),
  dead("a number beyond all numbers, read", payload({ number: "1e400" }), "HK2022"),
  dead("an integer that JavaScript would round", payload({ number: "9007199254740993" }), "HK2022"),
  applied("a time beyond all times", payload({ created: "1e300" })),
  applied("a negative time", payload({ created: "-5" })),
  applied("a time that is a text", payload({ created: '"yesterday"' })),
  dead("NaN", payload({ number: "NaN" }), "HK3012"),
];

const keysAndNames: readonly HostileBody[] = [
  dead("the id twice", payload({ id: '"a","id":"b"' }), "HK3013"),
  dead("the type twice", payload({ type: '"payment.made","type":"other"' }), "HK3013"),
  applied("another key twice", payload({ more: ',"x":1,"x":2' })),
  applied("__proto__", payload({ more: ',"__proto__":{"polluted":true,"last":9}' })),
  applied("__proto__ in disguise", payload({ more: ',"\\u005f_proto__":{"polluted":true}' })),
  applied("constructor.prototype", payload({ more: ',"constructor":{"prototype":{"polluted":true}}' })),
  applied("a JSONata function", payload({ more: ',"x":{"_jsonata_function":true,"implementation":1}' })),
  applied("a JSONata lambda", payload({ more: ',"x":{"_jsonata_lambda":true,"body":{}}' })),
  applied("100,000 keys", payload({ more: keys(50_000, (i) => `k${i}`) })),
  applied("one key 50,000 times", payload({ more: keys(50_000, () => "k") })),
  applied("toString, hasOwnProperty, then", payload({ more: ',"toString":1,"hasOwnProperty":1,"then":1,"toJSON":1' })),
];

const texts: readonly HostileBody[] = [
  applied("half a surrogate pair as id", payload({ id: '"evt_\\ud800"' })),
  applied("NUL in the id", payload({ id: '"evt_\\u0000nul"' })),
  applied("an id of 100,000 characters", payload({ id: JSON.stringify("i".repeat(100_000)) })),
  applied("an id that is a number", payload({ id: "12345678901234567890" })),
  applied("an id that is an object", payload({ id: '{"a":1}' })),
  applied("an empty id", payload({ id: '""' })),
  applied("SQL in the key", payload({ account: `"'; DROP TABLE account;--"` })),
  applied("a path in the key", payload({ account: '"../../etc/passwd"' })),
  applied("a script in the key", payload({ account: '"<script>alert(1)</script>"' })),
  applied("right-to-left and emoji in the key", payload({ account: '"\\u202eabc\\ud83d\\ude00"' })),
  dead("no key", payload({ account: '""' }), "HK2020"),
  dead("a null key", payload({ account: "null" }), "HK2020"),
  dead("a key that is a list", payload({ account: "[1,2]" }), "HK2022"),
  applied("terminal codes and a forged log line", payload({ more: ',"x":"\\u001b[31m\\n{\\"level\\":\\"error\\"}"' })),
];

/** All of them; each has an id of its own. */
export const hostileBodies: readonly HostileBody[] = [
  ...encodings,
  ...shapes,
  ...depths,
  ...numbers,
  ...keysAndNames,
  ...texts,
];

function replaceByte(body: Buffer, mark: string, bytes: readonly number[]): Buffer {
  const at = body.indexOf(mark);
  return Buffer.concat([body.subarray(0, at), Buffer.from(bytes), body.subarray(at + 1)]);
}
