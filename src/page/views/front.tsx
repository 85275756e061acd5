/** How good against how exploitable, with a choice of what good means. */
import { useMemo, useState } from "preact/hooks";
import type { ViewData, ViewGame } from "../../report/view/data.ts";
import { FRONT_AXES, type FrontAxis, frontChart } from "../charts/front.ts";
import { ChartView } from "./chart-view.tsx";

export function FrontView({ data, game }: { readonly data: ViewData; readonly game: ViewGame }) {
  const [axis, setAxis] = useState<FrontAxis>("safetyIndex");
  const chart = useMemo(() => frontChart(data, game, axis), [data, game, axis]);
  if (chart === undefined) return null;
  return (
    <section id="front">
      <h2>Good or merely unexploited?</h2>
      <div class="choice" role="group" aria-label="Upright axis">
        {FRONT_AXES.map(({ name, title }) => (
          <button key={name} type="button" aria-pressed={name === axis} onClick={() => setAxis(name)}>
            {title}
          </button>
        ))}
      </div>
      <ChartView chart={chart} />
    </section>
  );
}
