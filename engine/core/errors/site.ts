import type { ErrorEntries } from "../errors.ts";

/** 8165 to 8184: documents of an installation, the formatter, `init`, completion. */
export const siteErrors = {
  HK8165: {
    title: "A pipeline without a runbook",
    message: "pipeline `{pipeline}` has no runbook",
    help: "Whoever is woken by this pipeline finds nothing to go by. `hookrail docs --runbooks` writes a first page to fill in; then name it in the pipeline.",
    right: "runbook: docs/runbooks/paid-premium.md",
  },
  HK8166: {
    title: "A runbook that is not there",
    message: "the runbook of {what} is not there: {path}",
    help: "The path is relative to the folder of config.yaml. Correct it, or let `hookrail docs --runbooks` write a first page there.",
  },
  HK8167: {
    title: "A dead link in a runbook",
    message: "{page} links to {target}, which is not there",
    help: "Links inside a runbook are relative to the folder of the page. Correct the link, or put the page there. Web addresses are not tried.",
  },
  HK8168: {
    title: "Documents that are stale",
    message: "{count} of the documents in {path} are not what the config says",
    help: "The config has changed since they were written. `hookrail docs` with the same options writes them anew; commit what it changes.",
  },
  HK8169: {
    title: "A file that can not be formatted",
    message: "{file} can not be formatted: {problem}",
    help: "The formatter touches only YAML that can be read, and writes nothing that would mean something else than before. `hookrail check` says what is wrong with the place of it.",
  },
  HK8170: {
    title: "Nothing to format",
    message: "no YAML file at {path}",
    help: "`hookrail fmt` takes files and folders; without any it formats config.yaml, pipelines/ and plugins/ of the installation.",
  },
  HK8171: {
    title: "Nothing of that name to start with",
    message: "there is no {what} `{name}`",
    help: "`hookrail plugins` lists the providers and sinks that there are.",
  },
} as const satisfies ErrorEntries;
