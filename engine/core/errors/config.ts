import type { ErrorEntries } from "../errors.ts";
import { configAccessErrors } from "./config-access.ts";
import { configAlertErrors } from "./config-alerts.ts";
import { configCheckErrors } from "./config-checks.ts";
import { configMeaningErrors } from "./config-meaning.ts";
import { configMovesErrors } from "./config-moves.ts";
import { configReuseErrors } from "./config-reuse.ts";
import { configServingErrors } from "./config-serving.ts";
import { configShapeErrors } from "./config-shape.ts";
import { configStateErrors } from "./config-states.ts";
import { configTelemetryErrors } from "./config-telemetry.ts";

/** 1xxx: 100x files and YAML, 101x shape, 102x variables, 103x expressions, 104x names, 106x and on meaning, 110x moves, 112x serving, 117x states, 130x alerts, 132x access. */
export const configErrors = {
  ...configShapeErrors,
  ...configMeaningErrors,
  ...configCheckErrors,
  ...configMovesErrors,
  ...configServingErrors,
  ...configStateErrors,
  ...configReuseErrors,
  ...configAccessErrors,
  ...configAlertErrors,
  ...configTelemetryErrors,
} as const satisfies ErrorEntries;
