import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { errorCatalogue } from "../../engine/core/errors.ts";
import type { RecipeYaml } from "../../engine/provider/recipe.schema.ts";
import { compileRecipe } from "../../engine/provider/recipe.ts";
import { compileInline, readRecipe, readSample } from "./support.ts";

const compile = (yaml: string) =>
  compileRecipe({ provider: "x", title: "X", ...(parse(yaml) as object) } as RecipeYaml);
const faultsOf = (yaml: string) => {
  const compiled = compile(yaml);
  return compiled.ok ? [] : compiled.faults;
};

describe("compileRecipe", () => {
  it.each([
    [
      "no place for the signature",
      "verify: [{ scheme: hmac }]",
      ["verify", 0],
      "HK3002",
      /does not say where the signature is/,
    ],
    [
      "a timestamp nobody signed",
      "verify: [{ scheme: hmac, header: s, timestamp: { from: 'header:t' } }]",
      ["verify", 0, "timestamp"],
      "HK3002",
      /not part of what is signed/,
    ],
    [
      "a signed timestamp from nowhere",
      "verify: [{ scheme: hmac, header: s, message: '{timestamp}.{raw_body}' }]",
      ["verify", 0, "message"],
      "HK3002",
      /does not say where it is/,
    ],
    [
      "a plain hash of the body",
      "verify: [{ scheme: hash, header: s }]",
      ["verify", 0, "message"],
      "HK3002",
      /made by anyone/,
    ],
    ["a JWT of any algorithm", "verify: [{ scheme: jwt }]", ["verify", 0], "HK3002", /needs `claims:`/],
    [
      "short and long form at once",
      "verify: [{ scheme: hmac, header: s, signature: { from: 'header:t' } }]",
      ["verify", 0, "header"],
      "HK3002",
      /short form/,
    ],
    [
      "an unknown reference",
      "verify: [{ scheme: hmac, signature: { from: 'heeder:s' } }]",
      ["verify", 0, "signature", "from"],
      "HK3001",
      /heeder:s/,
    ],
    [
      "a brace that is not closed",
      "verify: [{ scheme: hmac, header: s, message: '{raw_body' }]",
      ["verify", 0, "message"],
      "HK3001",
      /can't be read/,
    ],
    [
      "an unknown function",
      "verify: [{ scheme: hmac, header: s, message: '{md5(raw_body)}' }]",
      ["verify", 0, "message"],
      "HK3001",
      /md5/,
    ],
    [
      "a param that is not declared",
      "verify: [{ scheme: hmac, header: s, message: '{param:url}{raw_body}' }]",
      ["params"],
      "HK3002",
      /param:url/,
    ],
    [
      "a url that is not declared",
      "verify: [{ scheme: hmac, header: s, message: [{ url: {} }, '{raw_body}'] }]",
      ["params"],
      "HK3002",
      /param:url/,
    ],
    [
      "an unknown place of the id",
      "verify: [{ scheme: none }]\nevents: { id: id }",
      ["events", "id"],
      "HK3001",
      /`id`/,
    ],
    [
      "an entity from nowhere",
      "verify: [{ scheme: none }]\nevents: { entity: { type: a, id: data.id } }",
      ["events", "entity", "id"],
      "HK3001",
      /data\.id/,
    ],
    [
      "an empty path",
      "verify: [{ scheme: none }]\nevents: { type: ['body:a..b', 'body:c'] }",
      ["events", "type", 0],
      "HK3001",
      /a\.\.b/,
    ],
    [
      "a sample without a payload",
      "verify: [{ scheme: none }]\nsamples: [{ name: s }]",
      ["samples", 0],
      "HK3002",
      /either body or file/,
    ],
    [
      "a sample file that is not there",
      "verify: [{ scheme: none }]\nsamples: [{ name: s, file: nope.json }]",
      ["samples", 0, "file"],
      "HK3003",
      /nope\.json/,
    ],
    [
      "two samples of one name",
      "verify: [{ scheme: none }]\nsamples: [{ name: s, body: 1 }, { name: s, body: 2 }]",
      ["samples", 1, "name"],
      "HK3002",
      /two samples/,
    ],
    [
      "a reply that is text and JSON",
      "verify: [{ scheme: none }]\nhandshake: [{ name: h, when: {}, reply: { text: a, json: b } }]",
      ["handshake", 0, "reply"],
      "HK3002",
      /not both/,
    ],
    [
      "a reply that signs anything",
      "verify: [{ scheme: none }]\nhandshake: [{ name: h, when: { 'query:c': { exists: true } }, auth: none, reply: { json: { x: '{hmac_sha256_hex(query:c)}' } } }]",
      ["handshake", 0, "reply"],
      "HK3002",
      /sign any text for anyone/,
    ],
    [
      "a URL called for anyone",
      "verify: [{ scheme: none }]\nhandshake: [{ name: h, when: {}, auth: none, fetch: { url: 'body:u', hosts: [h] }, reply: {} }]",
      ["handshake", 0, "fetch"],
      "HK3002",
      /only a verified request/,
    ],
    [
      "a pattern that is none",
      "verify: [{ scheme: none }]\nhandshake: [{ name: h, when: { path: { matches: '(' } }, reply: {} }]",
      ["handshake", 0, "when", "path", "matches"],
      "HK3001",
      /can't be read/,
    ],
  ])("%s is a fault with a place, a code and words", (_, yaml, path, code, message) => {
    const faults = faultsOf(yaml);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatchObject({ code, path, message: expect.stringMatching(message) });
  });

  it("names all faults at once", () => {
    expect(
      faultsOf("verify: [{ scheme: hmac }, { scheme: jwt }]\nevents: { id: nope, time: { from: nope } }").length,
    ).toBe(4);
  });

  it("faults of a home-made sender point into its source", () => {
    const paths = (yaml: string) => {
      const compiled = compileInline(yaml);
      return compiled.ok ? [] : compiled.faults.map((fault) => fault.path);
    };
    expect(paths("signature: { scheme: hmac }\nid: nope")).toEqual([["signature"], ["id"]]);
    expect(paths("signature: [{ scheme: none }, { scheme: hmac }]")).toEqual([["signature", 1]]);
  });

  it("asks for secrets only where a scheme takes one from the source, and for methods that handshakes need", () => {
    const none = compile(
      "verify: [{ scheme: none }]\nhandshake: [{ name: h, when: { method: HEAD }, auth: none, reply: {} }]",
    );
    expect(none.ok && [none.recipe.needsSecret, [...none.recipe.accept.methods]]).toEqual([false, ["POST", "HEAD"]]);
    const stripe = compileRecipe(readRecipe("stripe"), readSample);
    expect(
      stripe.ok && [
        stripe.recipe.needsSecret,
        stripe.recipe.root,
        stripe.recipe.times,
        stripe.recipe.accept.maxBodyBytes,
      ],
    ).toEqual([true, "data.object", "seconds", 1024 * 1024]);
    expect(stripe.ok && stripe.recipe.delivery).toMatchObject({
      retriesForMs: 3 * 86_400_000,
      dedupeWindowMs: 7 * 86_400_000,
    });
  });

  it("every 3xxx code has a page that says what to do", () => {
    for (const [code, entry] of Object.entries(errorCatalogue).filter(([key]) => key.startsWith("HK3"))) {
      expect(entry.help.length, code).toBeGreaterThan(60);
      expect(entry.title, code).not.toContain("{");
    }
  });
});
