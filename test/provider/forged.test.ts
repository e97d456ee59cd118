/** What a stranger may try at each shipped recipe: requests shaped like its handshakes, unsigned or signed with a secret of their own. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HookrailError } from "../../engine/core/errors.ts";
import { Secret } from "../../engine/core/secret.ts";
import type { Json, RawRequest } from "../../engine/core/types.ts";
import { setAt } from "../../engine/provider/edit.ts";
import { answerHandshake } from "../../engine/provider/handshake.ts";
import type { Recipe } from "../../engine/provider/recipe.ts";
import { renderSample } from "../../engine/provider/sample.ts";
import { signWhole } from "../../engine/provider/sign.ts";
import type { Ref } from "../../engine/provider/template.ts";
import { verify } from "../../engine/provider/verify.ts";
import { findLeaks } from "../support/canaries.ts";
import {
  context,
  NOW,
  paramsFor,
  readRecipe,
  recipeOf,
  request,
  secretFor,
  shipped,
  shippedNames,
  URL_GIVEN,
} from "./support.ts";

const CHALLENGE = "0123456789abcdef0123";

interface Draft {
  method: string;
  query: string;
  body: Json;
  readonly form: URLSearchParams;
  readonly headers: Record<string, string>;
}

/** The references in a recipe's handshakes, as it is written: what asks, and what the reply is made of. */
function handshakesOf(name: string): { readonly when: readonly (readonly [string, string | undefined])[] }[] {
  return (readRecipe(name).handshake ?? []).map((one) => {
    const asked = Object.entries(one.when).flatMap(([ref, wanted]): (readonly [string, string | undefined])[] => {
      if (typeof wanted === "string") return [[ref, wanted]];
      return "exists" in wanted && !wanted.exists ? [] : [[ref, undefined]];
    });
    const replied = [...JSON.stringify(one.reply).matchAll(/((?:body|query|form|header):[\w.-]+)/g)].map(
      ([, ref = ""]) => [ref, undefined] as const,
    );
    const stored = one.store === undefined ? [] : [[one.store.secret, undefined] as const];
    return { when: [...replied, ...stored, ...asked] };
  });
}

function put(draft: Draft, ref: string, value: Json): void {
  const [, kind = ref, name = ""] = /^(\w+):(.*)$/.exec(ref) ?? [];
  const text = typeof value === "string" ? value : JSON.stringify(value);
  if (kind === "method") draft.method = text;
  if (kind === "header") draft.headers[name] = text.replace(/[^\x20-\x7e]/g, "?");
  if (kind === "query")
    draft.query = `${draft.query}${draft.query === "" ? "" : "&"}${name}=${encodeURIComponent(text)}`;
  if (kind === "form") draft.form.set(name, text);
  if (kind === "body") draft.body = setAt(draft.body, name, value);
}

function requestOf({ method, query, body, form, headers }: Draft): RawRequest {
  const isForm = [...form].length > 0;
  const type = isForm ? "application/x-www-form-urlencoded" : "application/json";
  const text = isForm ? form.toString() : JSON.stringify(body);
  return request(
    method === "GET" || method === "HEAD" ? "" : text,
    { "content-type": type, ...headers },
    { method, query, target: `/hooks/x${query === "" ? "" : `?${query}`}` },
  );
}

/** A request that each handshake would take for its own, with `value` where it may say what it likes. */
function shapesOf(name: string, recipe: Recipe, value: Json): RawRequest[] {
  const [sample] = recipe.samples.values();
  const event = sample && renderSample(recipe, sample, { id: "id_new", time: NOW });
  const bodies: Json[] = [{}];
  if (event?.headers["content-type"]?.includes("json"))
    bodies.push(JSON.parse(Buffer.from(event.body).toString()) as Json);
  return handshakesOf(name).flatMap(({ when }) => bodies.flatMap((body) => shapeOf(when, body, value)));
}

function shapeOf(when: ReturnType<typeof handshakesOf>[number]["when"], body: Json, value: Json): RawRequest[] {
  const draft: Draft = { method: "POST", query: "", body, form: new URLSearchParams(), headers: {} };
  try {
    for (const [ref, wanted] of when) put(draft, ref, wanted ?? value);
    return [requestOf(draft)];
  } catch (error) {
    // A list stands in the sample where the handshake has an object: this sample can not look like one.
    if (error instanceof HookrailError && error.code === "HK3022") return [];
    throw error;
  }
}

/** All that a stranger sends: nothing of a signature, a made up one, and a whole one by a secret of their own. */
function attempts(recipe: Recipe, asked: RawRequest): RawRequest[] {
  const garbage = Object.fromEntries(recipe.singleHeaders.map((header) => [header, CHALLENGE]));
  const all = [asked, { ...asked, headers: { ...garbage, ...asked.headers } }];
  try {
    const signed = signWhole(recipe, {
      body: asked.body,
      headers: asked.headers,
      method: asked.method,
      secret: new Secret(secretFor(recipe, "other")),
      params: paramsFor(recipe, "other"),
      now: NOW,
      url: `${URL_GIVEN}${asked.query === "" ? "" : `?${asked.query}`}`,
    });
    const { search } = new URL(signed.url);
    all.push({ ...asked, headers: signed.headers, body: signed.body, query: search.slice(1) });
  } catch (error) {
    // Such a body has no place for its signature.
    if (!(error instanceof HookrailError)) throw error;
  }
  return all;
}

const contextFor = (recipe: Recipe) => ({
  ...context(secretFor(recipe)),
  params: paramsFor(recipe),
  // Nobody has accepted what was told.
  fetchKey: () => ({ ok: true, keys: [] }) as const,
});

/** Neither an event, nor an answer that gives away what signs one. */
async function judge(recipe: Recipe, asked: RawRequest): Promise<void> {
  const known = contextFor(recipe);
  const secret = secretFor(recipe);
  const secrets = Object.fromEntries(
    Object.entries<string | Secret>({ secret, ...known.params }).map(([name, value]) => [
      name,
      typeof value === "string" ? value : value.reveal(),
    ]),
  );
  for (const one of attempts(recipe, asked)) {
    expect(await verify(recipe, one, known)).toMatchObject({ ok: false });
    const reply = answerHandshake(recipe, one, known, false);
    const said = JSON.stringify([reply?.headers, reply?.body]);
    const hidden = Object.entries(secrets).filter(
      ([name]) => name === "secret" || recipe.params.get(name)?.secret === true,
    );
    expect(findLeaks(new Map([["reply", said]]), Object.fromEntries(hidden))).toEqual([]);
    expect(reply?.body.length ?? 0).toBeLessThanOrEqual(4096);
  }
}

const greeting = shippedNames.filter((name) => handshakesOf(name).length > 0);

describe("a stranger at a shipped recipe", () => {
  it("meets handshakes at many of them", () => {
    expect(greeting.length).toBeGreaterThan(9);
    for (const name of greeting) expect(shapesOf(name, shipped(name), CHALLENGE).length).toBeGreaterThan(0);
  });

  it.each(shippedNames)("%s: no sample of it counts without the source's secret", async (name) => {
    const recipe = shipped(name);
    for (const sample of recipe.samples.values()) {
      const { headers, body } = renderSample(recipe, sample, { id: "id_new", time: NOW });
      await judge(recipe, request(body, headers));
    }
  });

  it.each(greeting)("%s: what is shaped like its handshake is no event and gets no secret", async (name) => {
    const recipe = shipped(name);
    for (const shape of shapesOf(name, recipe, CHALLENGE)) await judge(recipe, shape);
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.json().map((text) => JSON.parse(text) as Json),
          fc.string({ maxLength: 5_000 }),
        ),
        async (value) => {
          for (const shape of shapesOf(name, recipe, value)) await judge(recipe, shape);
        },
      ),
      { numRuns: 25 },
    );
  });

  it.each(["asana", "notion"])(
    "%s: a secret that a stranger told signs nothing, beside one of the source",
    async (name) => {
      const recipe = shipped(name);
      const told = shapesOf(name, recipe, "told-by-a-stranger").map((one) =>
        answerHandshake(recipe, one, contextFor(recipe), false),
      );
      expect(told.some((reply) => reply?.learned?.value.reveal() === "told-by-a-stranger")).toBe(true);
      const [sample] = recipe.samples.values();
      if (sample === undefined) throw new Error("no sample");
      const { headers, body } = renderSample(recipe, sample, { id: "id_new", time: NOW });
      const by = (secret: string) => {
        const signed = signWhole(recipe, { headers, body, now: NOW, url: URL_GIVEN, secret: new Secret(secret) });
        return request(signed.body, signed.headers);
      };
      expect(await verify(recipe, by("told-by-a-stranger"), contextFor(recipe))).toMatchObject({ ok: false });
      expect(await verify(recipe, by(secretFor(recipe)), contextFor(recipe))).toMatchObject({
        request: { verdict: { secretIndex: 1 } },
      });
    },
  );

  it("notion: what asks to keep a token that is none is no handshake", () => {
    const notion = shipped("notion");
    for (const token of [{}, [], null, { a: 1 }]) {
      const asked = request(JSON.stringify({ verification_token: token }));
      expect(answerHandshake(notion, asked, contextFor(notion), false)).toBeUndefined();
    }
  });
});

describe("what a handshake signs for anyone", () => {
  const braintree = shipped("braintree");
  const known = { ...context(secretFor(braintree)), params: paramsFor(braintree) };
  const ask = (challenge: string) =>
    answerHandshake(braintree, request("", {}, { method: "GET", query: `bt_challenge=${challenge}` }), known, false);

  it.each([CHALLENGE, "a".repeat(32)])("is taken for no event: %s", async (challenge) => {
    const signature = ask(challenge)?.body ?? "";
    expect(signature).toMatch(/^given-public_key\|[0-9a-f]{40}$/);
    const body = new URLSearchParams({ bt_signature: signature, bt_payload: challenge }).toString();
    const forged = request(body, { "content-type": "application/x-www-form-urlencoded" });
    expect(await verify(braintree, forged, known)).toMatchObject({ ok: false, reason: "signature_mismatch" });
  });

  it("holds for every recipe of that kind, and for its whole messages only", async () => {
    const home = recipeOf(`
provider: home
title: Home
verify: [{ scheme: hmac, header: x-signature }]
handshake:
  - name: prove
    when: { method: GET, "query:c": { matches: "[a-z]{3,9}" } }
    auth: none
    reply: { text: "{hmac_sha256_hex(query:c)}" }
`);
    const sign = (body: string) => {
      const signed = signWhole(home, { body: Buffer.from(body), now: NOW, url: URL_GIVEN, secret: new Secret("s") });
      return request(signed.body, signed.headers);
    };
    const given = answerHandshake(home, request("", {}, { method: "GET", query: "c=abc" }), context("s"), false)?.body;
    expect(sign("abc").headers["x-signature"]).toBe(given);
    expect(await verify(home, sign("abc"), context("s"))).toMatchObject({ ok: false, reason: "signature_mismatch" });
    for (const body of ["abc1", '"abc"', "ab", "abcdefghij", "abc\n", "a".repeat(400)])
      expect(await verify(home, sign(body), context("s"))).toMatchObject({ ok: true });
  });
});

/** Kinds of references that `put` knows: a new one has to be learned here. */
it("reaches every reference that handshakes make", () => {
  const kinds = new Set<Ref["kind"]>(
    shippedNames.flatMap((name) => shipped(name).handshake.flatMap(({ when }) => when.map(({ ref }) => ref.kind))),
  );
  expect([...kinds].filter((kind) => !["header", "query", "form", "body", "method"].includes(kind))).toEqual([]);
});
