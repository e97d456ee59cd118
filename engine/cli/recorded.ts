/** Recorded events of tests: JSON files with `headers` and `body`, below the folder of `config.yaml`. */
import { dirname } from "node:path";
import { createDiskReader } from "../config/files.ts";
import { fail } from "../core/errors.ts";
import { parseJson } from "../core/json.ts";
import { isJsonObject } from "../core/values.ts";
import type { ReadSample } from "../testing/requests.ts";

export function sampleReader(configPath: string): ReadSample {
  const reader = createDiskReader(dirname(configPath));
  return (path) => {
    const file = reader.read(path);
    const parsed = file.ok ? parseJson(Buffer.from(file.text)) : undefined;
    const recorded = parsed?.ok ? parsed.value : undefined;
    if (!isJsonObject(recorded) || recorded["body"] === undefined) return fail("HK8304", { path });
    const headers = isJsonObject(recorded["headers"]) ? recorded["headers"] : {};
    const texts = Object.entries(headers).filter((entry): entry is [string, string] => typeof entry[1] === "string");
    return { name: path, headers: Object.fromEntries(texts), body: recorded["body"] };
  };
}
