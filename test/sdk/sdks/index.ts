/** All SDKs that sign and judge. */
import type { Sdk } from "../sdk.ts";
import { bodySdks } from "./body.ts";
import { keySdks } from "./keys.ts";
import { otherSdks } from "./others.ts";
import { standardSdks } from "./standard.ts";
import { timedSdks } from "./timed.ts";
import { urlSdks } from "./url.ts";

export const sdks: readonly Sdk[] = [...standardSdks, ...bodySdks, ...timedSdks, ...urlSdks, ...keySdks, ...otherSdks];
