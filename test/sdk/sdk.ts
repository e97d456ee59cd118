/** What one provider's SDK tells the maker of vectors: how it signs, how it judges, and which secrets to use. */

export interface Request {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Unsigned {
  readonly body: string;
  /** Unix seconds at which the sender signs. */
  readonly at: number;
  readonly url: string;
  readonly method: string;
}

export interface Sdk {
  /** The recipe's name. */
  readonly provider: string;
  /** The npm package whose verdict this is. */
  readonly package: string;
  readonly secret: string;
  /** A secret of the same form that signs nothing here. */
  readonly otherSecret: string;
  /** What the recipe needs besides, as `hookrail verify` takes it. */
  readonly params?: Readonly<Record<string, string>>;
  /** Default: https://hooks.example.com/hooks/NAME */
  readonly url?: string;
  /** A body of the provider's shape; default: a small JSON object with text beyond ASCII. */
  readonly body?: string;
  /** The headers that carry what is signed (and the body and URL where the signature lies there). */
  sign(request: Unsigned, secret: string): Signed | Promise<Signed>;
  /** True when the SDK lets the request in. What it throws counts as false. */
  judge(request: Request, secret: string): unknown;
  /** Names of the headers without which there is no signature; default: all that `sign` gave. */
  readonly signatureHeaders?: readonly string[];
  /** The signed time is part of what is sent. */
  readonly timed: boolean;
  /** Another body that is a true variant of `body`; default: one letter is changed. */
  tamper?(body: string): string;
}

export interface Signed {
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly url?: string;
}

/** One line of a vectors file: what `hookrail verify` takes, the case's name, and the SDK's verdict. */
export interface Vector {
  readonly case: string;
  readonly provider: string;
  readonly secret: string;
  readonly params?: Readonly<Record<string, string>>;
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly bodyBase64: string;
  /** Unix seconds. */
  readonly now: number;
  readonly sdk: "accept" | "reject";
  readonly package: string;
}
