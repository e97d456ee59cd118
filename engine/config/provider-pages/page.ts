/** The page of one provider, made from its recipe: what to set up, what is checked, what its events are. */
import { STRICTER_THAN_SDK } from "../../provider/stricter.ts";
import type { DocumentedRecipe } from "../recipes.ts";
import { deliveryMarkdown, eventsMarkdown, handshakesMarkdown, ranksMarkdown, replyMarkdown } from "./events.ts";
import { signingMarkdown, signs } from "./signing.ts";
import { bullets, code, section, sentence } from "./words.ts";

/** How far facts go, by what they rest on. */
export const CONFIDENCE = {
  sdk: "held against the official SDK",
  page: "read on the provider's own pages",
  general: "general knowledge, not confirmed: try it with a test event of the provider before you rely on it",
} as const;

export function providerPage(shipped: DocumentedRecipe): string {
  const { yaml, remarks } = shipped;
  const { provider, title, description, confidence } = yaml;
  const remarked = (key: string) => {
    const told = [...new Set(remarks.get(key) ?? [])];
    return told.length === 0 ? "" : `\n\nTo know:\n\n${bullets(told.map(sentence))}`;
  };
  const sure = (level: keyof typeof CONFIDENCE | undefined) =>
    level === undefined ? "" : `\n\nHow sure: ${CONFIDENCE[level]}.`;
  const parts = [
    section("Set up", setUp(shipped)),
    section("How it signs", signingMarkdown(yaml.verify) + remarked("verify") + sure(confidence?.signature)),
    section("Stricter than its SDK", stricter(provider)),
    section("Handshake", nonEmpty(handshakesMarkdown(yaml), remarked("handshake"))),
    section("Answer", replyMarkdown(yaml) + remarked("ack")),
    section("Events", eventsMarkdown(shipped) + remarked("events")),
    section("Events of one instant", ranksMarkdown(yaml)),
    section("Delivery", deliveryMarkdown(shipped) + remarked("delivery") + sure(confidence?.delivery)),
    section("Samples", samples(shipped)),
    section("Sources", sources(shipped)),
  ];
  const about = description === undefined ? "" : `${sentence(description)} `;
  const by = shipped.own ? "hookrail docs reference" : "npm run gen";
  return `<!-- Generated from plugins/providers/${provider}.yaml by \`${by}\`. -->\n# ${title}\n\n${about}Recipe: [${code(provider)}](../../plugins/providers/${provider}.yaml); all of them are [here](README.md).\n${parts.join("")}`;
}

const nonEmpty = (text: string, more: string) => (text === "" ? "" : text + more);

function setUp(shipped: DocumentedRecipe): string {
  const { provider } = shipped.yaml;
  const give = `In the provider's settings, the URL is \`https://YOUR-HOST/hooks/${provider}\`: the \`path\` below, behind your host.`;
  const params = [...shipped.recipe.params.values()].map(
    ({ name, description, required, secret }) =>
      `${code(name)}${required ? "" : " (optional)"}${secret ? " (a credential)" : ""}: ${description}`,
  );
  const told = params.length === 0 ? "" : `\n\nParams:\n\n${bullets(params)}`;
  const url = shipped.recipe.readsUrl
    ? "\n\nThe URL is part of what is signed. `server: { public_url: … }` gives it for all sources, and `url` then need not be written."
    : "";
  return `${give}\n\n\`\`\`yaml fragment:config\n${snippet(shipped)}\`\`\`\n\n${secretOf(shipped)}${told}${url}`;
}

function secretOf({ recipe }: DocumentedRecipe): string {
  const keys = new Set(recipe.verify.map(({ keyFrom }) => keyFrom.kind));
  if (recipe.needsSecret)
    return 'What to put into `secrets:` is said under "Key" below; [rotating](../sources-and-signatures.md#secrets-and-how-to-rotate-them) takes a second one.';
  if (keys.has("secrets"))
    return "No secret need be put in: the provider tells it in its handshake. One that you have already goes into `secrets:`.";
  return 'There is no secret to put in: where the key comes from is said under "Key" below.';
}

const variable = (...words: readonly string[]) =>
  `\${${words
    .join("_")
    .toUpperCase()
    .replace(/[^A-Z0-9]+/g, "_")}}`;

/** What the variable holds, as the end of its name. */
function holds({ verify }: DocumentedRecipe["recipe"]): string {
  const [scheme] = verify.filter(({ keyFrom }) => keyFrom.kind === "secrets");
  if (scheme === undefined || scheme.scheme === "token") return "token";
  if (scheme.scheme === "basic") return "user_password";
  const { encoding, stripPrefix } = scheme.key;
  if (OWN_KEYS.includes(scheme.scheme)) return `public_key_${scheme.scheme === "ed25519" ? encoding : "spki"}`;
  return stripPrefix === "" && encoding !== "utf8" ? `key_${encoding}` : "secret";
}

/** A source that passes `check`. */
function snippet({ recipe }: DocumentedRecipe): string {
  const { provider } = recipe;
  const params = [...recipe.params.values()]
    .filter(({ required }) => required)
    .map(({ name }) => {
      const value = name === "url" ? `https://YOUR-HOST/hooks/${provider}` : variable(provider, name);
      return `      ${name}: "${value}"\n`;
    });
  return [
    `sources:\n  ${provider}:\n    provider: ${provider}\n    path: /hooks/${provider}\n`,
    recipe.needsSecret ? `    secrets: ["${variable(provider, holds(recipe))}"]\n` : "",
    params.length === 0 ? "" : `    params:\n${params.join("")}`,
  ].join("");
}

function stricter(provider: string): string {
  const own = STRICTER_THAN_SDK.filter(({ providers }) => providers.includes(provider));
  return bullets(own.map(({ ours, sdk }) => `${ours}. The SDK: ${sdk}.`));
}

const OWN_KEYS = ["ed25519", "ecdsa_p256", "rsa"];

function samples({ yaml: { provider, verify, samples = [] } }: DocumentedRecipe): string {
  if (samples.length === 0) return "";
  const rows = samples.map(({ name, description }) => {
    return description === undefined
      ? code(`${provider}/${name}`)
      : `${code(`${provider}/${name}`)}: ${sentence(description)}`;
  });
  const theirs = verify.every(({ scheme, key_from }) => OWN_KEYS.includes(scheme) || key_from?.jwks !== undefined);
  if (theirs)
    return `The provider alone holds the key that signs, so that \`send\` can not sign for it: these serve \`tests:\`.\n\n${bullets(rows)}`;
  const how = verify.some(signs) ? "really signed" : "with the secret";
  return `Sent ${how}, to a running engine:\n\n\`\`\`sh\nnpx hookrail send ${provider}/${samples[0]?.name}\n\`\`\`\n\n${bullets(rows)}`;
}

function sources({ yaml: { docs = [] } }: DocumentedRecipe): string {
  return bullets(docs.map(({ url, about }) => `[${new URL(url).host}](${url}): ${about}`));
}
