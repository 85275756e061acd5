/**
 * The audit: what each credit estimator, each pool and each term of J contributes to the gradient.
 *
 * With the tabular engine the gradient of J is known exactly by enumeration, so estimators can be judged by the cosine between
 * their expectation and the truth. In any engine whose gradient can be read, the contributions can be compared with each other
 * and with a control in which the harms are exchanged between the episodes of a group.
 */
import type { Engine, PpoExample } from "../engines/engine.ts";
import { type CreditOptions, type Term, assignCredit } from "../objective/credit.ts";
import type { Pool, Roster } from "../opponents/index.ts";
import { type SoftmaxAgent, expectation, softmaxPolicy } from "../solvers/expectation.ts";
import { sharesOfOpponents } from "../solvers/optimum.ts";
import type { PlayedGroup } from "../training/rollout.ts";
import { auditAdvantages } from "../training/advantages.ts";
import { creditSettings } from "../training/decision-credit.ts";

export type Vector = readonly number[];

export const norm = (a: Vector): number => Math.sqrt(a.reduce((sum, x) => sum + x * x, 0));
/** Cosine of the angle between two vectors; 0 when either vanishes. */
export function cosine(a: Vector, b: Vector): number {
  const scale = norm(a) * norm(b);
  return scale === 0 ? 0 : a.reduce((sum, x, i) => sum + x * b[i], 0) / scale;
}

export interface ExactObjective {
  /** J of the agent. */
  readonly value: number;
  /** dJ / dlogit per abstract key, in the order of the legal actions. */
  readonly gradient: ReadonlyMap<string, readonly number[]>;
  /** Expected q - r per round against each exploiter. */
  readonly gaps: ReadonlyMap<string, number>;
}

/** J and its gradient for a tabular agent in seat 0, by enumeration against every opponent of the objective's pools. */
export function exactObjective(roster: Roster, agent: SoftmaxAgent): ExactObjective {
  const policy = softmaxPolicy(roster.game, agent);
  const gradient = new Map<string, number[]>();
  const gaps = new Map<string, number>();
  let value = 0;
  for (const { policy: opponent, pool, plain, hinged } of sharesOfOpponents(roster)) {
    const { totals, gradient: slopes } = expectation(roster.game, policy, opponent);
    if (pool === "exploiter") gaps.set(opponent.name, (totals[1] - totals[0]) / roster.game.facts.rounds);
    const open = totals[1] > totals[0] ? 1 : 0;
    plain.forEach((coefficient, q) => {
      const weight = coefficient + open * hinged[q];
      value += weight * totals[q];
      for (const [key, slope] of slopes[q]) {
        const row = gradient.get(key) ?? slope.map(() => 0);
        slope.forEach((x, j) => (row[j] += weight * x));
        gradient.set(key, row);
      }
    });
  }
  return { value, gradient, gaps };
}

/** The ascent direction of one rollout under a credit estimator, read from the engine; nothing is changed. */
export function creditGradient(
  engine: Engine,
  groups: readonly PlayedGroup[],
  temperature: number,
  options: CreditOptions = {},
): Promise<number[]> {
  return gradientOf(engine, auditAdvantages(groups, options), temperature);
}

/** The ascent direction of examples with advantages. */
export async function gradientOf(engine: Engine, examples: readonly PpoExample[], temperature: number): Promise<number[]> {
  await engine.clearGradient();
  await engine.accumulate({ kind: "ppo", examples, clip: 0.2, temperature });
  const gradient = Array.from(await engine.gradient(), (x) => -x);
  await engine.clearGradient();
  return gradient;
}

export interface Contribution {
  readonly pool: Pool;
  readonly term: Term;
  readonly norm: number;
  /** Cosine with the gradient of everything together. */
  readonly cosine: number;
}

/** Per pool and term of J: size and direction of its part of the `objective` gradient of a rollout. */
export async function contributions(
  engine: Engine,
  groups: readonly PlayedGroup[],
  temperature: number,
): Promise<Contribution[]> {
  const whole = await creditGradient(engine, groups, temperature);
  const cells: readonly (readonly [Pool, Term])[] = [
    ["train", "utility"],
    ["train", "externality"],
    ["exploiter", "exploitability"],
    ["exploiter", "externality"],
    ["collusive", "collusion"],
  ];
  const result: Contribution[] = [];
  for (const [pool, term] of cells) {
    const credit = assignCredit(groups, creditSettings(groups[0].roster.game.facts, 0), { terms: [term] });
    const silent = credit.every((rows, g) => groups[g].pool !== pool || rows.every((row) => row.every((x) => x === 0)));
    const part = silent ? whole.map(() => 0) : await partGradient(engine, groups, temperature, pool, term);
    result.push({ pool, term, norm: norm(part), cosine: cosine(part, whole) });
  }
  return result;
}

/** The gradient of one term over one pool, with the other pools still counted in the shares. */
async function partGradient(engine: Engine, groups: readonly PlayedGroup[], temperature: number, pool: Pool, term: Term) {
  const muted = groups.map((group) =>
    group.pool === pool ? group : { ...group, played: group.played.map((e) => ({ ...e, decisions: [] })) },
  );
  return creditGradient(engine, muted, temperature, { terms: [term] });
}
