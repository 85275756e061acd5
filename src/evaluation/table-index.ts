/** J of a measured table of action probabilities: no luck of cards or opponents is in it, only how well the table is known. */
import type { Policy } from "../games/index.ts";
import type { Roster } from "../opponents/index.ts";
import { type Key, foldIn } from "../random.ts";
import { exactJ } from "../solvers/optimum.ts";
import { quantile } from "../stats/bootstrap.ts";
import { type Estimate, Z95, estimate, variance } from "../stats/estimate.ts";
import { type PolicyRow, tablePolicy } from "./action-table.ts";
import { redrawnTable } from "./redrawn-table.ts";

const DRAWS = 50;

/**
 * J of the policy that plays the table, by enumeration: of the agent itself if it sees no more than the information key, otherwise of its
 * projection onto such policies. The interval is that of the table drawn again, the wider of its quantiles and of 1.96 of its deviations
 * (where a hinge of J is at its kink the draws lie on one side).
 */
export function tableIndex(roster: Roster, rows: readonly PolicyRow[], key: Key): Estimate {
  const value = (table: readonly PolicyRow[]): number => exactJ(roster, tablePolicy(roster.game, table));
  const draws = Array.from({ length: DRAWS }, (_, b) => value(redrawnTable(rows, foldIn(key, b)))).toSorted((a, b) => a - b);
  const point = value(rows);
  const reach = Z95 * Math.sqrt(variance(draws));
  return {
    ...estimate(point, reach / Z95, rows.length),
    low: Math.min(point - reach, quantile(draws, 0.025)),
    high: Math.max(point + reach, quantile(draws, 0.975)),
  };
}

/** The same of a policy that is known: there is nothing to measure. */
export const exactIndex = (roster: Roster, policy: Policy): Estimate => estimate(exactJ(roster, policy), 0, 1);
