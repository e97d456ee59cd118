import type { ErrorEntries } from "../errors.ts";

/** 127x and 128x: what is shared by pipelines: tables in CSV files, fragments of `let:`. */
export const configReuseErrors = {
  HK1270: {
    title: "A CSV file that can not be read",
    message: "this is not a table: {problem}",
    help: "A table's file is CSV as spreadsheets write it: UTF-8, the names of the columns in the first line, one row a line, cells with the separator or a line break in them in double quotes. A byte order mark and Windows line ends are fine.",
  },
  HK1271: {
    title: "A column the CSV file does not have",
    message: "`{file}` has no column `{column}`",
    help: "The first line of the file has the names of the columns, exactly as `key:` and `columns:` must write them. One long name is most often a file whose cells are parted by `;`: say so with `separator:`.",
    wrong: "plans: { csv: tables/plans.csv, key: prise }",
    right: "plans: { csv: tables/plans.csv, key: price }",
  },
  HK1272: {
    title: "A row that is too short or too long",
    message: "this row has {cells} cells, and the file {columns} columns",
    help: "A value in the wrong column would be written to every customer it is looked up for, so rows that do not fit are not guessed at. Most often a cell with a comma in it is not in quotes.",
  },
  HK1273: {
    title: "A row without its key",
    message: "the cell of `{key}`, which is looked up, is blank",
    help: "The row could never be found. Give it its key, or take it out.",
  },
  HK1274: {
    title: "A key that is there twice",
    message: "`{key}` is already there",
    help: "Which of two rows is meant can not be known, so Hookrail takes neither. Remove one. Spaces around a cell do not count.",
  },
  HK1275: {
    title: "A cell of another type",
    message: "this cell of `{column}` is not of the type {type}",
    help: "`columns:` of the table says what the cells of this column are. Numbers are written with a point and without separators of thousands; booleans are true or false.",
  },
  HK1276: {
    title: "A table of several columns, read whole",
    message: "`{table}` has several columns; say which one is read",
    help: "`table: plans.plan` reads the column `plan` of the table `plans`. The name alone is enough for a file with one column beside its key.",
    wrong: "plan: { from: price, table: plans }",
    right: "plan: { from: price, table: plans.plan }",
  },
  HK1277: {
    title: "A fragment that is not declared",
    message: "fragment `{name}` is not declared",
    help: "`let:` takes in names that several rules share by the name of their fragment, which is declared under `fragments:` of config.yaml. A name of the rule's own is a mapping: `line: lines.data[0]`.",
    wrong: "let: paid-lien",
    right: "let: paid-line",
  },
  HK1278: {
    title: "A fragment that no rule uses",
    message: "no rule takes in the fragment `{name}`",
    help: "It is checked and does nothing. Take it in with `let:` of a rule, or take it out of config.yaml.",
  },
  HK1279: {
    title: "A name bound twice",
    message: "`${name}` is bound twice in this `let:`",
    help: "A row that reads the name could mean either of them, so neither is taken. Rename the rule's own name, or leave out one of the two fragments.",
    wrong: "let:\n  - paid-line\n  - line: lines.data[0]",
    right: "let:\n  - paid-line\n  - first_line: lines.data[0]",
  },
} as const satisfies ErrorEntries;
