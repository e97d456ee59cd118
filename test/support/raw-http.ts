/** Speaks HTTP byte by byte, for requests no client library would send. */
import { connect } from "node:net";

export interface RawAnswer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
  /** All that came, both of several answers where there were several. */
  readonly text: string;
}

/** Sends the pieces one after the other and collects what comes back until the peer closes, or `until` matches. */
export function rawExchange(options: {
  readonly port: number;
  readonly send: readonly (string | Uint8Array)[];
  readonly until?: RegExp;
  /** Asked before the next piece goes out: the text so far. */
  readonly between?: (text: string) => boolean;
}): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port: options.port, host: "127.0.0.1" });
    const pieces = [...options.send];
    let text = "";
    const next = () => {
      if (options.between !== undefined && text === "" && pieces.length < options.send.length && !options.between(text))
        return;
      const piece = pieces.shift();
      if (piece !== undefined) socket.write(piece, () => (options.between === undefined ? next() : undefined));
    };
    const finish = () => {
      socket.destroy();
      const at = text.lastIndexOf("HTTP/1.1 ");
      const last = text.slice(Math.max(0, at));
      const [head = "", ...rest] = last.split("\r\n\r\n");
      resolve({ status: Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1] ?? 0), head, body: rest.join("\r\n\r\n"), text });
    };
    socket.on("connect", next);
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      if (options.until?.test(text)) finish();
      else if (options.between !== undefined) next();
    });
    socket.on("end", finish);
    socket.on("close", finish);
    socket.on("error", (error) => (text === "" ? reject(error) : finish()));
  });
}
