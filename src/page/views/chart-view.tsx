/** A chart with its caption, its table and what a reader can take away. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Chart } from "../charts/chart.ts";
import { csvOf, save } from "../save.ts";
import { standAlone } from "../stand-alone.ts";
import { DataTable } from "./data-table.tsx";

/** Widths are rounded down to this, so that a window being dragged draws seldom. */
const GRAIN = 20;

export function ChartView({ chart, heading = true }: { readonly chart: Chart; readonly heading?: boolean }) {
  const frame = useRef<HTMLDivElement>(null);
  const width = useWidth(frame);
  const [tabled, setTabled] = useState(false);
  const picture = useMemo(() => (width === 0 ? undefined : chart.draw({ document, width })), [chart, width]);
  useEffect(() => {
    if (picture === undefined) return;
    // What holds links is more than one picture to those who cannot see it.
    picture.setAttribute("role", picture.querySelector("a") === null ? "img" : "group");
    picture.setAttribute("aria-label", `${chart.title}. ${chart.caption}`);
    frame.current?.replaceChildren(picture);
  }, [picture, chart]);
  return (
    <figure class="chart" data-chart={chart.id}>
      {heading && <h3>{chart.title}</h3>}
      <div class="picture" ref={frame} />
      <figcaption>
        <p>{chart.caption}</p>
        <p class="tools">
          <button type="button" aria-expanded={tabled} onClick={() => setTabled(!tabled)}>
            {tabled ? "Hide table" : "Show as table"}
          </button>
          <button type="button" onClick={() => save(`${chart.id}.csv`, csvOf(chart.table), "text/csv")}>
            CSV
          </button>
          <button
            type="button"
            onClick={() =>
              save(`${chart.id}.svg`, standAlone(chart.draw({ document, width: 720 }), chart.title), "image/svg+xml")
            }
          >
            SVG
          </button>
        </p>
      </figcaption>
      <div class={tabled ? "twin" : "twin for-readers"}>
        <DataTable table={chart.table} />
      </div>
    </figure>
  );
}

function useWidth(frame: { readonly current: HTMLDivElement | null }): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const element = frame.current;
    if (element === null) return;
    const measure = () => setWidth(Math.max(GRAIN, Math.floor(element.clientWidth / GRAIN) * GRAIN));
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
  }, [frame]);
  return width;
}
