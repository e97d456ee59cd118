/** The hooks listener: hook requests go straight to the core, in front of Koa; all else is Koa's (docs/adr/0003). */
import Koa from "koa";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { BodyBudget } from "./body-budget.ts";
import { createHooksHandler, type HandleHook, type Intake } from "./hooks.ts";
import type { ReadRemote } from "./remote.ts";
import { createListener, type Listener, type ServerLimits, type TlsTexts } from "./server.ts";

export interface HooksListenerOptions {
  readonly intake: Intake;
  readonly clock: Clock;
  readonly log: Log;
  readonly requestId: () => string;
  readonly readRemote?: ReadRemote;
  readonly budget?: BodyBudget;
  readonly limits?: Partial<ServerLimits>;
  readonly tls?: TlsTexts;
  /** `koa`: hooks pass through Koa too. Kept so that one test suite and the bench can compare. */
  readonly hooks?: "in_front" | "koa";
}

/** Koa with the hooks core as its last middleware, answering on the raw response. */
export function createHooksApp(handler: HandleHook): Koa {
  const app = new Koa();
  app.silent = true;
  app.use(async (ctx) => {
    ctx.respond = false;
    await handler(ctx.req, ctx.res);
  });
  return app;
}

/** Builds the listener; nothing is bound before its `listen`. */
export function createHooksListener(options: HooksListenerOptions): Listener {
  const { intake } = options;
  const { handle: handler, refuse } = createHooksHandler({ ...options, draining: () => listener.draining });
  const koa = createHooksApp(handler).callback();
  const isHook = (target: string) => {
    const mark = target.indexOf("?");
    return intake.limitFor(mark < 0 ? target : target.slice(0, mark)) !== undefined;
  };
  const listener: Listener = createListener({
    handler: (req, res) => {
      if (options.hooks !== "koa" && isHook(req.url ?? "/")) void handler(req, res);
      else void koa(req, res);
    },
    requestId: options.requestId,
    log: options.log,
    refuse,
    ...(options.limits && { limits: options.limits }),
    ...(options.tls && { tls: options.tls }),
  });
  return listener;
}
