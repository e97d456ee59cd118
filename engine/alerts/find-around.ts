/** What is wrong around the flow: senders that are refused or silent, secrets, the store, the clock, the config. */
import { formatDuration } from "../core/duration.ts";
import { type Finding, findingOf, pipelinesOf, ruleIn, sourcesOf, type World } from "./finding.ts";
import { isSilent } from "./heartbeat.ts";
import { percent, plural, roughly } from "./words.ts";

const FIVE_MINUTES = 300_000;
const HOUR = 3_600_000;

export function aroundFindings(world: World): readonly Finding[] {
  return [
    ...[...sourcesOf(world.revision)].flatMap(([name, source]) => [
      ...refusals(world, name),
      ...duplicates(world, name),
      ...silence(world, name, source),
      ...expiring(world, name, source),
    ]),
    ...pending(world),
    ...storeFull(world),
    ...clockSkew(world),
    ...reload(world),
  ];
}

const common = (world: World, source: string) => ({
  of: source,
  cause: `source:${source}`,
  pipelines: pipelinesOf(world.revision, source),
});
const subjectOf = (world: World, source: string) => ({
  pipelines: pipelinesOf(world.revision, source),
  sources: [source],
});

/** Signatures that fail: many in five minutes, and far more than in the hour before, which scanners fill too. */
function refusals(world: World, source: string): readonly Finding[] {
  const rule = ruleIn(world, "rejected", subjectOf(world, source));
  if (rule === undefined) return [];
  const { recent, now } = world;
  const lately = recent.sum(`unsigned ${source}`, FIVE_MINUTES, now);
  const before = (recent.sum(`unsigned ${source}`, HOUR, now) - lately) / 11;
  const accepted = recent.sum(`accepted ${source}`, FIVE_MINUTES, now);
  if (lately <= rule.above || lately < 3 * before) return [];
  const all = accepted === 0 ? "and none was taken" : `beside ${accepted} that were taken`;
  return [
    findingOf(rule, {
      ...common(world, source),
      text: `${source}: ${lately} requests in the last 5m had no valid signature, ${all}; a secret may have been changed at the sender`,
      type: ["hookrail verify --help", "hookrail secrets list"],
      size: lately,
    }),
  ];
}

function duplicates(world: World, source: string): readonly Finding[] {
  const rule = ruleIn(world, "duplicates", subjectOf(world, source));
  if (rule === undefined) return [];
  const spanMs = 15 * 60_000;
  const again = world.recent.sum(`duplicate ${source}`, spanMs, world.now);
  const all = again + world.recent.sum(`accepted ${source}`, spanMs, world.now);
  if (all < 20 || again / all <= rule.above) return [];
  return [
    findingOf(rule, {
      ...common(world, source),
      text: `${source}: ${percent(again / all)} of ${all} events in the last 15m came again; the sender may not get our answers`,
      type: [`hookrail events --source ${source} --since 15m`],
    }),
  ];
}

function silence(world: World, source: string, model: { readonly heartbeatMs?: number; readonly enabled: boolean }) {
  const rule = ruleIn(world, "silence", subjectOf(world, source));
  const { now, startedAt, listener, revision } = world;
  if (rule === undefined || !model.enabled) return [];
  const { lastAt, hours } = listener.of(source);
  // While no engine ran nothing could come in.
  const since = Math.max(lastAt ?? startedAt, startedAt);
  const heartbeatMs = model.heartbeatMs ?? (rule.above === 0 ? undefined : rule.above);
  if (!isSilent({ since, hours }, { now, heartbeatMs, learn: revision.alerting.learnSilence })) return [];
  const measure =
    heartbeatMs === undefined
      ? "in this hour of past weeks there was more"
      : `expected every ${formatDuration(heartbeatMs)}`;
  return [
    findingOf(rule, {
      ...common(world, source),
      text: `${source}: no event for ${formatDuration(roughly(now - since))} (${measure})`,
      type: [`hookrail events --source ${source}`, "hookrail status"],
    }),
  ];
}

/** The newest secret that still holds ends soon, and none follows. */
function expiring(world: World, source: string, model: { readonly secrets: readonly { readonly until?: number }[] }) {
  const rule = ruleIn(world, "signature_key", subjectOf(world, source));
  if (rule === undefined || model.secrets.length === 0) return [];
  const last = Math.max(...model.secrets.map(({ until }) => until ?? Number.POSITIVE_INFINITY));
  const leftMs = last - world.now;
  if (leftMs > rule.above) return [];
  const when =
    leftMs <= 0 ? "none of its secrets holds any more" : `its last secret ends in ${formatDuration(roughly(leftMs))}`;
  return [
    findingOf(rule, {
      ...common(world, source),
      ...(leftMs <= 0 ? { severity: "page" as const } : {}),
      text: `${source}: ${when}, and then every request is refused`,
      type: ["hookrail secrets list", "hookrail check"],
    }),
  ];
}

/** Secrets that providers told us, and nobody has looked at. */
function pending(world: World): readonly Finding[] {
  const bySource = Map.groupBy(world.pendingSecrets, ({ source }) => source);
  return [...bySource].flatMap(([source, secrets]) => {
    const rule = ruleIn(world, "signature_key", subjectOf(world, source));
    if (rule === undefined) return [];
    return [
      findingOf(rule, {
        ...common(world, source),
        of: `pending ${source}`,
        text: `${source}: ${plural(secrets.length, "secret")} told by the sender ${secrets.length === 1 ? "waits" : "wait"} for a person; until then its events are refused`,
        type: [
          "hookrail secrets list",
          ...secrets.slice(0, 2).map((one) => `hookrail secrets accept ${source} ${one.fingerprint}`),
        ],
        size: secrets.length,
      }),
    ];
  });
}

function storeFull(world: World): readonly Finding[] {
  const rule = ruleIn(world, "store_full");
  const { store, storeFullAt, now, reserveSpent: spent } = world;
  if (rule === undefined) return [];
  const refusing = storeFullAt !== undefined && now - storeFullAt < 60_000;
  const nearly = store?.findings.includes("disk_nearly_full") === true;
  const grows = store?.findings.includes("wal_grows") === true;
  if (!refusing && !spent && !nearly && !grows) return [];
  const disk = store?.diskFreeBytes === undefined ? "" : ` (${Math.floor(store.diskFreeBytes / 1_048_576)} MiB free)`;
  const text = refusing
    ? `the disk below the store is full${disk}: senders are told to come again`
    : spent || nearly
      ? `the disk below the store is nearly full${disk}${spent ? ", and its reserve is used" : ""}`
      : "the store's -wal grows: something reads the store for very long, or checkpoints fail";
  return [
    findingOf(
      rule,
      {
        of: "store",
        ...(refusing || spent || nearly ? {} : { severity: "alert" as const }),
        cause: "engine:store",
        pipelines: [],
        text,
        type: ["hookrail status", "df -h"],
      },
      !refusing && !spent && !nearly,
    ),
  ];
}

function clockSkew(world: World): readonly Finding[] {
  const rule = ruleIn(world, "clock_skew");
  const { skew, now } = world;
  if (rule === undefined || skew === undefined || now - skew.at > HOUR) return [];
  return [
    findingOf(rule, {
      of: "clock",
      cause: "engine:clock",
      pipelines: [],
      text: `signed times of ${skew.sources.join(", ")} lie ${formatDuration(roughly(Math.abs(skew.medianMs)))} ${skew.medianMs < 0 ? "ahead of" : "behind"} this machine's clock; beyond the tolerance requests are refused`,
      type: ["timedatectl status", "hookrail status"],
    }),
  ];
}

function reload(world: World): readonly Finding[] {
  const rule = ruleIn(world, "reload_failed");
  if (rule === undefined || world.reloadRefused === undefined) return [];
  return [
    findingOf(rule, {
      of: "config",
      cause: "engine:config",
      pipelines: [],
      text: `the config was changed and refused (${world.reloadRefused.code}); the engine works on with the one before`,
      type: ["hookrail check", "hookrail status", "hookrail reload"],
    }),
  ];
}
