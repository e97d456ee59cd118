import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Json } from "../../engine/core/types.ts";
import { identify } from "../../engine/provider/identify.ts";
import { parsePayload } from "../../engine/provider/parse.ts";
import { verify } from "../../engine/provider/verify.ts";
import { parseXml, writeXml } from "../../engine/provider/xml.ts";
import { context, inlineOf, request } from "./support.ts";

const read = (text: string, depth = 64) => parseXml(text, depth);
const value = (text: string): Json => {
  const parsed = read(text);
  if (!parsed.ok) throw new Error(parsed.problem);
  return parsed.value;
};

describe("parseXml", () => {
  it("reads a SOAP message: no prefixes, repeats as lists, nil as null, attributes beside children", () => {
    const soap = `<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
 <soapenv:Body><notifications xmlns="http://soap.sforce.com/2005/09/outbound">
  <OrganizationId>00D1</OrganizationId><SessionId xsi:nil="true"/>
  <Notification><Id>04l1</Id><sObject xsi:type="sf:Opportunity" xmlns:sf="urn:sobject"><sf:Id>006A</sf:Id><sf:Name>A &amp; B &#233;<![CDATA[ <x>]]></sf:Name></sObject></Notification>
  <Notification><Id>04l2</Id></Notification>
 </notifications></soapenv:Body>
</soapenv:Envelope>`;
    expect(value(soap)).toEqual({
      Envelope: {
        Body: {
          notifications: {
            OrganizationId: "00D1",
            SessionId: null,
            Notification: [
              { Id: "04l1", sObject: { "@type": "sf:Opportunity", Id: "006A", Name: "A & B é <x>" } },
              { Id: "04l2" },
            ],
          },
        },
      },
    });
  });

  it.each([
    ["a document type", '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'],
    ["an entity of a file", '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>'],
    ["an entity nobody declared", "<a>&nbsp;</a>"],
    ["an element left open", "<a><b></a>"],
    ["two roots", "<a/><b/>"],
    ["no root", "   "],
    ["text alone", "hello"],
  ])("refuses %s", (_, text) => {
    expect(read(text)).toMatchObject({ ok: false, reason: "malformed" });
  });

  it("refuses what nests too deep, however large, without reading it all", () => {
    expect(read("<a>".repeat(64) + "</a>".repeat(64))).toMatchObject({ ok: true });
    expect(read("<a>".repeat(65) + "</a>".repeat(65))).toMatchObject({ ok: false, reason: "depth" });
    expect(read("<a>".repeat(1_000_000))).toMatchObject({ ok: false, reason: "depth" });
  });

  it("keeps no key that could pose as a prototype or a function", () => {
    const parsed = value("<a><__proto__><x>1</x></__proto__><_jsonata_function>1</_jsonata_function><b>2</b></a>");
    expect(JSON.stringify(parsed)).toBe('{"a":{"b":"2"}}');
  });

  it("never throws, whatever it is given", () => {
    const bits = fc.constantFrom(
      "<",
      ">",
      "/",
      "a",
      "&",
      ";",
      "!",
      "[",
      "]",
      "?",
      "-",
      '"',
      "=",
      " ",
      "CDATA",
      "DOCTYPE",
    );
    const any = fc.oneof(
      fc.string(),
      fc.array(bits, { maxLength: 40 }).map((parts) => parts.join("")),
    );
    fc.assert(fc.property(any, (text) => void expect(typeof read(text).ok).toBe("boolean")));
  });

  it("reads back what it writes for samples", () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/);
    // XML has no control characters, and ends lines its own way.
    const text = fc.string({ unit: "grapheme" }).filter((one) => !/[\p{Cc}\p{Cs}\ufffe\uffff]/u.test(one));
    const leaf = fc.oneof(text, fc.constant(null));
    const { tree } = fc.letrec<{ tree: Json }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 3 },
        leaf,
        fc.dictionary(name, tie("tree"), { minKeys: 1, maxKeys: 4, noNullPrototype: true }),
      ),
    }));
    fc.assert(
      fc.property(fc.dictionary(name, tree, { minKeys: 1, maxKeys: 1, noNullPrototype: true }), (sample) => {
        expect(value(writeXml(sample as Json))).toEqual(sample);
      }),
    );
  });
});

describe("XML bodies", () => {
  const recipe = inlineOf(
    `{ signature: { scheme: token, header: x-token, require: { "body:order.shop": s1 } }, items: order.line, id: "body:sku", type: "=line" }`,
  );
  const body = "<order><shop>s1</shop><line><sku>a</sku></line><line><sku>b</sku></line></order>";
  const sent = (text: string) => request(text, { "content-type": "text/xml; charset=utf-8", "x-token": "t" });

  it("are read for what a signature demands, for ids and types, and item by item", async () => {
    expect(await verify(recipe, sent(body), context("t"))).toMatchObject({ ok: true });
    expect(await verify(recipe, sent(body.replace("s1", "s2")), context("t"))).toMatchObject({
      reason: "required_value_mismatch",
    });
    expect(identify(recipe, sent(body), { maxItems: 10 })).toMatchObject({ events: [{ id: "a" }, { id: "b" }] });
    const stored = { contentType: "application/soap+xml", body: Buffer.from(body), itemIndex: 1 };
    expect(parsePayload(recipe, stored)).toEqual({ ok: true, value: { sku: "b" } });
  });

  it("hold a list of one where an element stands alone, and none where there is none", () => {
    const lone = "<order><shop>s1</shop><line><sku>a</sku></line></order>";
    expect(identify(recipe, sent(lone), { maxItems: 10 })).toMatchObject({ events: [{ id: "a" }] });
    const stored = { contentType: "text/xml", body: Buffer.from(lone), itemIndex: 0 };
    expect(parsePayload(recipe, stored)).toEqual({ ok: true, value: { sku: "a" } });
    expect(identify(recipe, sent("<order><shop>s1</shop></order>"), { maxItems: 10 })).toMatchObject({
      code: "HK3015",
    });
  });

  it("that can't be read are kept with a reason", () => {
    expect(identify(recipe, sent("<order>"), { maxItems: 10 })).toMatchObject({ kind: "unreadable", code: "HK3012" });
    const deep = "<a>".repeat(70) + "</a>".repeat(70);
    expect(identify(recipe, sent(deep), { maxItems: 10 })).toMatchObject({ kind: "unreadable", code: "HK3011" });
  });
});
