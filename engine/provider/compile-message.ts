/** Compiles `message:`: the pieces of what is signed, byte for byte. */
import type { Faults } from "./faults.ts";
import type { MessagePart } from "./scheme.ts";
import { compileRef, compileTemplate, describeTemplate } from "./template.ts";
import type { VerifyEntryYaml } from "./verify.schema.ts";

/** The pieces in order; default: the raw body. */
export function compileMessage(raw: VerifyEntryYaml["message"], faults: Faults): readonly MessagePart[] {
  const parts = raw === undefined ? ["{raw_body}"] : Array.isArray(raw) ? raw : [raw];
  return parts.flatMap((part, index): MessagePart[] => {
    const path = Array.isArray(raw) ? ["message", index] : ["message"];
    if (typeof part === "string") {
      const template = faults.take(path, part, compileTemplate(part));
      return template === undefined ? [] : [{ kind: "template", template }];
    }
    if ("form_sorted" in part) return [{ kind: "form_sorted", dedupe: part.form_sorted.dedupe ?? false }];
    if ("field_lines" in part)
      return [
        {
          kind: "field_lines",
          fields: part.field_lines.map((name) => ({ name: name.replace(/\?$/, ""), optional: name.endsWith("?") })),
        },
      ];
    if ("join_fields" in part) return [{ kind: "join_fields", ...part.join_fields }];
    if ("url" in part)
      return [
        {
          kind: "url",
          form: part.url.form ?? "registered",
          portVariants: part.url.port_variants ?? false,
          percentDecode: (part.url.percent_decode ?? []).filter((code) => /^%[0-9A-Fa-f]{2}$/.test(code)),
        },
      ];
    if ("first_item" in part) return [{ kind: "first_item", path: part.first_item === "." ? "" : part.first_item }];
    const { list_from, list_sep, sep, form, must_list } = part.signed_headers;
    const mustList = (must_list ?? []).map((name) => name.toLowerCase());
    const listFrom = faults.take(path, list_from, compileRef(list_from));
    return listFrom === undefined
      ? []
      : [{ kind: "signed_headers", listFrom, listSep: list_sep ?? " ", mustList, sep, form: form ?? "values" }];
  });
}

/** What is signed, in words. */
export function describeMessage(message: readonly MessagePart[]): string {
  return message.map((part) => (part.kind === "template" ? describeTemplate(part.template) : part.kind)).join(" ");
}
