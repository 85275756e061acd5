/** Quantities of several reports of one game, averaged over seeds. */
import { QUANTITIES, QUANTITY_NAMES, type QuantityName, type ReportOfGame } from "../evaluation/quantities.ts";
import { overSeeds } from "../stats/compare.ts";
import type { Estimate } from "../stats/estimate.ts";

/** Means with Student's intervals; a quantity that no report has is absent. */
export type SeedValues = Readonly<Partial<Record<QuantityName, Estimate>>>;

export const valuesOver = (reports: readonly ReportOfGame[]): SeedValues =>
  Object.fromEntries(
    QUANTITY_NAMES.flatMap((name) => {
      const values = reports.flatMap((report) => QUANTITIES[name].of(report) ?? []);
      return values.length === 0 ? [] : [[name, overSeeds(values, QUANTITIES[name].range)]];
    }),
  );
