import { describe, expect, it } from "vitest";
import { diagnosticsJson, renderDiagnostics, summaryLine } from "../../engine/config/render.ts";
import type { Diagnostic } from "../../engine/core/diagnostic.ts";

const at = (line: number, column: number, length: number) => ({
  file: "a.yaml",
  line,
  column,
  endLine: line,
  endColumn: column + length,
});
const diagnostic = (more: Partial<Diagnostic> = {}): Diagnostic => ({
  code: "HK1010",
  severity: "error",
  message: "unknown key `prot`",
  span: at(1, 11, 4),
  ...more,
});
const files = { "a.yaml": "server: { prot: 8080 }\n\tlag: 60s\n" };
const frame = (one: Diagnostic, text = files["a.yaml"]) =>
  renderDiagnostics([one], { files: { "a.yaml": text } }).split("\n");

describe("renderDiagnostics", () => {
  it("puts the caret under the token", () => {
    expect(frame(diagnostic({ hint: "did you mean `port`?" }))).toEqual([
      "error[HK1010]: unknown key `prot`",
      " --> a.yaml:1:11",
      "  |",
      "1 | server: { prot: 8080 }",
      "  |           ^^^^",
      "  = did you mean `port`?",
      "  = more: hookrail explain HK1010",
      "",
    ]);
  });

  it("keeps tabs in front of the caret", () => {
    expect(frame(diagnostic({ span: at(2, 7, 3) }))[4]).toBe("  | \t     ^^^");
  });

  it("cuts long lines around the fault", () => {
    const lines = frame(diagnostic({ span: at(1, 401, 4) }), `${"x".repeat(400)}prot${"y".repeat(400)}`);
    expect(lines[3]?.length).toBeLessThan(170);
    expect(lines[3]?.indexOf("prot")).toBe(lines[4]?.indexOf("^^^^"));
  });

  it("shows the place alone when the file or line is not there", () => {
    expect(frame(diagnostic({ span: { ...at(99, 1, 1) } })).slice(0, 3)).toEqual([
      "error[HK1010]: unknown key `prot`",
      "  --> a.yaml:99:1",
      "   = more: hookrail explain HK1010",
    ]);
  });

  it("blots out secrets a diagnostic has found, on every frame of their line", () => {
    const text = "a: { token: hunter2, x: 1 }\n";
    const printed = renderDiagnostics(
      [diagnostic({ code: "HK1024", span: at(1, 13, 7) }), diagnostic({ span: at(1, 22, 1) })],
      { files: { "a.yaml": text } },
    );
    expect(printed).not.toContain("hunter2");
  });

  it.each(["key: whsec_abcdef123", "password: hunter2", "url: postgres://u:hunter2@db/x", '"api_key": "hunter2"'])(
    "blots out what looks like a secret in a file that did not parse: %s",
    (line) => {
      const printed = renderDiagnostics([diagnostic({ code: "HK1002", span: at(1, 1, 1) })], {
        files: { "a.yaml": `${line} [\n` },
      });
      expect(printed).not.toMatch(/hunter2|abcdef123/);
    },
  );

  it("leaves references to secrets readable", () => {
    expect(frame(diagnostic(), 'token: "${TOKEN}"')[3]).toBe('1 | token: "${TOKEN}"');
  });

  it("colours only with the colours it is given", () => {
    const colors = { red: (t: string) => `<r>${t}</r>`, yellow: String, blue: String, bold: String, dim: String };
    expect(renderDiagnostics([diagnostic()], { files, colors })).toContain("<r>error[HK1010]</r>");
  });
});

describe("summaryLine", () => {
  it("counts errors, warnings and files", () => {
    const warning = diagnostic({ severity: "warning" });
    expect(summaryLine([diagnostic(), diagnostic(), warning], { files: 4, ms: 38.4 })).toBe(
      "2 errors, 1 warning in 4 files (38 ms)",
    );
    expect(summaryLine([], { files: 1 })).toBe("no errors in 1 file");
  });
});

describe("diagnosticsJson", () => {
  it("has places, counts and a format version", () => {
    expect(diagnosticsJson([diagnostic({ related: { message: "here", span: at(2, 2, 3) } })])).toEqual({
      format_version: "1.0",
      errors: 1,
      warnings: 0,
      diagnostics: [
        {
          code: "HK1010",
          severity: "error",
          message: "unknown key `prot`",
          file: "a.yaml",
          line: 1,
          column: 11,
          end_line: 1,
          end_column: 15,
          related: { message: "here", file: "a.yaml", line: 2, column: 2, end_line: 2, end_column: 5 },
        },
      ],
    });
  });
});
