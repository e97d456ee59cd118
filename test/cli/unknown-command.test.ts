/** Help of a command that is not there is a wrong command line, not the help of another. */
import { describe, expect, test } from "vitest";
import { runCommand } from "../support/cli.ts";

const run = (...argv: string[]) => runCommand("/", argv);

describe("help of a command that is not there", () => {
  test.each([
    [["chek", "--help"], /unknown command 'chek'\n\(Did you mean check\?\)/],
    [["chek", "-h"], /unknown command 'chek'/],
    [["help", "chek"], /unknown command 'chek'\n\(Did you mean check\?\)/],
    [["-c", "x", "nosuch", "--json", "--help"], /unknown command 'nosuch'/],
    [["dead", "lst", "--help"], /unknown command 'lst'\n\(Did you mean list\?\)/],
  ])("%j says so, and what was perhaps meant", async (argv, said) => {
    expect(await run(...argv)).toEqual({ code: 64, stdout: "", stderr: expect.stringMatching(said) });
  });

  test.each([
    [["--help"], /^Usage: hookrail \[options\] \[command\]/],
    [["help"], /^Usage: hookrail \[options\] \[command\]/],
    [["help", "check"], /^Usage: hookrail check/],
    [["check", "--help"], /^Usage: hookrail check/],
    [["-c", "x", "dead", "-h"], /^Usage: hookrail dead/],
    [["dead", "list", "--help"], /^Usage: hookrail dead list/],
    [["dead", "help", "list"], /^Usage: hookrail dead list/],
    [["explain", "anything", "--help"], /^Usage: hookrail explain/],
    [["docs", "reference", "--help"], /^Usage: hookrail docs reference/],
  ])("%j is help", async (argv, said) => {
    expect(await run(...argv)).toEqual({ code: 0, stdout: expect.stringMatching(said), stderr: "" });
  });
});
