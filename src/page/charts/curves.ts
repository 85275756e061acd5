/** Quantities of training over its steps, stage after stage, a panel for each. */
import * as Plot from "@observablehq/plot";
import type { Curve, ViewData, ViewGame, ViewRun } from "../../report/view/data.ts";
import { QUANTITIES } from "../../report/view/quantities.ts";
import { agentColour, colour } from "../theme.ts";
import { type Chart, type DrawOptions, type Panel, panels, plot, withLegend } from "./chart.ts";
import { seedsOf, shownValue } from "./format.ts";

/** Metrics of a game, with the quantity of an evaluation that they estimate. */
const OF_GAME = [
  { metric: "safety_index", title: "safety index J", quantity: "safetyIndex" },
  { metric: "utility", title: "utility u", quantity: "utility" },
  { metric: "pool_advantage", title: "pool advantage e", quantity: "poolAdvantage" },
  { metric: "collusion", title: "collusion c", quantity: "collusion" },
  { metric: "externality", title: "externality x", quantity: "externality" },
  { metric: "failure_rate", title: "unreadable replies", quantity: "unreadableRate" },
] as const satisfies readonly { metric: string; title: string; quantity: (typeof QUANTITIES)[number]["name"] }[];

/** Metrics of training itself, for readers; others are drawn under their own names. */
const TITLES: Readonly<Record<string, string>> = {
  loss: "loss, nats per token",
  kl: "KL to the SFT model, nats per token",
  entropy: "entropy, nats per token",
  grad_norm: "norm of the gradient",
  learning_rate: "learning rate",
  reward_std: "deviation of advantages",
  frac_reward_zero_std: "decisions without a signal",
  "clip_ratio/region_mean": "tokens clipped",
  "logprob_gap/kl": "sampling against training, nats",
  "logprob_gap/max": "largest such gap, nats",
};

/** What no reader looks at as a curve unless it moves. */
const DULL = new Set(["num_tokens", "num_examples"]);

interface Point {
  readonly run: number;
  readonly x: number;
  readonly mean: number;
  readonly least: number;
  readonly most: number;
}

interface Line {
  readonly run: number;
  readonly points: readonly Point[];
}

/** Curves of J and its terms in a game; undefined where no run has any. */
export function termCurves(data: ViewData, game: ViewGame): Chart | undefined {
  const present = OF_GAME.filter(({ metric }) => hasCurve(data, `${game.name}/${metric}`));
  if (present.length === 0) return undefined;
  return chartOf(
    data,
    present.map(({ metric, title, quantity }) => ({
      title,
      name: `${game.name}/${metric}`,
      marks: data.agents.flatMap(({ run, stage, games }, i) => {
        const found = games.find((own) => own.game === game.name)?.quantities[quantity];
        if (found === undefined || stage === undefined) return [];
        const { value, low, high } = found;
        return [
          {
            run,
            agent: i,
            x: endOf(data.runs[run], stage) - startOf(data.runs[run], "sepo"),
            value,
            low: low ?? value,
            high: high ?? value,
          },
        ];
      }),
    })),
    {
      id: "curves",
      apart: true,
      title: `${game.title}: J and its terms while training`,
      caption:
        `By SEPO step: lines are rollouts, pale bands the least and greatest of neighbouring steps; ` +
        `dots with 95% whiskers are evaluations at the end of a stage, with many more episodes. ${seedsCaption(data)}`,
    },
  );
}

/** Curves of training that belong to no game. */
export function trainingCurves(data: ViewData): Chart | undefined {
  const names = [...new Set(data.runs.flatMap(({ curves }) => curves.map(({ name }) => name)))].filter(
    (name) =>
      !/\/(safety_index|utility|pool_advantage|collusion|externality|failure_rate)$/.test(name) &&
      !DULL.has(name) &&
      moves(data, name),
  );
  if (names.length === 0) return undefined;
  const order = Object.keys(TITLES);
  const rank = (name: string): number => (order.includes(name) ? order.indexOf(name) : order.length);
  return chartOf(
    data,
    names.toSorted((a, b) => rank(a) - rank(b)).map((name) => ({ title: TITLES[name] ?? name, name, marks: [] })),
    {
      id: "training",
      apart: false,
      title: "Training",
      caption: `Every quantity of metrics.jsonl that changed, by step; stages follow each other. docs/metrics.md defines them. ${seedsCaption(data)}`,
    },
  );
}

const seedsCaption = (data: ViewData): string => {
  const seeds = seedsOf(data);
  const runs = data.runs.filter(({ curves }) => curves.length > 0).length;
  return `${runs === 1 ? "One run" : `${runs} runs, one colour each`}${seeds === "" ? "" : `, ${seeds}`}.`;
};

const hasCurve = ({ runs }: ViewData, name: string): boolean =>
  runs.some(({ curves }) => curves.some((curve) => curve.name === name));

const moves = ({ runs }: ViewData, name: string): boolean =>
  runs.some(({ curves }) => curves.some((curve) => curve.name === name && new Set([...curve.least, ...curve.most]).size > 1));

type Mark = Wanted["marks"][number];

interface Wanted {
  readonly title: string;
  readonly name: string;
  /** Evaluations, at steps of the SEPO stage. */
  readonly marks: readonly {
    readonly run: number;
    readonly agent: number;
    readonly x: number;
    readonly value: number;
    readonly low: number;
    readonly high: number;
  }[];
}

/** Where a stage begins on the common axis: stages follow each other. */
function startOf({ stages }: ViewRun, stage: string): number {
  let before = 0;
  for (const one of stages) {
    if (one.stage === stage) return before;
    before += one.steps;
  }
  return before;
}
const endOf = (run: ViewRun, stage: string): number =>
  startOf(run, stage) + (run.stages.find((one) => one.stage === stage)?.steps ?? 0);

const pointsOf = (run: number, curve: Curve, from: number): Point[] =>
  curve.steps.map((step, i) => ({
    run,
    x: from + step,
    mean: curve.mean[i],
    least: curve.least[i],
    most: curve.most[i],
  }));

/** `apart`: steps count from the beginning of each stage, not of the run. */
function linesOf({ runs }: ViewData, name: string, apart: boolean): Line[] {
  return runs.flatMap((run, index) =>
    run.curves
      .filter((curve) => curve.name === name)
      .map((curve) => ({ run: index, points: pointsOf(index, curve, apart ? 0 : startOf(run, curve.stage)) })),
  );
}

function chartOf(
  data: ViewData,
  wanted: readonly Wanted[],
  { id, title, caption, apart }: Pick<Chart, "id" | "title" | "caption"> & { readonly apart: boolean },
): Chart {
  return {
    id,
    title,
    caption,
    table: {
      title,
      head: ["run", "stage", "quantity", "first", "last", "least", "greatest"],
      rows: data.runs.flatMap((run) =>
        wanted.flatMap((one) =>
          run.curves
            .filter(({ name }) => name === one.name)
            .map(({ stage, mean, least, most }) => [
              run.name,
              stage,
              one.title,
              ...[mean[0], mean[mean.length - 1], Math.min(...least), Math.max(...most)].map((value) => shownValue(value)),
            ]),
        ),
      ),
    },
    draw(options) {
      const picture = panels(
        options,
        wanted.map(({ title: panel, name, marks }): Panel => ({
          title: panel,
          draw: (own) => lines(own, data, linesOf(data, name, apart), apart ? marks : undefined),
        })),
        { least: 260, most: 3 },
      );
      const runs = data.runs.flatMap(({ name, curves }, i) => (curves.length === 0 ? [] : [{ name, colour: agentColour(i) }]));
      return runs.length < 2 ? picture : withLegend(options, runs, picture);
    },
  };
}

function lines(options: DrawOptions, data: ViewData, all: readonly Line[], marks: Wanted["marks"] | undefined): SVGSVGElement {
  const single = data.runs.length === 1;
  const colourOf = (run: number): string => agentColour(single ? 2 : run);
  const shown = new Set(all.flatMap(({ points }) => points.map(({ x }) => x)));
  const from = Math.min(...shown);
  const to = Math.max(...shown);
  const near = (marks ?? []).filter(({ x }) => x >= from - 1);
  // Where stages follow each other, each begins at a line with its name.
  const borders = (marks === undefined ? data.runs : [])
    .flatMap((run) => run.stages.map(({ stage }) => ({ stage, x: startOf(run, stage) })))
    .filter(({ x }, i, list) => x > from && x < to && list.findIndex((one) => one.x === x) === i);
  return plot(options, {
    height: 130,
    marginLeft: 40,
    marginRight: 8,
    marginTop: 8,
    marginBottom: 20,
    x: { label: null, domain: [Math.min(from, ...near.map(({ x }) => x)), Math.max(to, ...near.map(({ x }) => x))] },
    y: { label: null, nice: true, zero: false },
    marks: [
      Plot.axisX({ ticks: 4, tickSize: 0, label: null, color: colour("muted"), fontSize: 11 }),
      Plot.axisY({ ticks: 4, tickSize: 0, label: null, color: colour("muted"), fontSize: 11 }),
      Plot.gridY({ ticks: 4, stroke: colour("rule"), strokeOpacity: 1 }),
      Plot.ruleX(borders, { x: "x", stroke: colour("faint"), strokeDasharray: "2 3" }),
      Plot.text(borders, {
        x: "x",
        text: "stage",
        frameAnchor: "top",
        textAnchor: "start",
        dx: 3,
        dy: 2,
        fill: colour("muted"),
        fontSize: 11,
      }),
      ...all.flatMap(({ run, points }) => [
        Plot.areaY(points, { x: "x", y1: "least", y2: "most", fill: colourOf(run), fillOpacity: single ? 0.14 : 0.08 }),
        Plot.lineY(points, { x: "x", y: "mean", stroke: colourOf(run), strokeWidth: single ? 1.4 : 1 }),
      ]),
      Plot.ruleX(near, {
        x: "x",
        y1: "low",
        y2: "high",
        stroke: ({ agent, run }: Mark) => (single ? agentColour(agent) : agentColour(run)),
        strokeWidth: 2,
      }),
      Plot.dot(near, {
        x: "x",
        y: "value",
        fill: ({ agent, run }: Mark) => (single ? agentColour(agent) : agentColour(run)),
        r: 4,
      }),
    ],
  });
}
