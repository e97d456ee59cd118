/** Puts together what an opened sink may use. */
import type { SinkContext } from "../plugin/index.ts";
import { openPreset } from "./open-preset.ts";

/** All of the context but the preset interpreter, which this room brings. */
export type SinkServices = Omit<SinkContext, "openPreset">;

/** The context of one connection. */
export function createSinkContext(services: SinkServices): SinkContext {
  const context: SinkContext = {
    ...services,
    openPreset: (preset, settings) => openPreset(preset, settings, context),
  };
  return context;
}
