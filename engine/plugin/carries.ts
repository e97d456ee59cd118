/** What a sink can say of an attribute: `check` refuses the rest. */

/** What a sink can be told of an attribute. */
export interface Carries {
  /** It has a spelling for a cleared one. */
  readonly clear: boolean;
  /** Lists and objects. */
  readonly structured: boolean;
  /** A regular expression its names match there, or one for each kind of record. */
  readonly names?: string | NamesByKind;
}

/** Names that depend on what an entity is called there. */
export interface NamesByKind {
  /** The connection's setting that maps entities, and what holds when it is absent. */
  readonly setting: string;
  readonly defaults: Readonly<Record<string, string>>;
  /** What an entity is mapped to -> a regular expression. */
  readonly patterns: Readonly<Record<string, string>>;
}
