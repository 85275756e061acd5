/**
 * How often the intervals of J and its parts hold, by simulation. Run with
 * `npm run build && npx tsc --outDir dist/bench && node dist/bench/bench/coverage.js`; SEEDS sets the seeds per cell of up to 100 episodes
 * (a quarter of them for more), EPISODES a list of episodes per opponent, ONLY a part of the name of what to measure.
 */
import {
  type Cell,
  type CoverageOptions,
  differenceCoverage,
  policyCoverage,
  rateCoverage,
} from "../src/evaluation/testing/coverage.ts";

const SEEDS = Number(process.env.SEEDS ?? 400);
const only = process.env.ONLY ?? "";
const options: CoverageOptions = {
  episodes: (process.env.EPISODES ?? "2,3,5,10,20,50,100,200,400,1600").split(",").map(Number),
  seeds: (episodes) => (episodes > 100 ? Math.ceil(SEEDS / 4) : SEEDS),
};

const POLICIES = [
  ["kuhn", "pot-control"],
  ["kuhn", "equilibrium-1/6"],
  ["kuhn", "uniform"],
  ["kuhn", "always-pass"],
  ["ipd", "tit-for-tat"],
  ["ipd", "random"],
  ["ipd", "always-cooperate"],
  ["auction", "half-value"],
  ["auction", "uniform"],
  ["split", "fair"],
  ["split", "random"],
  ["split", "complement"],
] as const;

/** Pairs of equal J, and one of unequal J. */
const PAIRS = [
  ["kuhn", "pot-control", "equilibrium-1/6"],
  ["ipd", "random", "mixed"],
  ["auction", "conservative", "cartel"],
  ["split", "hardball", "selfish"],
  ["kuhn", "equilibrium", "uniform"],
] as const;

/** Policies against themselves in other scenarios, where no luck is shared. */
const ALONE = [
  ["kuhn", "pot-control"],
  ["kuhn", "uniform"],
  ["ipd", "random"],
  ["auction", "uniform"],
  ["split", "random"],
] as const;

const percent = (share: number) => `${(100 * share).toFixed(1)}%`;
const show = ({ what, quantity, episodes, seeds, covered, width, plain, claimed }: Cell) =>
  console.log(
    [
      what.padEnd(48),
      quantity.padEnd(10),
      String(episodes).padStart(5),
      String(seeds).padStart(5),
      percent(covered).padStart(7),
      width.toFixed(4).padStart(8),
      (plain === 0 ? "" : (width / plain).toFixed(3)).padStart(7),
      claimed === undefined ? "" : percent(claimed).padStart(6),
      covered < 0.93 || (claimed !== undefined && claimed > 0.05) ? " <--" : "",
    ].join(" "),
  );

console.log(
  `${"what".padEnd(48)} quantity   episodes seeds covered   width  /plain  claims   (plain: value +- 1.96 standard errors)`,
);
const wanted = (name: string) => name.includes(only);
for (const [game, policy] of POLICIES) if (wanted(`${game}:${policy}`)) policyCoverage(game, policy, options).forEach(show);
for (const [game, one, other] of PAIRS)
  if (wanted(`${game}: ${one} - ${other}`)) differenceCoverage(game, [one, other], options).forEach(show);
for (const [game, policy] of ALONE)
  if (wanted(`${game}: ${policy} apart`)) differenceCoverage(game, [policy, policy], options, true).forEach(show);
for (const rate of [0.002, 0.05, 0.5])
  for (const clusters of [false, true]) if (wanted("rate")) rateCoverage(rate, clusters, options).forEach(show);
