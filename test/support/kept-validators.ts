/** For tests that load very many configs in one process: equal schemas are compiled once, by the real compiler. */
import type * as Validate from "../../engine/config/validate.ts";

/** A module like `engine/config/validate.ts`, which compiles the language at each load: half a second each time. */
export function keepValidators(real: typeof Validate): typeof Validate {
  const kept = new Map<string, Validate.CompiledSchema>();
  return {
    ...real,
    compileSchema(schema) {
      const key = JSON.stringify(schema);
      const compiled = kept.get(key) ?? real.compileSchema(schema);
      kept.set(key, compiled);
      return compiled;
    },
  };
}
