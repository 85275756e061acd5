/** The engines by name. A new engine is a folder with a driver and a line here. */
import { z } from "zod";
import type { EngineDriver } from "./driver.ts";
import { embeddedDriver } from "./embedded/driver.ts";
import { tabularDriver } from "./tabular/driver.ts";
import { tinkerDriver } from "./tinker/driver.ts";

export const ENGINE_KINDS = ["embedded", "tabular", "tinker"] as const;
export type EngineKind = (typeof ENGINE_KINDS)[number];

const DRIVERS: Readonly<Record<EngineKind, EngineDriver>> = {
  embedded: embeddedDriver,
  tabular: tabularDriver,
  tinker: tinkerDriver,
};

export const driverOf = (kind: EngineKind): EngineDriver => DRIVERS[kind];

/** The section `engine` of a configuration; `kind` is "embedded" unless given. */
export const engineSchema = z.preprocess(
  (value) => (typeof value === "object" && value !== null && !("kind" in value) ? { kind: "embedded", ...value } : value),
  z.discriminatedUnion("kind", [embeddedDriver.settings, tabularDriver.settings, tinkerDriver.settings]),
);
