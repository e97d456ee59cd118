import { describe, expect, test } from "vitest";
import { chooseColors, type Output } from "../../engine/cli/context.ts";
import { renderStory, type StoryView } from "../../engine/cli/explain-story.ts";

import type { AttributeModel, EntityModel } from "../../engine/core/entity.ts";
import type { DeadLetterId, DeliveryId, EventId } from "../../engine/core/types.ts";
import { guaranteeText } from "../../engine/delivery/guarantee.ts";
import { sensitivityOf, storyDocument } from "../../engine/http/documents.ts";
import type { EventStory } from "../../engine/store/store.ts";

const NOW = Date.UTC(2026, 10, 24, 6);
const out: Output = { write: () => {}, tty: false, columns: 100, color: chooseColors(false, {}) };

const attribute = (name: string, sensitive: boolean): [string, AttributeModel] => [
  name,
  { name, type: "string", owner: "ops", protected: false, sensitive, clearable: false, write: "latest", writers: [] },
];
const lead: EntityModel = {
  name: "lead",
  ids: ["email"],
  attributes: new Map([attribute("email", true), attribute("company", false)]),
  states: [],
  children: [],
};
const view: StoryView = {
  out,
  sensitive: sensitivityOf(new Map([["lead", lead]])),
  guarantee: (name) => (name === "crm" ? guaranteeText({ kind: "once_within", windowMs: 7_200_000 }) : undefined),
};

const id = "evt_000001" as EventId;
const base: EventStory = {
  event: {
    seq: 1,
    id,
    source: "form",
    provider: "typeform",
    dedupeKey: "p:tok_1",
    providerId: "tok_1",
    type: "form_response",
    occurredAt: NOW - 2_000,
    clockResolutionMs: 1,
    rank: 0,
    receivedAt: NOW,
    headers: {},
    contentType: "application/json",
    body: Buffer.from('{"email":"ada@example.com"}'),
    bodyHash: "cd".repeat(32),
    itemIndex: 0,
    verification: { scheme: "hmac sha256", secretIndex: 2, skewMs: 1_200, signed: "raw_body" },
    revision: "a".repeat(64),
  },
  summary: {
    seq: 1,
    id,
    providerId: "tok_1",
    source: "form",
    type: "form_response",
    receivedAt: NOW,
    occurredAt: NOW - 2_000,
    outcome: "pending",
    pipelines: [{ pipeline: "form-lead", status: "ready", outcome: "pending" }],
  },
  conflicts: [],
  duplicates: 0,
  outcomes: [],
  history: [],
  deliveries: [],
  deadLetters: [],
  edits: [],
};
const story = (change: Partial<EventStory>): EventStory => ({ ...base, ...change });

const applied: EventStory["outcomes"][number] = {
  pipeline: "form-lead",
  status: "applied",
  rule: "form_response (pipelines/form-lead.yaml:9)",
  revision: "b".repeat(64),
  at: NOW + 15,
  detail: {
    entities: [{ type: "lead", key: "ada@example.com" }],
    rows: [
      {
        entity: "lead",
        attribute: "email",
        from: "$a.email",
        raw: ["ada@example.com"],
        missing: [],
        policy: "reject",
        result: "set",
        value: "ada@example.com",
        owner: "marketing",
        at: "pipelines/form-lead.yaml:17",
      },
      {
        entity: "lead",
        attribute: "company",
        from: "$a.company",
        raw: [null],
        missing: ["$a.company"],
        policy: "keep",
        result: "keep",
        why: "missing",
        value: null,
        owner: "marketing",
        at: "pipelines/form-lead.yaml:18",
      },
    ],
    states: [{ entity: "lead", state: "new" }],
    notes: [{ kind: "invalid_kept", message: "company: too long, kept" }],
    not_sent: [{ deliver: "slack/post lead/ada@example.com", why: "nothing changes there" }],
    drift: ["answers[3].type"],
  },
};

const delivery: EventStory["deliveries"][number] = {
  delivery: {
    id: "dlv_000001" as DeliveryId,
    seq: 1,
    pipeline: "form-lead",
    deliverId: "crm/upsert/lead",
    connection: "crm",
    entity: { type: "lead", key: "ada@example.com" },
    ids: {},
    action: "upsert",
    kind: "upsert",
    eventName: "form_response",
    attributes: { email: { set: "ada@example.com" }, company: { clear: true } },
    params: {},
    entityVersion: 1,
    idempotencyKey: "k1",
    retry: { baseMs: 1, capMs: 2, horizonMs: 3 },
    createdAt: NOW,
    event: { seq: 1, id, providerId: "tok_1", type: "form_response", source: "form", occurredAt: NOW, receivedAt: NOW },
    status: "retrying",
    attempts: 2,
    nextAt: NOW + 60_000,
    frozen: { summary: "PUT /contacts/ada%40example.com", data: {} },
  },
  attempts: [
    {
      attempt: 1,
      startedAt: NOW + 20,
      finishedAt: NOW + 140,
      outcome: "retry",
      httpStatus: 503,
      detail: "busy\u001b[31m",
    },
    { delivery: "dlv_000001" as DeliveryId, attempt: 2, at: NOW + 1_000, outcome: "sending" },
  ],
};

describe("renderStory", () => {
  test("says what was proved: scheme, secret, skew, what was signed, and how often it came", () => {
    const text = renderStory(story({ duplicates: 2, conflicts: [{ receivedAt: NOW, bodyHash: "ef" }] }), view);
    expect(text).toContain("signature   ok: hmac sha256, secret 2, signed 1.2 s before receipt, over raw_body");
    expect(text).toContain("2 resends answered 2xx, nothing done twice");
    expect(text).toContain("the same id came with another body");
    expect(text).toContain("waits for its turn in form-lead");
  });

  test("shows the mapping table: attribute, upstream path, what was read, policy, result, owner, line", () => {
    const wide = { ...view, out: { ...out, columns: 160 } };
    const text = renderStory(story({ outcomes: [applied] }), wide);
    expect(text).toMatch(
      /lead\.email +<- \$a\.email +"\[sensitive\]" +reject +set "\[sensitive\]" +marketing +pipelines\/form-lead\.yaml:17/,
    );
    expect(text).toMatch(/lead\.company +<- \$a\.company +\$a\.company missing +keep +keep \(missing\) +marketing/);
    expect(text).toContain("state       lead -> new");
    expect(text).toContain("note        company: too long, kept");
    expect(text).toContain("not sent    slack/post lead/[sensitive]: nothing changes there");
    expect(text).toContain("differs at answers[3].type, which no mapping reads: drift");
  });

  test("tells a row in two lines where the table does not fit, and no line is wider than the terminal", () => {
    const narrow = { ...view, out: { ...out, columns: 80 } };
    const text = renderStory(story({ outcomes: [applied], deliveries: [delivery] }), narrow);
    expect(text).toContain(
      '  lead.email  set "[sensitive]"\n      <- $a.email, read "[sensitive]"; if missing: reject; marketing,',
    );
    expect(text.split("\n").filter((line) => line.length > 80)).toEqual([]);
  });

  test("shows the wait before an attempt, and that an answer that never came may have meant yes", () => {
    const attempts: typeof delivery.attempts = [
      { attempt: 1, startedAt: NOW + 20, finishedAt: NOW + 30_020, outcome: "unknown", detail: "no answer" },
      {
        attempt: 2,
        startedAt: NOW + 90_020,
        finishedAt: NOW + 90_140,
        outcome: "delivered",
        httpStatus: 200,
        detail: "",
      },
    ];
    const text = renderStory(story({ deliveries: [{ ...delivery, attempts }] }), view);
    expect(text).toMatch(/attempt 1 .*\.020 unknown after 30 s: no answer, and it may have arrived/);
    expect(text).toMatch(/attempt 2 .*\.020 after a wait of 1 min delivered 200 after 120 ms/);
  });

  test("names the secret as the config refers to it, what skew was allowed, and commits", () => {
    const gitCommit = "0123456789abcdef";
    const event = { ...base.event, verification: { ...base.event.verification, toleranceMs: 300_000 } };
    const told = story({ event, gitCommit, outcomes: [{ ...applied, gitCommit }] });
    const text = renderStory(told, { ...view, secret: "${FORM_SECRET}" }).replace(/\s+/g, " ");
    expect(text).toContain("secret 2 ${FORM_SECRET}, signed 1.2 s before receipt (5 min allowed), over raw_body");
    expect(text).toContain("revision aaaaaaaaaaaa, commit 0123456789ab");
    expect(text).toContain("revision bbbbbbbbbbbb, commit 0123456789ab");
  });

  test("shows changes, and what was refused with the value that stays", () => {
    const entity = { type: "lead", key: "ada@example.com" };
    const row = { entity, pipeline: "form-lead", at: NOW };
    const history: EventStory["history"] = [
      { ...row, attribute: "company", before: undefined, after: "Acme", result: "set", mapping: "a:1" },
      { ...row, attribute: "company", before: "Acme", after: "Other", result: "refused", note: "protected" },
    ];
    const text = renderStory(story({ outcomes: [applied], history }), view);
    expect(text).toContain('set         lead/[sensitive].company: nothing -> "Acme"');
    expect(text).toContain('refused     lead/[sensitive].company: stays "Acme", would be "Other" (protected)');
  });

  test("shows a delivery with its attempts, its promise and when it is tried again", () => {
    const text = renderStory(story({ outcomes: [applied], deliveries: [delivery] }), view);
    expect(text).toMatch(/to crm {2}upsert lead\/\[sensitive\] {2}retrying, next try \d{4}-/);
    expect(text).toContain('attributes  email = "[sensitive]", company cleared');
    expect(text).toContain("request     PUT /contacts/[sensitive]");
    expect(text).toContain("promise     once within 2h: the sink remembers the idempotency key");
    expect(text).toMatch(/attempt 1 .* retry 503 after 120 ms: busy\\u001b\[31m/);
    expect(text).toMatch(/attempt 2 .* sent, no answer yet/);
  });

  test("names dead letters with their code", () => {
    const letter = {
      id: "dead_000001" as DeadLetterId,
      kind: "event",
      event: id,
      source: "form",
      type: "form_response",
      pipeline: "form-lead",
      code: "HK6002",
      message: "lead/ada@example.com is not known",
      createdAt: NOW,
      status: "open",
    } as const;
    const text = renderStory(story({ deadLetters: [letter] }), view);
    expect(text).toContain("dead letter dead_000001  open\n  lead/[sensitive] is not known [HK6002]");
  });

  test("explains each way of being skipped or held in words", () => {
    const outcome = { pipeline: "form-lead", revision: "b", at: NOW };
    const text = renderStory(
      story({
        outcomes: [
          { ...outcome, status: "skipped", reason: "stale", supersededBy: "evt_000009" as EventId },
          { ...outcome, status: "held", reason: "waits for lead/@email=ada@example.com, not seen yet" },
        ],
      }),
      view,
    );
    expect(text).toContain("a newer event has already written all it would write (evt_000009)");
    expect(text).toContain("held: waits for lead/[sensitive], not seen yet");
  });

  test("no form of the story shows a sensitive value, a body, or an escape code", () => {
    const letter = {
      id: "dead_000001" as DeadLetterId,
      kind: "event",
      event: id,
      source: "form",
      type: "form_response",
      pipeline: "form-lead",
      code: "HK6002",
      message: "lead/ada@example.com is not known",
      createdAt: NOW,
      status: "open",
    } as const;
    const whole = story({ outcomes: [applied], deliveries: [delivery], deadLetters: [letter] });
    const texts = [renderStory(whole, view), JSON.stringify(storyDocument(whole, view.sensitive))];
    for (const text of texts) {
      expect(text).not.toMatch(/ada(@|%40)example/);
      expect(text).not.toContain("\u001b");
    }
  });

  test("with no config at hand every value counts as sensitive", () => {
    const text = renderStory(story({ outcomes: [applied], deliveries: [delivery] }), {
      ...view,
      sensitive: sensitivityOf(undefined),
    });
    expect(text).not.toContain("Acme");
    expect(text).not.toMatch(/ada(@|%40)example/);
  });
});
