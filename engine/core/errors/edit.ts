import type { ErrorEntries } from "../errors.ts";

/** 8250 to 8259: corrections of dead letters. */
export const editErrors = {
  HK8250: {
    title: "No editor to open the body in",
    message: "{problem}",
    help: "Set VISUAL or EDITOR to your editor (`EDITOR=nano`, `VISUAL='code --wait'`), or write the corrected body to a file and give it with `--body FILE`. The body is opened in a folder that only you can read, which is removed afterwards.",
  },
  HK8251: {
    title: "Nothing was changed",
    message: "the body given for {id} says the same as the one that is there",
    help: "An edit that changes nothing would be a retry: `hookrail dead retry ID` does that. Spaces and the order of lines of JSON say nothing.",
  },
  HK8252: {
    title: "A corrected body that can not be taken",
    message: "the body given for {id} can not be taken: {problem}",
    help: "It has to be what the source itself would take: the same form (JSON, a form, XML), the same size at most, and of a batch the one event alone, as JSON. Nothing was changed.",
  },
  HK8253: {
    title: "A dead letter whose body can not be corrected",
    message: "{id} can not be edited: {problem}",
    help: "A body can be corrected while the dead letter is open and nothing made from it was sent. What was sent is frozen: `dead retry` repeats it, `dead discard` gives up. To do a whole event again use `replay`. Nothing was changed.",
  },
  HK8254: {
    title: "It would be a dead letter again",
    message: "with the body given {id} would be a dead letter again: {reason}",
    help: "Nothing was changed. Look at the rows that `dead edit` shows: what they read, and what they make of it. Where the mapping is wrong rather than the body, change the pipeline and retry.",
  },
  HK8255: {
    title: "The editor failed",
    message: "the editor {editor} ended with {how}; nothing was changed",
    help: "The editor has to stay open until the file is saved: `code --wait`, `subl -w`. What you had written is gone with its folder.",
  },
  HK8257: {
    title: "What could not be read has no pipeline to be tried in",
    message: "{id} could not be read when it came, so there is nothing yet that could be retried",
    help: "Give its body with `hookrail dead edit ID`: it gets its type and time from that, and then its turn in the pipelines that listen. Where the recipe or the source was wrong and has been mended, the body may be the one that came.",
  },
} as const satisfies ErrorEntries;
