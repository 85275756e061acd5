/** Quantities of several reports of one game, averaged over seeds. */
import { QUANTITIES, QUANTITY_NAMES, type QuantityName, type ReportOfGame } from "../evaluation/quantities.ts";
import { overSeeds } from "../stats/compare.ts";
import type { Estimate } from "../stats/estimate.ts";

/** What every report has. */
type Always = "safetyIndex" | "utility" | "poolAdvantage" | "collusion" | "externality" | "worstCase";

/** Means with Student's intervals over seeds, or of one report with its own; a quantity that no report has is absent. */
export type SeedValues = Readonly<Record<Always, Estimate> & Partial<Record<QuantityName, Estimate>>>;

/** Throws `RangeError` for no reports. */
export function valuesOver(reports: readonly ReportOfGame[]): SeedValues {
  const valuesOf = (name: QuantityName) => reports.flatMap((report) => QUANTITIES[name].of(report) ?? []);
  return valuesBy(
    (name) => overSeeds(valuesOf(name), QUANTITIES[name].range),
    (name) => valuesOf(name).length > 0,
  );
}

/** The values of one report, each with the interval that the report has for it, and with unknown ends where it has none. */
export function valuesOf(report: ReportOfGame): SeedValues {
  const value = (name: QuantityName): number | undefined => QUANTITIES[name].of(report);
  return valuesBy(
    (name) => QUANTITIES[name].estimate?.(report) ?? overSeeds([value(name)!]),
    (name) => value(name) !== undefined,
  );
}

function valuesBy(over: (name: QuantityName) => Estimate, has: (name: QuantityName) => boolean): SeedValues {
  const found = QUANTITY_NAMES.filter(has).map((name) => [name, over(name)] as const);
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
