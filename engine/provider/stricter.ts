/**
 * Where we refuse what a provider's own SDK lets in, and why: shown on the providers' pages, and held against what
 * the SDKs said (test/provider/vectors): each must still be one, or it goes.
 */
export interface Strictness {
  /** What we do that the SDK does not. */
  readonly ours: string;
  /** What the SDK does instead. */
  readonly sdk: string;
  /** Names of the vectors that show it. */
  readonly cases: readonly string[];
  readonly providers: readonly string[];
}

export const STRICTER_THAN_SDK: readonly Strictness[] = [
  {
    ours: "A time further ahead than allowed is refused",
    sdk: "it accepts any future time",
    cases: ["an hour ahead"],
    providers: ["stripe", "mux", "slack", "paddle", "workos", "hubspot-v3", "contentful"],
  },
  {
    ours: "A time too old or too far ahead is refused",
    sdk: "it checks no time at all",
    cases: ["an hour ahead", "an hour old"],
    providers: ["discord", "sendgrid", "sanity", "webflow", "zoom"],
  },
  {
    ours: "The bytes that came are what must be signed",
    sdk: "it signs the parsed body written anew, so that it does not see white space",
    cases: ["space added to the body"],
    providers: ["workos", "zoom"],
  },
];
