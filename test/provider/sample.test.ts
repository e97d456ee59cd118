import { describe, expect, it } from "vitest";
import type { Recipe } from "../../engine/provider/recipe.ts";
import { renderSample, sampleValue } from "../../engine/provider/sample.ts";
import { inlineOf, NOW, shipped } from "./support.ts";

const render = (recipe: Recipe, name: string, changes: Parameters<typeof renderSample>[2] = {}) => {
  const sample = recipe.samples.get(name);
  if (sample === undefined) throw new Error(name);
  const { headers, body } = renderSample(recipe, sample, changes);
  return { headers, text: Buffer.from(body).toString(), json: () => JSON.parse(Buffer.from(body).toString()) };
};
const stripe = shipped("stripe");

describe("renderSample", () => {
  it("puts id and time where this provider has them", () => {
    const at = NOW + 5000;
    expect(render(stripe, "invoice.paid", { id: "evt_2", time: at }).json()).toMatchObject({
      id: "evt_2",
      created: at / 1000,
    });
    expect(render(shipped("typeform"), "form_response", { id: "e2", time: at }).json()).toMatchObject({
      event_id: "e2",
      form_response: { submitted_at: "2026-12-01T00:00:05Z" },
    });
    const clerk = render(shipped("clerk"), "user.deleted", { id: "msg_2", time: at });
    expect(clerk.json()).toMatchObject({ timestamp: at });
    expect(clerk.headers["svix-id"]).toBe("msg_2");
    expect(render(shipped("github"), "push", { id: "g2" }).headers).toMatchObject({
      "x-github-delivery": "g2",
      "x-github-event": "push",
    });
  });

  it("sets and removes below the root, after id and time, and leaves the recipe's sample alone", () => {
    const changes = {
      root: "data.object",
      time: NOW,
      set: { "lines.data[1].quantity": 7, "metadata.team": { a: 1 }, "$event.created": 5 },
      remove: ["lines.data[0]", "customer_email", "no.such.thing"],
    };
    const event = render(stripe, "invoice.paid", changes).json();
    expect(event.data.object.lines.data).toHaveLength(1);
    expect(event.data.object.lines.data[0].quantity).toBe(7);
    expect(event.data.object.metadata).toEqual({ team: { a: 1 } });
    expect("customer_email" in event.data.object).toBe(false);
    expect(event.created).toBe(5);
    expect(render(stripe, "invoice.paid").json().data.object.lines.data).toHaveLength(2);
  });

  it("says which path can't be set, and never makes a prototype", () => {
    expect(() => render(stripe, "invoice.paid", { set: { "id.x": 1 } })).toThrow(/`id\.x` can't be set/);
    expect(() => render(stripe, "invoice.paid", { root: "data.object", set: { "lines.data[9].x": 1 } })).toThrow(
      "a list of 2 has no place `9`",
    );
    expect(() => render(stripe, "invoice.paid", { set: { "__proto__.x": 1 } })).toThrow(/HK3022|no key of a payload/);
  });

  it("writes forms, lines and the first item of a batch", () => {
    const samples = (type: string) =>
      `samples: [{ name: s, headers: { content-type: ${type} }, body: { a: 1, b: { c: [x, y] } } }]`;
    const none = "signature: { scheme: none }";
    const form = "application/x-www-form-urlencoded";
    expect(render(inlineOf(`{ ${none}, ${samples(form)} }`), "s").text).toBe("a=1&b%5Bc%5D=x&b%5Bc%5D=y");
    expect(render(inlineOf(`{ ${none}, form_json_field: p, ${samples(form)} }`), "s").text).toBe(
      "p=%7B%22a%22%3A1%2C%22b%22%3A%7B%22c%22%3A%5B%22x%22%2C%22y%22%5D%7D%7D",
    );
    const lines = inlineOf(`{ ${none}, body: json_lines, samples: [{ name: s, body: [{ a: 1 }, { a: 2 }] }] }`);
    expect(render(lines, "s").text).toBe('{"a":1}\n{"a":2}\n');
    const batch = inlineOf(
      `{ ${none}, items: events, id: "body:id", samples: [{ name: s, body: { events: [{ id: 1 }, { id: 2 }] } }] }`,
    );
    expect(render(batch, "s", { id: "new" }).json()).toEqual({ events: [{ id: "new" }, { id: 2 }] });
  });

  it("tells what a sample has at a path", () => {
    const sample = stripe.samples.get("invoice.paid");
    if (sample === undefined) throw new Error("no sample");
    expect(sampleValue(sample, "lines.data[1].pricing.price_details.price", "data.object")).toBe("price_team_month");
    expect(sampleValue(sample, "$event.id", "data.object")).toBe("evt_1");
    expect(sampleValue(sample, "nothing.here", "data.object")).toBeUndefined();
  });
});

describe("a path of a batch", () => {
  it("leads into the first item where the whole body has no such place, as expressions read it", () => {
    const hubspot = shipped("hubspot-v3");
    const [name = ""] = hubspot.samples.keys();
    const set = render(hubspot, name, { set: { subscriptionType: "contact.deletion" }, remove: ["portalId"] }).json();
    expect(set).toMatchObject([{ subscriptionType: "contact.deletion" }]);
    expect(set[0]).not.toHaveProperty("portalId");
    expect(render(hubspot, name, { set: { "0.portalId": 7 } }).json()).toMatchObject([{ portalId: 7 }]);
  });

  it("leads into the whole body where that has it", () => {
    const line = shipped("line");
    const [name = ""] = line.samples.keys();
    expect(render(line, name, { set: { destination: "x", type: "unfollow" } }).json()).toMatchObject({
      destination: "x",
      events: [{ type: "unfollow" }],
    });
  });
});
