import type { ErrorEntries } from "../errors.ts";

/** 8075 to 8084: replays. */
export const replayErrors = {
  HK8075: {
    title: "No event of this id",
    message: "there is no event `{event}`",
    help: "`hookrail events` lists what came in. An event is named by our id, an unambiguous start of it (8 characters or more), or the provider's id. Nothing was replayed.",
  },
  HK8076: {
    title: "Too many events in one part of a replay",
    message: "{events} events in one request, at most {limit}",
    help: "The admin API takes a replay in parts, so that live events never wait long behind one. `hookrail replay` sends them one after the other.",
  },
  HK8077: {
    title: "A replay of everything",
    message: "say which events: their ids, or one of --source, --pipeline, --type, --status, --since, --until",
    help: "A replay with no filter would take whatever came in last. Name what is meant; `--since 30d` is a filter too.",
  },
} as const satisfies ErrorEntries;
