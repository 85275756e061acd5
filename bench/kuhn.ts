/**
 * Kuhn hands per second, beside OpenSpiel's Python bindings on the same hands in one run. Run with
 * `npm run bench && node dist/bench/bench/kuhn.js PYTHON`, where PYTHON is the interpreter of `reference/README.md`, or any with
 * `pip install open_spiel`. The hands that the referee plays are replayed by OpenSpiel, which must score them alike; "play" draws cards
 * and actions on both sides. Best of the repeats, because everything else in a time is other programs.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KUHN_CARDS, type KuhnState } from "../src/games/kuhn.ts";
import { type Policy, kuhn } from "../src/games/index.ts";
import { policyNamed, rosterOf } from "../src/opponents/index.ts";
import { type EpisodeSpec, playEpisodes } from "../src/play/episodes.ts";
import { scriptedPlayer } from "../src/play/players/scripted.ts";
import { simulateEpisode } from "../src/play/simulate.ts";
import { foldIn, seedKey } from "../src/random.ts";
import { createChain } from "../src/solvers/chain.ts";

const EPISODES = Number(process.env.EPISODES ?? 5000);
const REPEATS = Number(process.env.REPEATS ?? 5);
const roster = rosterOf("kuhn");
const { game } = roster;
const hands = EPISODES * game.facts.rounds;
const players = [policyNamed(roster, "equilibrium"), policyNamed(roster, "loose-aggressive")] as const;

async function best(work: () => unknown): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < REPEATS; i++) {
    const start = performance.now();
    await work();
    times.push((performance.now() - start) / 1000);
  }
  return Math.min(...times);
}

const keysOf = (i: number) => ({ scenario: foldIn(seedKey(1), i), sampling: foldIn(seedKey(2), i) });
const [agent, opponent] = players.map(scriptedPlayer);
const specs = Array.from({ length: EPISODES }, (_, i): EpisodeSpec => ({
  game,
  agent,
  opponent,
  pool: "train",
  ...keysOf(i),
  id: String(i),
}));
const chain = createChain(game, players);
const simulate = () => {
  for (let i = 0; i < EPISODES; i++) simulateEpisode(chain, keysOf(i).scenario, keysOf(i).sampling);
};
simulate();
const simulation = hands / (await best(simulate));
const referee = hands / (await best(() => playEpisodes(specs)));

const isKuhn = (state: unknown): state is KuhnState => typeof state === "object" && state !== null && "finished" in state;
const played = (await playEpisodes(specs)).flatMap(({ state }) => (isKuhn(state) ? state.finished : []));
/** OpenSpiel's first player is the one who acts first; PASS and FOLD are 0, BET and CALL 1. */
const rows = played.map(({ first, cards, bets }, at) => ({
  cards: [cards[first], cards[1 - first]].map((card) => KUHN_CARDS.indexOf(card)),
  actions: bets.map((bet) => (bet === "BET" || bet === "CALL" ? 1 : 0)),
  chips: game.outcomes({ finished: [played[at]], hand: undefined })[0].payoffs[first],
}));

/** P(pass or fold), P(bet or call) by OpenSpiel's information state: card, then the betting in p and b. */
function table(policy: Policy): Record<string, [number, number]> {
  const found: Record<string, [number, number]> = {};
  const one = kuhn({ hands: 1 });
  for (const cards of ["JQ", "JK", "QJ", "QK", "KJ", "KQ"])
    for (const bets of [[], ["PASS"], ["BET"], ["PASS", "BET"]] as const) {
      const dealt = one.chance(one.start(), cards);
      const state = bets.reduce((at, bet, i) => one.move(at, { [i % 2]: bet }), dealt);
      const turn = one.turn(state);
      if (turn.kind !== "move") continue;
      const [seat] = turn.seats;
      const view = one.view(state, seat);
      const act = new Map(policy.act(view));
      const stay = (act.get("PASS") ?? 0) + (act.get("FOLD") ?? 0);
      found[`${KUHN_CARDS.join("").indexOf(cards[seat])}${bets.map((bet) => (bet === "BET" ? "b" : "p")).join("")}`] = [
        stay,
        1 - stay,
      ];
    }
  return found;
}

const show = (name: string, rate: number, peer?: number): void =>
  console.log(
    `${name.padEnd(44)} ${Math.round(rate).toLocaleString("en").padStart(12)} hands/s${peer === undefined ? "" : `  ${(rate / peer).toFixed(1)}x`}`,
  );

const python = process.argv[2];
if (python === undefined) {
  show("sepo, simulation (chain)", simulation);
  show("sepo, referee", referee);
  console.log("No peer: give a Python interpreter with open_spiel as the first argument.");
} else {
  const folder = mkdtempSync(join(tmpdir(), "sepo-bench-"));
  const file = join(folder, "hands.json");
  writeFileSync(file, JSON.stringify({ hands: rows, policies: players.map(table), repeats: REPEATS }));
  const peer: { replay: number; play: number } = JSON.parse(
    execFileSync(python, [join("reference", "openspiel-kuhn.py"), file], { encoding: "utf8" }),
  );
  rmSync(folder, { recursive: true });
  console.log(`${hands.toLocaleString("en")} hands, Node ${process.version}; ratios to OpenSpiel's play`);
  show("OpenSpiel, replay of the same hands", peer.replay, peer.play);
  show("OpenSpiel, play (draws cards and actions)", peer.play, peer.play);
  show("sepo, referee (draws, views, records)", referee, peer.play);
  show("sepo, simulation (draws, chain)", simulation, peer.play);
  console.log(`simulation beside OpenSpiel's replay, which draws nothing: ${(simulation / peer.replay).toFixed(1)}x`);
}
