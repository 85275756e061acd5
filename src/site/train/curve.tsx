/** A curve over steps. */
import * as Plot from "@observablehq/plot";
import { useEffect, useRef } from "preact/hooks";

export interface Point {
  readonly step: number;
  readonly value: number;
}

interface Props {
  readonly title: string;
  readonly label: string;
  readonly steps: number;
  readonly line: readonly Point[];
  /** Noisy estimates beside the line. */
  readonly dots?: readonly Point[];
  readonly landmark?: { readonly value: number; readonly name: string } | undefined;
  readonly height?: number;
}

/** The line and the landmark with room around them; estimates beyond it are left out. */
function domainOf(values: readonly number[]): readonly [number, number] {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const room = Math.max(0.05, (most - least) * 0.15);
  return [least < 0 ? least - room : 0, most + room];
}

export function Curve({ title, label, steps, line, dots = [], landmark, height = 150 }: Props) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const draw = () => {
      const holder = place.current;
      if (holder === null) return;
      const chart = Plot.plot({
        width: Math.max(240, holder.clientWidth),
        height,
        marginLeft: 44,
        marginRight: 16,
        marginTop: 14,
        style: { background: "none", fontSize: "12px", fontFamily: "inherit" },
        x: { domain: [0, steps], label: null, ticks: Math.min(steps, 5), tickFormat: "d" },
        y: {
          label: null,
          grid: true,
          ticks: 4,
          tickFormat: "~g",
          domain: domainOf([...line.map(({ value }) => value), ...(landmark === undefined ? [] : [landmark.value])]),
        },
        marks: [
          Plot.ruleY([0], { stroke: "var(--line)" }),
          ...(landmark === undefined
            ? []
            : [
                Plot.ruleY([landmark.value], { stroke: "var(--good)", strokeDasharray: "4 3" }),
                Plot.text([landmark], { x: steps, y: "value", text: "name", dy: -7, textAnchor: "end", fill: "var(--good)" }),
              ]),
          Plot.dot(dots, { x: "step", y: "value", r: 2.5, fill: "var(--quiet)", fillOpacity: 0.6, clip: true }),
          Plot.lineY(line, { x: "step", y: "value", stroke: "var(--you)", strokeWidth: 2 }),
          Plot.dot(line.slice(-1), { x: "step", y: "value", r: 3.5, fill: "var(--you)" }),
        ],
      });
      chart.setAttribute("role", "img");
      chart.setAttribute("aria-label", `${title}: ${label}`);
      holder.replaceChildren(chart);
    };
    draw();
    window.addEventListener("resize", draw);
    return () => window.removeEventListener("resize", draw);
  }, [title, label, steps, line, dots, landmark, height]);
  return (
    <figure>
      <figcaption>
        <b>{title}</b> <span class="quiet">{label}</span>
      </figcaption>
      <div ref={place} style={{ minHeight: `${height}px` }} />
    </figure>
  );
}
