/**
 * Episodes of two scripted policies, played by walking their chain: the same draws, and so the same episodes, as the referee plays,
 * without an object per decision.
 */
import type { RoundOutcome } from "../games/index.ts";
import { type Key, foldIn, uniform } from "../random.ts";
import type { Chain, ChainNode } from "../solvers/chain.ts";
import { AGENT_SEAT, drawIndex, episodeKeys } from "./episodes.ts";

/** One episode: its finished rounds, and how often the agent decided. */
export interface SimulatedEpisode {
  readonly outcomes: readonly RoundOutcome[];
  readonly decisions: number;
  /** Whether nothing was drawn, so that every episode of the chain is this one. */
  readonly certain: boolean;
}

/** Walks the chain once with the keys of an episode; the agent sits in seat 0. */
export function simulateEpisode(chain: Chain, scenario: Key, sampling: Key): SimulatedEpisode {
  const keys = episodeKeys(scenario, sampling);
  const outcomes: RoundOutcome[] = [];
  let decisions = 0;
  let turns = 0;
  let step = 0;
  let certain = true;
  let node = chain.root;
  while (node.kind !== "over") {
    certain &&= node.choices.every(({ length }) => length === 1);
    const at = drawIndex(node.round, step);
    let choice = 0;
    if (node.kind === "chance") choice = pick(node, 0, keys.chance, at);
    else {
      for (let i = 0; i < node.seats.length; i++) {
        const own = node.seats[i] === AGENT_SEAT;
        if (own) decisions++;
        choice = choice * node.choices[i].length + drawOf(node, i, own ? keys.agent : keys.opponent, own ? turns : at);
      }
      turns++;
    }
    const { to, outcome } = chain.follow(node, choice);
    if (outcome !== undefined) outcomes.push(outcome);
    step = to.round === node.round ? step + 1 : 0;
    node = to;
  }
  return { outcomes, decisions, certain };
}

/** A policy's draw; a certain action needs no number. */
const drawOf = (node: ChainNode, i: number, key: Key, index: number): number =>
  node.choices[i].length === 1 ? 0 : pick(node, i, foldIn(key, index), 0);

/** Index of the item that the `index`-th uniform number of a key selects; the same as `choose`. */
function pick({ choices }: ChainNode, i: number, key: Key, index: number): number {
  const distribution = choices[i];
  const u = uniform(key, index);
  let below = 0;
  for (let j = 0; j < distribution.length - 1; j++) {
    below += distribution[j][1];
    if (u < below) return j;
  }
  return distribution.length - 1;
}
