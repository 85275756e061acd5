/** What a configuration asks for before it is run: steps, episodes, tokens, memory and, by a short trial, time. */
import type { Connection } from "../engines/driver.ts";
import { driverOf } from "../engines/drivers.ts";
import { type Game, choose } from "../games/index.ts";
import { OBJECTIVE_POOLS, POOLS, type Roster } from "../opponents/index.ts";
import type { Player } from "../play/player.ts";
import { foldIn, seedKey, uniform } from "../random.ts";
import { type Agent, createAgent, createLanguage, rostersOf } from "../runs/agent.ts";
import type { RunConfig } from "../runs/config.ts";
import type { RunGame } from "../runs/games.ts";
import { mean } from "../stats/estimate.ts";
import { type PlayedGroup, rollout } from "./rollout.ts";
import { corpus } from "./run.ts";
import { learn } from "./sepo.ts";
import { supervisedExample, supervisedStep, supervisedSteps } from "./supervised.ts";
import { expertTraces } from "./traces.ts";

export interface StageForecast {
  readonly stage: "base" | "sft" | "sepo" | "evaluation";
  readonly steps: number;
  /** Examples of a supervised stage, or episodes, over all steps. */
  readonly items: number;
  /** Prompts read and replies written or learned, over all steps, in tokens; replies as long as the experts'. */
  readonly promptTokens: number;
  readonly replyTokens: number;
  /** By the trial; undefined without one. */
  readonly seconds?: number;
}

export interface Forecast {
  readonly stages: readonly StageForecast[];
  /** Of the tokenizer, or of the table. */
  readonly vocabularySize: number;
  /** Resident memory after the trial, in bytes. */
  readonly memory?: number;
}

/** Decisions looked at per game to know the lengths of prompts and replies. */
const SAMPLE = 300;

/** Lengths of one game's decisions, in tokens, and decisions in an episode. */
interface Lengths {
  readonly roster: Roster;
  readonly prompt: number;
  readonly reply: number;
  readonly decisions: number;
}

/**
 * Works a configuration out. With a trial, a supervised step and a step of SEPO are done with the engine and timed, each after
 * one that compiles; without, nothing is computed and no server is asked.
 */
export async function forecast(
  config: RunConfig,
  games: readonly RunGame[],
  { trial = false, connection = {} }: { readonly trial?: boolean; readonly connection?: Connection } = {},
): Promise<Forecast> {
  const language = await createLanguage(config, games, () => corpus(config, games));
  const { encoding, vocabulary } = language;
  const lengths: Lengths[] = [];
  for (const { roster } of games) {
    const traces = await expertTraces(roster, seedKey(0), { examples: SAMPLE, actions: "experts" });
    const examples = traces.map((trace) => supervisedExample(trace, encoding));
    lengths.push({
      roster,
      prompt: mean(examples.map(({ prompt }) => prompt.tokens.length)),
      reply: mean(examples.map(({ completion }) => completion.length)),
      decisions: traces.length / new Set(traces.map(({ episode }) => episode)).size,
    });
  }
  const stages = [
    ...(["base", "sft"] as const).map((stage) => supervisedForecast(stage, config, lengths)),
    playForecast("sepo", config.sepo.steps, config.sepo.scenarios * config.sepo.groupSize, OBJECTIVE_POOLS, lengths),
    playForecast("evaluation", STAGES_EVALUATED, config.evaluation.episodes, POOLS, lengths),
  ];
  if (!trial) return { stages, vocabularySize: vocabulary.size };
  const rates = await trialRates(config, games, connection);
  return {
    stages: stages.map((stage) => ({ ...stage, seconds: secondsOf(stage, rates) })),
    vocabularySize: vocabulary.size,
    memory: process.memoryUsage.rss(),
  };
}

const STAGES_EVALUATED = 3;

function supervisedForecast(stage: "base" | "sft", config: RunConfig, lengths: readonly Lengths[]): StageForecast {
  const settings = config[stage];
  // Four fifths of the decisions are in the training split.
  const steps = supervisedSteps(0.8 * settings.examples * lengths.length, settings);
  const items = steps * settings.batch;
  return {
    stage,
    steps,
    items,
    promptTokens: items * mean(lengths.map(({ prompt }) => prompt)),
    replyTokens: items * mean(lengths.map(({ reply }) => reply)),
  };
}

function playForecast(
  stage: "sepo" | "evaluation",
  steps: number,
  perOpponent: number,
  pools: readonly (typeof POOLS)[number][],
  lengths: readonly Lengths[],
): StageForecast {
  const episodes = ({ roster }: Lengths) =>
    steps * perOpponent * pools.reduce((sum, pool) => sum + roster.pools[pool].length, 0);
  const total = (value: (game: Lengths) => number) => lengths.reduce((sum, game) => sum + episodes(game) * value(game), 0);
  return {
    stage,
    steps,
    items: total(() => 1),
    promptTokens: total(({ decisions, prompt }) => decisions * prompt),
    replyTokens: total(({ decisions, reply }) => decisions * reply),
  };
}

/** Seconds per supervised example, per episode played, and per episode learned from. */
interface Rates {
  readonly example: number;
  readonly played: number;
  readonly learned: number;
}

async function trialRates(config: RunConfig, games: readonly RunGame[], connection: Connection): Promise<Rates> {
  const uses = { ...driverOf(config.engine.kind).connection?.(config.engine), ...connection };
  const agent = await createAgent(config, games, () => corpus(config, games), uses);
  const rosters = rostersOf(agent);
  const traces = (
    await Promise.all(
      rosters.map((roster) => expertTraces(roster, seedKey(1), { examples: config.sft.batch, actions: "experts" })),
    )
  ).flat();
  const examples = traces.map((trace) => supervisedExample(trace, agent.encoding)).slice(0, config.sft.batch);
  const example = await timedTwice(() => supervisedStep(agent.engine, examples, config.sft, 0.5));
  const player = trialPlayer(agent);
  // Whole rollouts: equal requests are computed once, so that few episodes would say little about many.
  let groups: readonly PlayedGroup[] = [];
  let round = 0;
  const played = await timedTwice(async () => {
    groups = await rollout(rosters, player, foldIn(seedKey(2), round++), config.sepo);
  });
  const batch = groups.map((group) => ({ ...group, staleness: 0 }));
  const learned = await timedTwice(() =>
    learn({ ...agent, rosters }, { groups: batch, planned: batch.length, late: 0, dropped: 0 }, config.sepo, seedKey(3), {
      step: 0,
      gaps: {},
    }),
  );
  await agent.engine.release();
  const episodes = groups.length * config.sepo.groupSize;
  return { example: example / examples.length, played: played / episodes, learned: learned / episodes };
}

/**
 * Plays as the first expert of each game, whose replies it learns from, and lets the engine sample as many tokens at the same positions. An
 * engine that has learned nothing would write long nonsense and be asked to resolve it.
 */
function trialPlayer({ engine, encoding, sampling, games }: Agent): Player {
  const expertOf = (game: Game) => games.find(({ roster }) => roster.game === game)!.roster.experts[0];
  return {
    name: "trial",
    async decide(requests) {
      const replies = requests.map(({ game, view, key }) => {
        const expert = expertOf(game);
        const action = choose(expert.policy.act(view), uniform(key));
        const text = `${expert.reason(view)}\n${action}`;
        return { action, text, prompt: encoding.prompt(game, view), completion: encoding.reply(text) };
      });
      const maxTokens = Math.round(mean(replies.map(({ completion }) => completion.length)));
      await engine.sample(
        replies.map(({ prompt }, i) => ({ prompt, key: requests[i].key })),
        { ...sampling, maxTokens },
      );
      return replies.map(({ action, ...reply }) => ({
        action,
        parsed: { status: "ok", action },
        reply: { ...reply, logprobs: reply.completion.map(() => -1) },
      }));
    },
  };
}

/** Seconds of the second time; the first compiles. */
async function timedTwice(work: () => Promise<unknown>): Promise<number> {
  await work();
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1000;
}

function secondsOf({ stage, items }: StageForecast, { example, played, learned }: Rates): number {
  if (stage === "sepo") return items * (played + learned);
  return items * (stage === "evaluation" ? played : example);
}
