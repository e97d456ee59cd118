/** Where traces and metrics go, as the config says it. */
import type { ErrorEntries } from "../errors.ts";

/** 1295-1299: `otel` and `log`. */
export const configTelemetryErrors = {
  HK1295: {
    title: "An OTLP endpoint that can't be used",
    message: "the `endpoint` of `otel` can't be used: {problem}",
    help: "It is the base address of an OpenTelemetry collector that takes OTLP over HTTP, usually port 4318. Port 4317 speaks gRPC, which is not spoken here.",
    wrong: "otel: { endpoint: grpc://collector:4317 }",
    right: "otel: { endpoint: http://127.0.0.1:4318 }",
  },
  HK1296: {
    title: "A header that can't be sent",
    message: "{header} under `otel.headers` can't be sent: names are plain tokens, values one line of printable ASCII",
    help: "Most often a value read from a file has a line break inside, or the name has a colon at its end.",
    wrong: 'headers: { "authorization:": "${OTLP_AUTH}" }',
    right: 'headers: { authorization: "${OTLP_AUTH}" }',
  },
  HK1297: {
    title: "A key for hashes that is too short",
    message: "`hash_key` of `log` is shorter than {shortest} characters",
    help: "The hashes stand for personal values such as e-mail addresses. Whoever finds the key can try names until one fits, and a short key can be found by trying. Take one from `openssl rand -hex 32`.",
    wrong: "log: { hash_key: pepper }",
    right: 'log: { hash_key: "${LOG_HASH_KEY}" }',
  },
} as const satisfies ErrorEntries;
