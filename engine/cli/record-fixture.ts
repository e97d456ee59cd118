/** What `record` writes and prints: the fixture, the reference to its secret, and the test to paste. Pure. */
import type { Recorded } from "../testing/recording.ts";
import type { Tried } from "../testing/try-recorded.ts";
import { safeJson, safeYaml } from "./format.ts";

/** The fixture as JSON: `headers` and `body` are what tests read, the rest says where it comes from. */
export function fixtureText(recorded: Recorded, signed: { readonly secret: string; readonly scheme: string }): string {
  const fixture = {
    source: recorded.source,
    type: recorded.type,
    received_at: new Date(recorded.receivedAt).toISOString(),
    // A reference, never the secret itself: a test signs it anew with whatever stands there.
    signed_with: `${signed.secret} (${signed.scheme})`,
    headers: recorded.headers,
    body: recorded.body,
  };
  return `${safeJson(fixture, 2)}\n`;
}

/** A test that holds what came out when the fixture was tried in a world of its own. */
export function snippetOf(
  tried: Tried & { readonly pipeline: string },
  { path, recorded }: { readonly path: string; readonly recorded: Recorded },
): string {
  const test = {
    name: `${recorded.type} as it came on ${new Date(recorded.receivedAt).toISOString().slice(0, 10)}`,
    events: [{ file: path }],
    ...(tried.fetched && { fetched: tried.fetched }),
    expect: { outcomes: [tried.outcome], ...tried.entities },
  };
  const yaml = safeYaml({ tests: [test] });
  return `# for the pipeline ${tried.pipeline}\n${yaml}`;
}
