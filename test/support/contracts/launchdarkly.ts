/** LaunchDarkly's segments as its page has them: semantic patches that name whom to add and whom to take out. */
import type { Contract } from "../contract-service.ts";

interface Instruction {
  readonly kind: "addIncludedTargets" | "removeIncludedTargets";
  readonly contextKind: string;
  readonly values: readonly string[];
}

export const launchdarklyContract: Contract = {
  authorized: ({ headers }) => headers["authorization"] === "api-token",
  unauthorized: { status: 401, body: { code: "unauthorized", message: "Invalid access token" } },
  refused: (why) => ({ status: 400, body: { code: "invalid_request", message: why } }),
  routes: [
    {
      method: "PATCH",
      path: /^\/api\/v2\/segments\/web\/production\/([^/]+)$/,
      body: {
        type: "object",
        properties: {
          environmentKey: { const: "production" },
          comment: { type: "string" },
          instructions: {
            type: "array",
            minItems: 1,
            maxItems: 100,
            items: {
              type: "object",
              properties: {
                kind: { enum: ["addIncludedTargets", "removeIncludedTargets"] },
                contextKind: { type: "string", minLength: 1 },
                values: { type: "array", minItems: 1, items: { type: "string", minLength: 1 } },
              },
              required: ["kind", "contextKind", "values"],
              additionalProperties: false,
            },
          },
        },
        required: ["environmentKey", "instructions"],
        additionalProperties: false,
      },
      also: ({ headers }) =>
        /;\s*domain-model=launchdarkly\.semanticpatch$/.test(headers["content-type"] ?? "")
          ? undefined
          : "no semantic patch",
      act: ({ groups, body }, records) => {
        const segment = groups[0] ?? "";
        const members = new Set(Object.keys(records.get(segment) ?? {}));
        for (const { kind, values } of (body as unknown as { instructions: readonly Instruction[] }).instructions)
          for (const value of values) kind === "addIncludedTargets" ? members.add(value) : members.delete(value);
        records.set(segment, Object.fromEntries([...members].map((member) => [member, true])));
        return { status: 200, body: { key: segment, included: [...members] } };
      },
    },
  ],
};
