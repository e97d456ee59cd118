/** `pipelines/contracts/PROVIDER/VERSION.yaml`: one version of a provider's payloads. */
import { type Static, Type } from "typebox";
import { anyValue, closed, keyed, text } from "../../core/schema.ts";

const maybe = Type.Optional;

export const contractFileSchema = closed(
  {
    contract: text("The version; the file's name."),
    provider: text("The provider; the folder's name."),
    description: maybe(text("What it is.")),
    changelog: maybe(Type.Array(text("A change."), { description: "What changed since the version before." })),
    previous: maybe(text("The version before.")),
    shown_by: maybe(
      closed(
        {
          from: text("Where a request shows its version, e.g. body:api_version or header:shopify-api-version."),
          equals: maybe(text("What it says there. Default: the version.")),
        },
        { description: "How a request shows its version." },
      ),
    ),
    schema: keyed(
      anyValue("A JSON Schema, draft 07 or 2020-12."),
      "Event type -> JSON Schema of its payload; `*` for all others.",
    ),
  },
  { description: "A contract." },
);

export type ContractYaml = Static<typeof contractFileSchema>;
