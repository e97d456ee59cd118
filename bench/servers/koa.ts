/** Koa with the raw body and the same verification, and no store: what the framework alone costs. */
import type { AddressInfo } from "node:net";
import Koa from "koa";
import getRawBody from "raw-body";
import { announce, isSigned } from "./verify.ts";

const app = new Koa();
app.use(async (ctx) => {
  const body = await getRawBody(ctx.req, { limit: 1_048_576, length: ctx.req.headers["content-length"] ?? null });
  const signed = isSigned(ctx.get("stripe-signature"), body);
  ctx.status = signed ? 202 : 401;
  ctx.body = signed ? { status: "accepted" } : {};
});
const server = app.listen(0, "127.0.0.1", () => announce((server.address() as AddressInfo).port));
process.on("SIGTERM", () => process.exit(0));
