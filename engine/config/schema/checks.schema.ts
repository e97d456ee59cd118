/** `checks:`: what a team asks of its own config, besides what Hookrail does. */
import { type Static, Type } from "typebox";
import { closed, expressionText, oneOf, text } from "../../core/schema.ts";

const maybe = Type.Optional;

export const ownCheckSchema = closed(
  {
    description: maybe(text("Why it is asked.")),
    of: text("What is looked at: a path such as `pipelines.*`, `connections.*` or `entities.*.attributes.*`."),
    require: expressionText(
      "Must be true of each: JSONata on what stands there; $name is its name, $pipeline the pipeline it is in, $config all of config.yaml.",
    ),
    message: text("What is told where it is not true; {name} and {pipeline} are filled in."),
    severity: maybe(oneOf(["error", "warning"], "An error makes `hookrail check` fail. Default: warning.")),
  },
  { description: "A check of your own." },
);

export type OwnCheckYaml = Static<typeof ownCheckSchema>;
