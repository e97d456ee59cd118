/** A terminal that is drawn on as a whole, from the process's two streams. */
import type { ReadStream, WriteStream } from "node:tty";
import type { Screen } from "./top.ts";

/** Undefined where there is no terminal on both sides: then there are no keys, or nobody who sees. */
export function createScreen(input: ReadStream, output: WriteStream): Screen | undefined {
  if (input.isTTY !== true || output.isTTY !== true) return undefined;
  input.setRawMode(true);
  input.setEncoding("utf8");
  const listeners: (() => void)[] = [];
  return {
    size: () => ({ columns: output.columns, rows: output.rows }),
    write: (text) => void output.write(text),
    onKey(handler) {
      // Keys that are typed fast come as one piece.
      const hear = (text: string) => [...text].forEach((key) => void handler(key));
      input.on("data", hear);
      listeners.push(() => input.off("data", hear));
    },
    onResize(handler) {
      output.on("resize", handler);
      listeners.push(() => output.off("resize", handler));
    },
    close() {
      for (const end of listeners) end();
      input.setRawMode(false);
      input.pause();
    },
  };
}
