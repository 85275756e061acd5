/** The model's action probabilities beside those of the reference policy. */
import type { PolicyRow } from "../../evaluation/action-table.ts";
import { type Game, type Policy, SEATS } from "../../games/index.ts";
import { abstractViews } from "../../solvers/walk.ts";
import { mean } from "../../stats/estimate.ts";
import { percent } from "../format.ts";
import { lastLine } from "../play/history.tsx";

interface Props {
  readonly game: Game;
  readonly reference: Policy;
  readonly rows: readonly PolicyRow[];
}

export function PolicyTable({ game, reference, rows }: Props) {
  const views = abstractViews(game, SEATS);
  return (
    <table class="policy">
      <caption>
        The policy beside theory <span class="quiet">bar: the model; mark: {reference.name}, the reference of this game</span>
      </caption>
      <tbody>
        {rows.map((row) => {
          const theory = new Map(reference.act(views.get(row.key)));
          // With two actions one of them says all.
          const actions = row.actions.length === 2 ? row.actions.slice(0, 1) : row.actions;
          return actions.map((action, i) => {
            const p = mean(row.samples.map((sample) => sample[row.actions.indexOf(action)]));
            const reference = theory.get(action) ?? 0;
            return (
              <tr key={`${row.key} ${action}`}>
                {i === 0 && (
                  <th scope="row" rowSpan={actions.length}>
                    {titleOf(game, row.key, views.get(row.key))}
                  </th>
                )}
                <td>{action}</td>
                <td class="bar" title={`model ${percent(p)}, reference ${percent(reference)}`}>
                  <span style={{ width: `${100 * p}%` }} />
                  <i style={{ left: `${100 * reference}%` }} />
                </td>
                <td class="number">{percent(p)}</td>
              </tr>
            );
          });
        })}
      </tbody>
    </table>
  );
}

/** A position in words: what its player is told but for the question, or the key of the table. */
function titleOf(game: Game, key: string, view: unknown): string {
  const told = lastLine(game, view).split(/(?<=[.?!]) /);
  if (told.length > 1) return told.slice(0, -1).join(" ");
  return key === "start" ? "first" : `after ${key}`;
}
