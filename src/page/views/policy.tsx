/** What it does, beside what theory says. */
import { useMemo, useState } from "preact/hooks";
import type { ViewData, ViewGame } from "../../report/view/data.ts";
import { policyChart } from "../charts/policy.ts";
import { ChartView } from "./chart-view.tsx";

export function PolicyView({ data, game }: { readonly data: ViewData; readonly game: ViewGame }) {
  const [all, setAll] = useState(false);
  const chart = useMemo(() => policyChart(data, game, { all }), [data, game, all]);
  if (chart === undefined) return null;
  const partial = chart.caption.includes(" keys are drawn");
  return (
    <section id="policy">
      <h2>What does it do?</h2>
      {(partial || all) && (
        <div class="choice">
          <button type="button" aria-pressed={all} onClick={() => setAll(!all)}>
            every information key
          </button>
        </div>
      )}
      <ChartView chart={chart} />
    </section>
  );
}
