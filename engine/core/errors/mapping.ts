import type { ErrorEntries } from "../errors.ts";

/** 2xxx: expressions (2001-2019), rows and values (2020-2039). */
export const mappingErrors = {
  HK2001: {
    title: "An expression does not parse",
    message: "this expression does not parse: {problem}",
    help: "The text is not valid JSONata. The caret shows where the reader gave up; the fault is there or just before it. A name with a dash or another special character needs backticks, since `a-b` is a subtraction.",
    wrong: "seats: items.data[0.quantity",
    right: "seats: items.data[0].quantity",
  },
  HK2002: {
    title: "No such function",
    message: "there is no function `{name}`",
    help: "JSONata itself would accept this and fail on the first event. The built-in functions are listed at https://docs.jsonata.org.",
    wrong: "email: $lowercas(email)",
    right: "email: $lowercase(email)",
  },
  HK2003: {
    title: "No such variable",
    message: "there is no variable `{name}` here",
    help: "An expression may use the names of `let:` above it, `$event` (the whole body) and variables it binds itself. An unknown variable would silently yield nothing.",
    wrong: "let: { line: lines.data[0] }\nwrite: { subscription: { fields: { seats: $lines.quantity } } }",
    right: "let: { line: lines.data[0] }\nwrite: { subscription: { fields: { seats: $line.quantity } } }",
  },
  HK2004: {
    title: "A function that is not allowed",
    message: "`{name}` is not allowed: {why}",
    help: "A mapping gives the same result each time it runs, and runs only what was reviewed in git. `$eval` would run text from a payload; `$random` and `$shuffle` would make a replay differ from the first run.",
  },
  HK2005: {
    title: "A built-in is redefined",
    message: "`{name}` can not be redefined",
    help: "Binding the name of a built-in function, or a name that starts with `__`, changes what other parts of the expression mean. Choose another name.",
    wrong: "total: ($sum := 3; $sum)",
    right: "total: ($subtotal := 3; $subtotal)",
  },
  HK2006: {
    title: "An expression whose inputs can not be seen",
    message: "`{construct}` reads paths that are not written in the expression",
    help: "Missing data is decided before an expression's result is used, from the paths that the expression names. Wildcards, `$keys`, `$each`, `$spread`, `$sift` and a computed `$lookup` name none, so say under `needs:` which paths must be there.",
    wrong: "total: $sum(amounts.*)",
    right: "total: { from: $sum(amounts.*), needs: [amounts.net, amounts.tax] }",
  },
  HK2007: {
    title: "A default that is never used",
    message:
      "`{operator}` never reaches its right side: when `{path}` is missing, the row's `missing:` policy applies first",
    help: "Hookrail decides about missing input before it looks at a result. For payload versions that put a value in different places use `first:`; for a value to use while nothing is stored use `missing: { initial: … }`.",
    wrong: "paid_until: items.current_period_end ?? current_period_end",
    right: "paid_until: { first: [items.current_period_end, current_period_end] }",
  },
  HK2008: {
    title: "An expression that is too large",
    message: "this expression is too {dimension} ({size}, at most {limit})",
    help: "Split it into several `let:` steps: each then has a name, a place in `explain` and its own missing-data decision.",
  },
  HK2009: {
    title: "Only a path is allowed here",
    message: "expected a plain path here, found {found}",
    help: "This place names values of the payload, so that they can be compared between events; compute in a `let:` and name that.",
    wrong: "once: [$uppercase(id)]",
    right: "once: [id]",
  },
  HK2010: {
    title: "An expression failed on this event",
    message: "the expression `{expression}` failed: {problem}",
    help: "A value had a type that a function or operator of the expression does not take, for example a text where a number is added. Look at the event with `hookrail explain EVENT`; the event is kept and can be retried after a fix.",
  },
  HK2011: {
    title: "An expression was killed at its deadline",
    message: "the expression `{expression}` was stopped after {ms} ms",
    help: "What the compiled subset can not run runs apart from the engine and is stopped at its deadline, so that none can hold up other events. The usual cause is a regular expression with nested repetition, or a recursion that does not end.",
  },
  HK2012: {
    title: "The process that runs expressions ended",
    message: "what ran `{expression}` ended: {problem}",
    help: "The expression used more memory than one evaluation may, and brought down the process it ran in, twice. The engine started another; the event is kept as a dead letter.",
  },
  HK2013: {
    title: "A result that is not data",
    message: "the expression `{expression}` gave {what}, which is not a JSON value",
    help: "Results are plain JSON. A division by zero gives Infinity, and a function without its parentheses gives the function itself.",
    wrong: "email: $lowercase",
    right: "email: $lowercase(email)",
  },
  HK2014: {
    title: "A result that is too large",
    message: "the expression `{expression}` gave more than {limit} characters of JSON",
    help: "A result of this size is nearly always an expression that multiplied its input. Map the fields that are needed.",
  },
  HK2015: {
    title: "An expression hit a guardrail",
    message: "the expression `{expression}` was stopped by the interpreter: {problem}",
    help: "The interpreter bounds recursion (500 levels), run time and the length of lists (100000 elements).",
  },
  HK2020: {
    title: "A required value is missing",
    message: "{name}: {missing}",
    help: "The row says `missing: reject`, or it is a key, which an entity can not do without. Nothing was written. Retry the event when the sender has been fixed, or change the policy if the value may be missing.",
  },
  HK2021: {
    title: "A key that the table does not list",
    message: "{name}: table `{table}` has no row for {key}",
    help: "An unlisted key is a dead letter and never a default, since a default would downgrade a customer whose plan is new. Add the key to `tables:` and retry the dead letter.",
  },
  HK2022: {
    title: "A value that the attribute's type refuses",
    message: "{name}: expected {expected}, got {got}",
    help: 'Nothing is cast: `"5"` is not an integer and `1` is not a boolean. Nothing was written, since the row says `invalid: reject` (the default for protected attributes).',
  },
  HK2023: {
    title: "A state that is not declared",
    message: "`{state}` is not one of the states of {entity}: {states}",
    help: "Add it to `states:` of the entity, or map it to a declared state with `table:`.",
  },
  HK2024: {
    title: "A `when` whose input is missing",
    message: "`when` of rule {rule} can not be decided: {missing}",
    help: "A condition on a missing value would be false, and the event would be skipped as if nothing had to be done. It is kept as a dead letter instead.",
  },
  HK2025: {
    title: "A `when` that is not true or false",
    message: "`when` of rule {rule} gave {got}, expected true or false",
    help: 'Compare explicitly: a non-empty text such as "false" would count as true.',
    wrong: "when: livemode_text",
    right: 'when: livemode_text = "true"',
  },
  HK2026: {
    title: "More than one value where only one may be",
    message: "{name}: `take: only` found {count} different values",
    help: "The row says that all elements of the list must be equal. Nothing was written.",
  },
} as const satisfies ErrorEntries;
