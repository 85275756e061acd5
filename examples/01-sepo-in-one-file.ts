/**
 * The whole method in one file: Safe Equilibrium Policy Optimization (arXiv 2605.30854) on the iterated prisoner's dilemma.
 *
 * The policy is a softmax over two actions for each of five situations (the first round, and after CC, CD, DC, DD), so it
 * has five free parameters and J can be computed exactly. Everything that makes SEPO what it is is written out here; the
 * library brings the game, its opponents and the referee. `src/training/sepo.ts` is the same loop for any model.
 *
 *     npm run example 01        (Node 22.18 or newer, after npm run build: node examples/01-sepo-in-one-file.ts)
 */
import {
  type Episode,
  type EpisodeSpec,
  type Game,
  type Player,
  foldIn,
  objectiveSettings,
  playEpisodes,
  rosterOf,
  scoreEpisode,
  scriptedPlayer,
  seedKey,
  uniform,
} from "sepo";
import { type SoftmaxAgent, exactJ, softmaxPolicy } from "sepo/solvers";

const STEPS = 120;
const GROUP = 16;
const LEARNING_RATE = 0.15;
const key = seedKey(0);
const roster = rosterOf("ipd");
const game: Game = roster.game;
const { scale, weights } = objectiveSettings(game.facts);

// The policy: a row of logits for each situation, all zero at first, so that it plays at random.
const table = new Map<string, [number, number]>(["start", "CC", "CD", "DC", "DD"].map((name) => [name, [0, 0]]));
const rowOf = (view: unknown): [number, number] => table.get(game.abstraction(view)) ?? [0, 0];
const probabilityOfFirst = ([a, b]: readonly [number, number]): number => 1 / (1 + Math.exp(b - a));

const player: Player = {
  name: "softmax",
  decide: (requests) =>
    Promise.resolve(
      requests.map(({ view, key: own }) => {
        const legal = game.legal(view);
        const action = legal[uniform(own) < probabilityOfFirst(rowOf(view)) ? 0 : 1];
        return { action, parsed: { status: "ok", action } as const };
      }),
    ),
};

/** A group: episodes against one opponent in one scenario, which differ by the agent's own choices alone. */
interface Group {
  readonly pool: "train" | "exploiter" | "collusive";
  readonly opponent: string;
  readonly episodes: readonly Episode[];
}

/** Step 1, play: a group against every opponent of the pools that J is made of. */
async function rollout(step: number): Promise<Group[]> {
  const groups: Group[] = [];
  for (const pool of ["train", "exploiter", "collusive"] as const)
    for (const policy of roster.pools[pool]) {
      const own = foldIn(key, step, pool, policy.name);
      const specs = Array.from({ length: GROUP }, (_, i): EpisodeSpec => ({
        game,
        pool,
        agent: player,
        opponent: scriptedPlayer(policy),
        scenario: foldIn(own, "scenario"),
        sampling: foldIn(own, "episode", i),
        id: `${step} ${policy.name} ${i}`,
      }));
      groups.push({ pool, opponent: policy.name, episodes: await playEpisodes(specs) });
    }
  return groups;
}

/**
 * Step 2, credit: what one round adds to J = u - le e - lc c - lx x. An exploiter counts only while its mean gap q - r is
 * open, which is the slope of max(0, gap).
 */
function shareOfJ({ pool }: Group, open: boolean, { r, q, c, x }: { r: number; q: number; c: number; x: number }): number {
  const { train, exploiter, collusive } = roster.pools;
  const N = game.facts.rounds;
  const harm = (weights.externality * x) / ((train.length + exploiter.length) * N);
  if (pool === "train") return (scale * r) / (train.length * N) - harm;
  if (pool === "collusive") return (-weights.collusion * c) / (collusive.length * N);
  return (open ? (-weights.exploitability * scale * (q - r)) / (exploiter.length * N) : 0) - harm;
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** Step 3, the gradient: each decision's return to go, less the mean of the other episodes of its group. */
function gradientOf(groups: readonly Group[]): Map<string, [number, number]> {
  const gradient = new Map<string, [number, number]>();
  for (const group of groups) {
    const scored = group.episodes.map((episode) => scoreEpisode(episode).rounds);
    const open = mean(scored.flatMap((rounds) => rounds.map(({ q, r }) => q - r))) > 0;
    const toGo = scored.map((rounds) => {
      const shares = rounds.map((round) => shareOfJ(group, open, round));
      return shares.map((_, t) => shares.slice(t).reduce((a, b) => a + b, 0));
    });
    for (const [i, episode] of group.episodes.entries())
      for (const { view, action, round } of episode.decisions) {
        const others = toGo.filter((_, j) => j !== i).map((returns) => returns[round]);
        const advantage = (toGo[i][round] - mean(others)) / group.episodes.length;
        const first = probabilityOfFirst(rowOf(view));
        const slope = (action === game.legal(view)[0] ? 1 : 0) - first; // d log p / d logit of the first action
        const row = gradient.get(game.abstraction(view)) ?? [0, 0];
        gradient.set(game.abstraction(view), [row[0] + advantage * slope, row[1] - advantage * slope]);
      }
  }
  return gradient;
}

/** J of the policy as it is, by enumeration. */
function exact(): number {
  const agent: SoftmaxAgent = { key: (view) => game.abstraction(view), logits: table };
  return exactJ(roster, softmaxPolicy(game, agent));
}

// Step 4, update: ascend, with one step length for the whole batch so that the pools keep their relative weight.
console.log(`step   0  J ${exact().toFixed(3)}`);
for (let step = 1; step <= STEPS; step++) {
  const gradient = gradientOf(await rollout(step));
  const size = Math.sqrt([...gradient.values()].flat().reduce((sum, g) => sum + g * g, 0));
  for (const [name, slopes] of gradient) {
    const row = table.get(name) ?? [0, 0];
    if (size > 0) table.set(name, [row[0] + (LEARNING_RATE * slopes[0]) / size, row[1] + (LEARNING_RATE * slopes[1]) / size]);
  }
  if (step % 20 === 0) console.log(`step ${String(step).padStart(3)}  J ${exact().toFixed(3)}`);
}
for (const [name, row] of table) console.log(`P(COOPERATE | ${name}) = ${probabilityOfFirst(row).toFixed(2)}`);
