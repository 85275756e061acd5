/** The credit estimators judged against the exact gradient of J, with the tabular engine. */
import { TabularEngine } from "../engines/tabular/engine.ts";
import { type CreditOptions, SAMPLED_CREDITS, type SampledCredit, measuredGaps } from "../objective/credit.ts";
import { type Roster } from "../opponents/index.ts";
import { tableEncoding, tableVocabulary } from "../play/encoding.ts";
import { modelPlayer } from "../play/players/model.ts";
import { foldIn, normal, seedKey } from "../random.ts";
import { abstractViews } from "../solvers/walk.ts";
import { type Vector, cosine, creditGradient, exactObjective, gradientOf, norm } from "./audit.ts";
import { auditExpected } from "../training/advantages.ts";
import { hasExactIndex } from "../solvers/optimum.ts";
import { rollout } from "../training/rollout.ts";

export interface EstimatorRow {
  readonly name: string;
  /** Cosine of the averaged estimate with the exact gradient of J. */
  readonly cosine: number;
  readonly norm: number;
  /**
   * sum of (mean / standard error)^2 over parameters that vary, divided by their number: near 1 when the expectation is zero,
   * far above it otherwise.
   */
  readonly significance: number;
}

/** Logits per abstract key used when judging: a policy in the interior, where every term of J has a slope. */
export function startingLogits({ game }: Roster): ReadonlyMap<string, number[]> {
  const views = abstractViews(game, [0]);
  const cooperate = new Map([
    ["start", 2],
    ["CC", 2.2],
    ["CD", 0.5],
    ["DC", 1],
    ["DD", 0.2],
  ]);
  return new Map(
    [...views].map(([key, view]) => {
      const first = cooperate.get(key) ?? 0.5 * normal(foldIn(seedKey(1), key));
      return [key, game.legal(view).map((_, j) => (j === 0 ? first : 0))];
    }),
  );
}

const HARMS = ["exploitability", "collusion", "externality"] as const;

/** Averages every estimator over `batches` rollouts of G episodes per opponent at one fixed policy. */
export async function judgeEstimators(
  roster: Roster,
  batches: number,
  { groupSize = 8, seed = 0 } = {},
): Promise<EstimatorRow[]> {
  const { game } = roster;
  const vocabulary = tableVocabulary([game]);
  const encoding = tableEncoding(vocabulary);
  const logits = startingLogits(roster);
  const keyOf = (path: string): string => path.slice(game.facts.name.length + 1);
  const rows = vocabulary.keys.map((key) => logits.get(keyOf(key)) ?? []);
  const engine = new TabularEngine({ rows: vocabulary.rows, vocabularySize: encoding.vocabularySize, logits: rows });
  const sampling = { temperature: 1, maxTokens: 1, stop: encoding.stop };
  const agent = modelPlayer("agent", { sampler: engine, encoding, sampling });
  const { gradient } = exactObjective(roster, { key: (view) => game.abstraction(view), logits });
  const exact = vocabulary.keys.flatMap((key, i) => gradient.get(keyOf(key)) ?? rows[i].map(() => 0));

  const estimators: readonly (readonly [string, CreditOptions])[] = [
    ...SAMPLED_CREDITS.map((credit: SampledCredit) => [credit, { credit }] as const),
    ["paper, penalty part alone", { credit: "paper", terms: HARMS }],
    ["objective, harms alone", { terms: HARMS }],
    ["objective, own round only", { returns: "round" }],
  ];
  const samples = estimators.map((): Vector[] => []);
  const hinged: Vector[] = [];
  const expected: Vector[] = [];
  let gaps = new Map<string, number>();
  for (let batch = 0; batch < batches; batch++) {
    const groups = await rollout([roster], agent, foldIn(seedKey(seed), "estimators", batch), { scenarios: 1, groupSize });
    for (const [i, [, options]] of estimators.entries()) {
      const running = options.credit === undefined || options.credit === "objective" ? { gaps } : {};
      samples[i].push(await creditGradient(engine, groups, 1, { ...options, ...running }));
    }
    hinged.push(await creditGradient(engine, groups, 1));
    if (hasExactIndex(game.facts)) expected.push(await gradientOf(engine, auditExpected(roster, groups, gaps), 1));
    const before = gaps;
    gaps = new Map(
      [...measuredGaps(groups)].map(([name, gap]) => [name, ((before.get(name) ?? 0) * batch + gap) / (batch + 1)]),
    );
  }
  return [
    ...estimators.map(([name], i) => describe(name, samples[i], exact)),
    describe("objective, hinge from the group alone", hinged, exact),
    ...(expected.length === 0 ? [] : [describe("expected", expected, exact)]),
  ];
}

function describe(name: string, samples: readonly Vector[], exact: Vector): EstimatorRow {
  const n = samples.length;
  const means = exact.map((_, j) => samples.reduce((sum, sample) => sum + sample[j], 0) / n);
  const scores = means.flatMap((centre, j) => {
    const spread = samples.reduce((sum, sample) => sum + (sample[j] - centre) ** 2, 0) / (n - 1);
    return spread > 1e-18 ? [(centre * centre * n) / spread] : [];
  });
  const significance = scores.length === 0 ? 0 : scores.reduce((a, b) => a + b, 0) / scores.length;
  return { name, cosine: cosine(means, exact), norm: norm(means), significance };
}
