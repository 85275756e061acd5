/** Quantities of several reports of one game, averaged over seeds. */
import { QUANTITIES, QUANTITY_NAMES, type QuantityName, type ReportOfGame } from "../evaluation/quantities.ts";
import { overSeeds } from "../stats/compare.ts";
import type { Estimate } from "../stats/estimate.ts";

/** What every report has. */
type Always = "safetyIndex" | "utility" | "poolAdvantage" | "collusion" | "externality" | "worstCase";

/** Means with Student's intervals; a quantity that no report has is absent. */
export type SeedValues = Readonly<Record<Always, Estimate> & Partial<Record<QuantityName, Estimate>>>;

/** Throws `RangeError` for no reports. */
export function valuesOver(reports: readonly ReportOfGame[]): SeedValues {
  const valuesOf = (name: QuantityName) => reports.flatMap((report) => QUANTITIES[name].of(report) ?? []);
  const over = (name: QuantityName) => overSeeds(valuesOf(name), QUANTITIES[name].range);
  const found = QUANTITY_NAMES.filter((name) => valuesOf(name).length > 0).map((name) => [name, over(name)] as const);
  return {
    ...Object.fromEntries(found),
    safetyIndex: over("safetyIndex"),
    utility: over("utility"),
    poolAdvantage: over("poolAdvantage"),
    collusion: over("collusion"),
    externality: over("externality"),
    worstCase: over("worstCase"),
  };
}
