/** A name server on loopback that says, question by question, what the test wants: real DNS packets (RFC 1035). */
import { createSocket } from "node:dgram";
import { Resolver } from "node:dns/promises";
import { isIPv6 } from "node:net";
import type { ResolveAll } from "../../engine/network/lookup.ts";

export interface DnsStub {
  /** Names that were asked for, with the type of record. */
  readonly asked: readonly string[];
  /** Resolves through this server, A and AAAA. */
  readonly resolve: ResolveAll;
  close(): Promise<void>;
}

/** `answers`: the addresses for the n-th look-up (from 0), of either family. TTL is 0. */
export async function startDnsStub(answers: (lookup: number) => readonly string[]): Promise<DnsStub> {
  const asked: string[] = [];
  let lookups = 0;
  let now: readonly string[] = [];
  const socket = createSocket("udp4");
  socket.on("message", (query, from) => {
    const { name, type, end } = questionOf(query);
    asked.push(`${name} ${type === A ? "A" : "AAAA"}`);
    const found = now.filter((address) => isIPv6(address) === (type === AAAA));
    socket.send(answerTo(query.subarray(0, end), found), from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  const resolver = new Resolver({ timeout: 1_000, tries: 1 });
  resolver.setServers([`127.0.0.1:${socket.address().port}`]);
  return {
    asked,
    async resolve(hostname) {
      now = answers(lookups++);
      const none = () => [] as string[];
      const v4 = await resolver.resolve4(hostname).catch(none);
      const v6 = await resolver.resolve6(hostname).catch(none);
      return [...v4.map((address) => ({ address, family: 4 })), ...v6.map((address) => ({ address, family: 6 }))];
    },
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}

const A = 1;
const AAAA = 28;

function questionOf(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join("."), type: query.readUInt16BE(at + 1), end: at + 5 };
}

function answerTo(question: Buffer, addresses: readonly string[]): Buffer {
  const head = Buffer.from(question);
  head.writeUInt16BE(0x8180, 2);
  head.writeUInt16BE(addresses.length, 6);
  head.writeUInt16BE(0, 8);
  head.writeUInt16BE(0, 10);
  const records = addresses.map((address) => {
    const data = isIPv6(address) ? bytesOfV6(address) : Buffer.from(address.split(".").map(Number));
    const record = Buffer.alloc(12);
    record.writeUInt16BE(0xc00c, 0);
    record.writeUInt16BE(isIPv6(address) ? AAAA : A, 2);
    record.writeUInt16BE(1, 4);
    record.writeUInt16BE(data.length, 10);
    return Buffer.concat([record, data]);
  });
  return Buffer.concat([head, ...records]);
}

function bytesOfV6(address: string): Buffer {
  const { hostname } = new URL(`http://[${address}]/`);
  const [head = "", tail = ""] = hostname.slice(1, -1).split("::");
  const groups = (text: string) => (text === "" ? [] : text.split(":"));
  const [left, right] = [groups(head), groups(tail)];
  const all = hostname.includes("::") ? [...left, ...Array(8 - left.length - right.length).fill("0"), ...right] : left;
  return Buffer.from(all.map((group) => group.padStart(4, "0")).join(""), "hex");
}
