import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Secret } from "../../engine/core/secret.ts";
import type { Json, RawRequest } from "../../engine/core/types.ts";
import { setAt } from "../../engine/provider/edit.ts";
import { answerHandshake } from "../../engine/provider/handshake.ts";
import { identify } from "../../engine/provider/identify.ts";
import { parsePayload } from "../../engine/provider/parse.ts";
import { valueAt } from "../../engine/provider/reading.ts";
import type { Recipe } from "../../engine/provider/recipe.ts";
import { renderSample } from "../../engine/provider/sample.ts";
import { signWhole } from "../../engine/provider/sign.ts";
import { holesOf } from "../../engine/provider/template.ts";
import { verify } from "../../engine/provider/verify.ts";
import {
  context,
  NOW,
  paramsFor,
  readRecipe,
  request,
  secretFor,
  shipped,
  shippedNames,
  URL_GIVEN,
} from "./support.ts";

/** Every sample of every shipped recipe, signed as `send` does: wherever its signature stands. */
function signedSample(recipe: Recipe, name: string, which: "right" | "other" = "right"): RawRequest {
  const sample = recipe.samples.get(name);
  if (sample === undefined) throw new Error(`no sample ${name}`);
  const rendered = renderSample(recipe, sample, { id: "id_new", time: NOW, root: recipe.root });
  const secret = new Secret(secretFor(recipe, which));
  const params = paramsFor(recipe, which);
  const signed = signWhole(recipe, { ...rendered, secret, now: NOW, url: URL_GIVEN, id: "id_new", params });
  const { pathname, search } = new URL(signed.url);
  return request(signed.body, signed.headers, { target: pathname + search, path: pathname, query: search.slice(1) });
}

/** One id at one place: `send` can put a new one there. Else it is made of several parts, or a hash. */
function hasPlainId(recipe: Recipe): boolean {
  const [first] = recipe.events.ids;
  return first?.kind !== "hash" && first?.composite === false;
}

const handshakes = new Set(["slack/url_verification"]);
const all = shippedNames.flatMap((name) => [...shipped(name).samples.keys()].map((sample) => [name, sample] as const));

describe("shipped recipes", () => {
  it.each(shippedNames)("%s is named like its file and says where its facts come from", (name) => {
    const raw = readRecipe(name);
    expect(raw.provider).toBe(name);
    expect(raw.docs?.length).toBeGreaterThan(0);
    expect(raw.confidence).toBeDefined();
  });

  it.each(all)("%s/%s verifies with the right secret and with no other", async (name, sample) => {
    const recipe = shipped(name);
    const fetchKey = async () => secretFor(recipe);
    const known = { ...context(secretFor(recipe)), params: paramsFor(recipe), fetchKey };
    expect(await verify(recipe, signedSample(recipe, sample), known)).toMatchObject({ ok: true });
    expect(await verify(recipe, signedSample(recipe, sample, "other"), known)).toMatchObject({ ok: false });
  });

  it.each(all.filter(([name, sample]) => !handshakes.has(`${name}/${sample}`)))(
    "%s/%s has the id it was sent with, the type it is called by, and parses",
    (name, sample) => {
      const recipe = shipped(name);
      const signed = signedSample(recipe, sample);
      const found = identify(recipe, signed, { maxItems: 100 });
      expect(found).toMatchObject({ kind: "events", events: [{ type: sample }] });
      const [event] = found.kind === "events" ? found.events : [];
      if (hasPlainId(recipe) || event?.id === "id_new")
        expect(event).toMatchObject({ id: "id_new", idKind: "provider" });
      else expect(event?.id.length).toBeGreaterThan(8);
      if (recipe.events.times.length > 0) expect(event).toMatchObject({ occurredAt: NOW });
      const contentType = signed.headers["content-type"] ?? "application/json";
      const payload = parsePayload(recipe, { contentType, body: signed.body, itemIndex: 0 });
      expect(payload).toMatchObject({ ok: true, value: expect.anything() });
      if (contentType === "application/json" && recipe.events.items === undefined)
        expect(payload).toEqual({ ok: true, value: JSON.parse(Buffer.from(signed.body).toString()) });
    },
  );

  it("slack's url_verification is answered with its challenge, and only once it is verified", () => {
    const slack = shipped("slack");
    const signed = signedSample(slack, "url_verification");
    expect(answerHandshake(slack, signed, context("x"), false)).toBeUndefined();
    const reply = answerHandshake(slack, signed, context("x"), true);
    expect(reply).toMatchObject({ status: 200, headers: { "content-type": "application/json" } });
    expect(JSON.parse(reply?.body ?? "")).toEqual({
      challenge: "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P",
    });
  });

  it("stripe puts the types of one second into the order in which they happen", () => {
    const stripe = shipped("stripe");
    const rank = (type: string) => {
      const found = identify(stripe, request(JSON.stringify({ id: "evt_1", type })), { maxItems: 1 });
      return found.kind === "events" ? found.events[0]?.rank : undefined;
    };
    const chains = [
      ["customer.subscription.created", "customer.subscription.updated", "customer.subscription.deleted"],
      [
        "invoice.created",
        "invoice.finalized",
        "invoice.updated",
        "invoice.payment_failed",
        "invoice.paid",
        "invoice.voided",
      ],
      ["charge.failed", "charge.succeeded", "charge.refunded"],
      ["customer.created", "customer.updated", "customer.deleted"],
    ];
    for (const chain of chains) {
      const ranks = chain.map((type) => rank(type) ?? -1);
      expect(ranks, chain.join(" ")).toEqual([...new Set(ranks)].sort((a, b) => a - b));
    }
  });
});

/** Whoever knows the secret, or a token, is let in: the provider signs no body, so none can be proved. */
const PROVES_NO_BODY = (recipe: Recipe): boolean => {
  const [scheme] = recipe.verify;
  const tied = scheme?.scheme === "jwt" && scheme.claims?.bodyHash !== undefined;
  return scheme === undefined || (["token", "basic", "none", "jwt"].includes(scheme.scheme) && !tied);
};

/** The values that are signed where it is not the whole body: each as a change of the request. */
function signedValues(recipe: Recipe, signed: RawRequest): (readonly [string, RawRequest])[] {
  const [scheme] = recipe.verify;
  const item = scheme?.perItem === undefined ? "" : `${scheme.perItem}.0.`;
  const paths = (scheme?.message ?? []).flatMap((part): string[] => {
    if (part.kind === "join_fields") return [...part.paths];
    if (part.kind === "field_lines") return part.fields.map(({ name }) => name);
    const refs = part.kind === "template" ? holesOf(part.template).map(({ ref }) => ref) : [];
    return refs.flatMap((ref) => (ref.kind === "body" ? [ref.path] : []));
  });
  const inBody = paths.flatMap((path) => {
    const parsed = JSON.parse(Buffer.from(signed.body).toString()) as Json;
    const before = valueAt(parsed, item + path);
    if (before === undefined) return [];
    const body = Buffer.from(JSON.stringify(setAt(parsed, item + path, `${String(before)}x`)));
    return [[path, { ...signed, body }] as const];
  });
  const form = new URLSearchParams(Buffer.from(signed.body).toString());
  const readsForm = /form/.test(scheme?.signed ?? "");
  const inForm = [...(readsForm ? form.keys() : [])].flatMap((name) => {
    if (scheme?.places.some((place) => "name" in place && place.name === name) === true) return [];
    const changed = new URLSearchParams(form);
    changed.set(name, `${form.get(name)}x`);
    return [[name, { ...signed, body: Buffer.from(changed.toString()) }] as const];
  });
  return [...inBody, ...inForm];
}

describe("no byte of what is signed can be changed", () => {
  const first = shippedNames.flatMap((name) => {
    const [sample] = shipped(name).samples.keys();
    return sample === undefined || PROVES_NO_BODY(shipped(name)) ? [] : [[name, sample] as const];
  });

  it.each(first)("%s: in the body", async (name, sample) => {
    const recipe = shipped(name);
    const signed = signedSample(recipe, sample);
    const known = { ...context(secretFor(recipe)), params: paramsFor(recipe) };
    const [scheme] = recipe.verify;
    if (/raw_body/.test(scheme?.signed ?? "") || scheme?.scheme === "jwt") {
      await fc.assert(
        fc.asyncProperty(fc.nat(signed.body.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
          const body = Uint8Array.from(signed.body);
          body[at] = (body[at] as number) ^ flip;
          expect(await verify(recipe, { ...signed, body }, known)).toMatchObject({ ok: false });
        }),
        { numRuns: 40 },
      );
      return;
    }
    const changes = signedValues(recipe, signed);
    expect(changes.length, "something of the body is signed").toBeGreaterThan(0);
    for (const [what, changed] of changes)
      expect(await verify(recipe, changed, known), `${what} was changed`).toMatchObject({ ok: false });
  });

  const inHeaders = first.filter(([name]) => shipped(name).verify[0]?.places[0]?.kind.startsWith("header") === true);
  it.each(inHeaders)("%s: in the header of the signature", async (name, sample) => {
    const recipe = shipped(name);
    const signed = signedSample(recipe, sample);
    const known = { ...context(secretFor(recipe)), params: paramsFor(recipe) };
    const place = recipe.verify[0]?.places[0];
    const header = place?.kind === "header" ? place.name : place?.kind === "header_pattern" ? `${place.before}1` : "";
    const value = signed.headers[header] ?? "";
    expect(value.length).toBeGreaterThan(10);
    for (let at = 0; at < value.length; at += 3) {
      const other = value[at]?.toLowerCase() === "a" ? "b" : "a";
      const headers = { ...signed.headers, [header]: value.slice(0, at) + other + value.slice(at + 1) };
      expect(await verify(recipe, { ...signed, headers }, known), `${header}: ${value} at ${at}`).toMatchObject({
        ok: false,
      });
    }
  });
});
