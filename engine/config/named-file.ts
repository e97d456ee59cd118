/** A file that the config names: its text, or the finding that says why it can not be had. */
import type { ConfigReader } from "./files.ts";
import type { Mark } from "./position.ts";
import type { Reporter } from "./report.ts";

/** Reports HK1006 for a path that leaves the folder and HK1001 for what is not there or not readable. */
export function readNamedFile(
  reader: ConfigReader,
  reporter: Reporter,
  { path, mark }: { readonly path: string; readonly mark: Mark },
): string | undefined {
  const result = reader.read(path);
  if (result.ok) return result.text;
  if (result.failure === "outside") reporter.report("HK1006", mark, { path });
  else
    reporter.report("HK1001", mark, {
      file: path,
      reason: result.failure === "missing" ? "it is not there" : (result.detail ?? result.failure),
    });
  return undefined;
}
