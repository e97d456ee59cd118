import type { ErrorEntries } from "../errors.ts";

/** 2040-2069: what the types of a payload say about expressions. */
export const mappingTypeErrors = {
  HK2040: {
    title: "A path that is not there",
    message: "there is no `{name}` in {where}",
    help: "The path was looked up in the contract of the event type, or, where there is no contract for it, in the provider's sample events. A path that is not there yields nothing, so the row would keep what is stored, for every event, silently. A name close to one that is there is an error under a contract; a name that a contract merely does not mention is a warning: add it to the contract, or write `additionalProperties: true` where a payload holds more than its contract says. Samples never show all there is, so with them only names close to a known one are told, as warnings.",
    wrong: "seats: items.quantiy",
    right: "seats: items.quantity",
  },
  HK2041: {
    title: "A value of the wrong type",
    message: "this yields {got}, and {target} takes {expected}",
    help: "By the contract (or the samples) no value this expression can yield is one the target takes: each event would be refused or keep what is stored. Convert it (`$string(…)`, `$number(…)`), pick one of a list (`[0]`, `take:`), or correct the attribute's type.",
    wrong: "seats: items.sku                # text, and seats is an integer",
    right: "seats: items.quantity",
  },
  HK2042: {
    title: "One item and several items differ in shape",
    message: "this yields {one} for one item and a list for several, and {target} takes {expected}",
    help: "A JSONata path over a list yields the value itself when there is one, and a list when there are more. Tests with one item pass; the first event with two does not. Say which is meant: an index (`lines[0].sku`, `lines[-1].sku`), a `take:` (highest, lowest, sum, count, only), or `[lines.sku]` where the target takes a list.",
    wrong: "plan: lines.price",
    right: "plan: lines[-1].price",
  },
  HK2043: {
    title: "A comparison that never changes its answer",
    message: "{left} is never equal to {right}, so `{operator}` is always {answer}",
    help: 'JSONata compares without converting: the number 5 and the text "5" differ. By the contract (or the samples) both sides are always of different kinds. Compare with a value of the payload\'s kind.',
    wrong: 'when: amount_paid != "0"',
    right: "when: amount_paid != 0",
  },
  HK2044: {
    title: "An operator that can't take its operand",
    message: "`{operator}` takes {expected}, and this is {got}",
    help: "Arithmetic takes numbers; `<`, `<=`, `>` and `>=` compare numbers with numbers and text with text. Anything else fails on each event, which makes it a dead letter. Convert with `$number(…)` or `$string(…)` first.",
    wrong: 'total: amount + "0"',
    right: "total: $number(amount) + 0",
  },
  HK2045: {
    title: "A predicate that loses items without saying so",
    message: "this may be missing, and then `{operator}` is {answer}",
    help: 'Within a predicate no missing-data policy stands before the result. JSONata says of a missing value that it is equal to nothing and unequal to nothing: both `x = false` and `x != "a"` are false, so items without `x` are left out. `&` takes it for an empty text. Say what is meant for them: `$not(x)`, `$exists(x) and …`, or make the member required in the contract.',
    wrong: "line: lines[proration = false]",
    right: "line: lines[$not(proration)]      # also where nothing is said of proration",
  },
  HK2046: {
    title: "An argument of the wrong type",
    message: "argument {index} of `{name}` takes {expected}, and this is {got}",
    help: "JSONata refuses an argument of another type when the event is there, which makes the event a dead letter. The signatures are at https://docs.jsonata.org.",
    wrong: "email: $lowercase(5)",
    right: "email: $lowercase(email)",
  },
  HK2047: {
    title: "The wrong number of arguments",
    message: "`{name}` takes {expected}, and {given} given",
    help: "JSONata refuses the call when the event is there, which makes the event a dead letter. The signatures are at https://docs.jsonata.org.",
    wrong: "total: $power(2)",
    right: "total: $power(2, 3)",
  },
  HK2048: {
    title: "A member of what has none",
    message: "`{name}` is read of {got}, which has no members",
    help: "By the contract the value before the dot is never an object, so the path yields nothing for every event. Some providers send an id, or the object if it was expanded: a contract says so as `anyOf`.",
    wrong: "email: customer.email            # customer is an id",
    right: "email: customer_email",
  },
  HK2049: {
    title: "Missing data that nobody decided on",
    message: "this may be missing, and nothing says what happens to {target} then",
    help: "The defaults are safe: an attribute keeps what is stored, an event without its key is a dead letter. For protected attributes and keys on production, a reviewer wants to read that it was meant. Write `missing: keep`, `missing: reject` or `missing: { initial: … }`; or make the member `required` in the contract.",
    wrong: "tier: plan.tier",
    right: "tier: { from: plan.tier, missing: keep }",
  },
} as const satisfies ErrorEntries;
