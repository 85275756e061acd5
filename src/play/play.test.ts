import { describe, expect, test } from "vitest";
import { scriptedSampler } from "../engines/scripted.ts";
import { TabularEngine } from "../engines/tabular/engine.ts";
import { GAME_NAMES, gameNamed } from "../games/index.ts";
import { POOLS, policyNamed, rosterOf } from "../opponents/index.ts";
import { foldIn, seedKey } from "../random.ts";
import { createAgent, modelOf } from "../runs/agent.ts";
import { parseConfig } from "../runs/config.ts";
import { openGames } from "../runs/games.ts";
import { transcriptOf as transcript } from "../runs/transcript.ts";
import { rollout } from "../training/rollout.ts";
import { type Encoding, tableEncoding, tableVocabulary } from "./encoding.ts";
import { type Episode, type EpisodeSpec, playEpisodes } from "./episodes.ts";
import { modelPlayer } from "./players/model.ts";
import { scriptedPlayer } from "./players/scripted.ts";
import { scoreEpisode } from "./score.ts";
import { simulateEpisode } from "./simulate.ts";
import { createChain } from "../solvers/chain.ts";
import { expectation } from "../solvers/expectation.ts";
import { estimateMean } from "../stats/estimate.ts";

const transcriptOf = (episode: Episode) => transcript(episode, { step: 1, seed: 0 });
const vocabulary = tableVocabulary([gameNamed("ipd"), gameNamed("kuhn")]);
const encoding = tableEncoding(vocabulary);
const table = () => new TabularEngine({ rows: vocabulary.rows, vocabularySize: encoding.vocabularySize });
const settings = { temperature: 1, maxTokens: 4, stop: encoding.stop };

function specs(agent: EpisodeSpec["agent"], count: number): EpisodeSpec[] {
  return ["ipd", "kuhn"].flatMap((name) =>
    Array.from({ length: count }, (_, i) => ({
      game: gameNamed(name),
      agent,
      opponent: scriptedPlayer(rosterOf(name).pools.train[i % 3]),
      pool: "train" as const,
      scenario: foldIn(seedKey(1), name, i),
      sampling: foldIn(seedKey(2), name, i),
      id: `${name} ${i}`,
    })),
  );
}

describe("the referee", () => {
  test("transcripts do not depend on concurrency", async () => {
    const transcript = async (concurrency: number) =>
      (
        await playEpisodes(specs(modelPlayer("agent", { sampler: table(), encoding, sampling: settings }), 12), { concurrency })
      ).map((e) => JSON.stringify(transcriptOf(e)));
    const reference = await transcript(1);
    for (const concurrency of [2, 5, 100]) expect(await transcript(concurrency)).toEqual(reference);
  });

  test("episodes of a player that decides independently wait for nobody, up to the limit", async () => {
    const inner = modelPlayer("agent", { sampler: table(), encoding, sampling: settings });
    const together = (await playEpisodes(specs(inner, 150))).map((e) => JSON.stringify(transcriptOf(e)));
    let open = 0;
    let most = 0;
    let begin: () => void = () => undefined;
    const everyone = new Promise<void>((resolve) => (begin = resolve));
    const player = (limit: number) => ({
      name: "agent",
      independent: true,
      async decide(requests: Parameters<typeof inner.decide>[0]) {
        expect(requests).toHaveLength(1);
        most = Math.max(most, ++open);
        if (open === limit) begin();
        await everyone;
        const decisions = await inner.decide(requests);
        open--;
        return decisions;
      },
    });
    // 200 of 300 conversations are asked at the same time, or none would ever be answered.
    const apart = await playEpisodes(specs(player(200), 150), { concurrency: 200 });
    expect(most).toBe(200);
    expect(apart.map((e) => JSON.stringify(transcriptOf(e)))).toEqual(together);
  });

  test("transcripts of a language model do not depend on concurrency", { timeout: 120_000 }, async () => {
    const config = parseConfig({
      engine: {
        vocabularySize: 300,
        contextLength: 1024,
        width: 16,
        layers: 1,
        heads: 1,
        keyValueHeads: 1,
        headWidth: 16,
        feedForward: 24,
      },
    });
    const agent = await createAgent(config, await openGames(config, "."), () => [
      "PASS BET CALL FOLD COOPERATE DEFECT you they hold",
    ]);
    const player = modelPlayer("agent", { ...modelOf(agent), sampling: { ...agent.sampling, maxTokens: 3 } });
    const transcript = async (concurrency: number) =>
      (await playEpisodes(specs(player, 2), { concurrency })).map((e) => JSON.stringify(transcriptOf(e)));
    expect(await transcript(1)).toEqual(await transcript(50));
    await agent.engine.release();
  });

  test("a group shares its cards and its opponent's draws", async () => {
    const always = policyNamed(rosterOf("kuhn"), "always-bet");
    const rosters = [rosterOf("ipd"), rosterOf("kuhn")];
    const size = { scenarios: 2, groupSize: 4 };
    for (const { played, roster } of await rollout(rosters, scriptedPlayer(game2(always)), seedKey(3), size)) {
      const game = roster.game.facts.name;
      const first = JSON.stringify(played[0].outcomes);
      for (const episode of played)
        expect({ game, outcomes: JSON.stringify(episode.outcomes) }).toEqual({ game, outcomes: first });
    }
  });

  test("an interrupted session stops with the reason", async () => {
    const signal = AbortSignal.abort();
    await expect(playEpisodes(specs(scriptedPlayer(game2()), 1), { signal })).rejects.toThrow(/abort/);
  });
});

/** A deterministic policy for both games: COOPERATE, or BET and CALL. */
const game2 = (kuhnPolicy = policyNamed(rosterOf("kuhn"), "always-bet")) => ({
  name: "deterministic",
  description: "",
  memory: () => "",
  act: (view: unknown) =>
    typeof view === "object" && view !== null && "played" in view ? ([["COOPERATE", 1]] as const) : kuhnPolicy.act(view),
});

describe("replies that cannot be used", () => {
  const [hold, bet, fold, pass, think] = [50, 51, 52, 53, 54];
  const words: Encoding = {
    vocabularySize: 60,
    stop: [],
    prompt: () => ({ tokens: [1], shared: 0 }),
    reply: () => [],
    resolve: (tokens, action) => [...tokens, action === "BET" ? bet : pass],
    revise: (tokens, action) => [...tokens.slice(0, -1), action === "BET" ? bet : pass],
    text: (tokens) =>
      tokens.map((t) => ({ [hold]: "I hold", [bet]: "BET", [fold]: "FOLD", [pass]: "PASS" })[t] ?? "?").join("\n"),
    // A reply that begins with a question mark is still thinking.
    answer: (tokens) => (tokens[0] === think ? undefined : words.text(tokens)),
  };
  for (const [status, reply] of [
    ["parse-failure", [hold]],
    ["parse-failure", [think, bet]],
    ["illegal-action", [hold, fold]],
    ["ok", [hold, bet]],
  ] as const)
    test(`${status} of ${words.text(reply)} is recorded, and a legal action is played`, async () => {
      const game = gameNamed("kuhn");
      const view = game.view(game.chance(game.start(), "KJ"), 0);
      // After the reply the scripted model would say BET: the resolution scores BET at 0 and PASS at -50.
      const sampler = scriptedSampler(() => [...reply, bet]);
      const player = modelPlayer("scripted", {
        sampler,
        encoding: words,
        sampling: { temperature: 1, maxTokens: reply.length, stop: [bet, fold, pass] },
      });
      const [decision] = await player.decide([{ game, view, key: seedKey(0) }]);
      expect(decision.parsed.status).toBe(status);
      expect(decision.action).toBe("BET");
      expect(decision.resolved).toBe(status === "ok" ? undefined : "scored");
    });

  test("failures are counted in the round they happened", async () => {
    const sampler = scriptedSampler(() => [hold, bet]);
    const player = modelPlayer("scripted", {
      sampler,
      encoding: words,
      sampling: { temperature: 1, maxTokens: 1, stop: [] },
    });
    const [, episode] = await playEpisodes(specs(player, 1));
    const { rounds } = scoreEpisode(episode);
    expect(rounds.reduce((sum, { failures }) => sum + failures, 0)).toBe(episode.decisions.length);
  });
});

describe("simulation", () => {
  for (const name of GAME_NAMES)
    test(`${name}: a chain plays the very episodes that the referee plays`, async () => {
      const roster = rosterOf(name);
      const { game, pools, experts } = roster;
      const opponents = POOLS.flatMap((pool) => pools[pool]);
      const policies = [...opponents, ...experts.map(({ policy }) => policy)];
      const pairs = opponents.flatMap((opponent, o) =>
        Array.from({ length: 12 }, (_, i) => ({ agent: policies[(o + i) % policies.length], opponent, i })),
      );
      const played = await playEpisodes(
        pairs.map(({ agent, opponent, i }) => ({
          game,
          agent: scriptedPlayer(agent),
          opponent: scriptedPlayer(opponent),
          pool: "train" as const,
          scenario: foldIn(seedKey(5), i),
          sampling: foldIn(seedKey(6), i),
          id: "",
        })),
      );
      pairs.forEach(({ agent, opponent, i }, at) => {
        const walked = simulateEpisode(createChain(game, [agent, opponent]), foldIn(seedKey(5), i), foldIn(seedKey(6), i));
        expect(walked.outcomes).toEqual(played[at].outcomes);
        expect(walked.decisions).toBe(played[at].decisions.length);
      });
    });

  test("means agree with exact expectations within their intervals", () => {
    // 12 pairs, four standard errors: a false alarm has probability 0.1%.
    for (const [name, agent] of [
      ["ipd", "generous-tit-for-tat"],
      ["auction", "noisy-half-value"],
      ["kuhn", "loose-aggressive"],
    ]) {
      const roster = rosterOf(name);
      const policy = policyNamed(roster, agent);
      for (const opponent of roster.pools.train) {
        const chain = createChain(roster.game, [policy, opponent]);
        const payoffs = Array.from({ length: 3000 }, (_, i) =>
          simulateEpisode(chain, foldIn(seedKey(7), i), foldIn(seedKey(8), i)).outcomes.reduce(
            (sum, o) => sum + o.payoffs[0],
            0,
          ),
        );
        const { value, standardError } = estimateMean(payoffs);
        const [exact] = expectation(roster.game, policy, opponent).totals;
        expect(Math.abs(value - exact)).toBeLessThanOrEqual(4 * standardError + 1e-9);
      }
    }
  });
});
