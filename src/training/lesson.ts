/**
 * A whole training of a small model on one game, in memory: a tokenizer, supervised steps on the experts' traces, SEPO. What it yields is
 * enough to draw the lesson while it goes on; a page runs it in a worker, and Node runs the same.
 */
import { EmbeddedLearner, freshCheckpoint } from "../engines/embedded/learner.ts";
import type { ModelConfig } from "../engines/embedded/model.ts";
import { type PolicyRow, byScores, policyTable, tablePolicy } from "../evaluation/action-table.ts";
import { positionsOf } from "../evaluation/episodes.ts";
import type { Game } from "../games/index.ts";
import { type Roster, rosterOf } from "../opponents/index.ts";
import { chatEncoding } from "../play/encoding.ts";
import type { Episode } from "../play/episodes.ts";
import type { PackedModel } from "../play/packed-model.ts";
import { foldIn, seedKey } from "../random.ts";
import { exactJ } from "../solvers/optimum.ts";
import { trainTokenizer } from "../text/bpe.ts";
import { CHAT_TEMPLATE, END_TOKEN, SPECIAL_TOKENS, createChat } from "../text/chat.ts";
import { createTokenizer, tokenizerFiles } from "../text/tokenizer.ts";
import type { Metrics } from "./metrics.ts";
import { type SepoSettings, sepo } from "./sepo.ts";
import { type SupervisedSettings, supervised, supervisedExample, supervisedSteps } from "./supervised.ts";
import { expertTraces } from "./traces.ts";

export interface LessonSettings {
  /** Name of a game that can be enumerated. */
  readonly game: string;
  readonly seed: number;
  /** Decisions of experts that the model imitates first, each once per epoch. */
  readonly examples: number;
  readonly epochs: number;
  /** Steps of SEPO. */
  readonly steps: number;
  /** Groups per opponent and step, and episodes per group. */
  readonly scenarios: number;
  readonly groupSize: number;
}

/** For a tab: one to three minutes (docs/browser.md has the times). */
export const LESSONS = {
  ipd: { game: "ipd", seed: 0, examples: 2000, epochs: 3, steps: 20, scenarios: 4, groupSize: 4 },
  kuhn: { game: "kuhn", seed: 0, examples: 2000, epochs: 3, steps: 30, scenarios: 3, groupSize: 4 },
} as const satisfies Record<string, LessonSettings>;

/** The policy as a table, and what it is worth. */
export interface TableNow {
  readonly rows: readonly PolicyRow[];
  /** Exact J of the policy that plays each row's mean. */
  readonly exactJ: number;
}

export type LessonEvent = {
  readonly step: number;
  readonly steps: number;
  readonly metrics: Metrics;
  /** The model as it is now; to be asked for before the next event. */
  readonly model: () => Promise<PackedModel>;
} & (
  | { readonly stage: "sft"; readonly table?: TableNow }
  /** Step 0 is the model before the first step of SEPO. */
  | { readonly stage: "sepo"; readonly table: TableNow }
);

export interface LessonOptions {
  /** Workers at most. */
  readonly threads?: number;
  readonly signal?: AbortSignal;
}

const CONTEXT = 512;
const SAMPLER = { temperature: 1, maxTokens: 12 };
/** Positions shown per information key. */
const POSITIONS = 16;
const ADAM = { gradientClip: 1, beta1: 0.9, beta2: 0.95 };

const modelOf = (vocabularySize: number): ModelConfig => ({
  vocabularySize,
  width: 64,
  layers: 2,
  heads: 2,
  keyValueHeads: 1,
  headWidth: 32,
  feedForward: 176,
  contextLength: CONTEXT,
  ropeTheta: 10_000,
  normEpsilon: 1e-6,
});

const supervisedSettings = (epochs: number): SupervisedSettings => ({
  epochs,
  batch: 32,
  learningRate: 0.004,
  weightDecay: 0.01,
  ...ADAM,
});

/** Credit by expectations makes the most of the few episodes of a step. */
const sepoSettings = ({ steps, scenarios, groupSize }: LessonSettings): SepoSettings => ({
  steps,
  scenarios,
  groupSize,
  credit: "expected",
  returns: "round",
  updates: 2,
  learningRate: 0.001,
  finalLearningRate: 0.05,
  clip: 0.2,
  beta: 0.01,
  finalBeta: 1,
  failureCost: 1,
  hingeMemory: 0.8,
  hingeWidth: 0.2,
  shuffledPenalties: false,
  maxStepsOffPolicy: 0,
  stragglerSeconds: 0,
  checkpointEvery: steps + 1,
  weightDecay: 0,
  exploiter: { every: 0, keep: 1, samples: 1, weight: 1, spread: 1 },
  ...ADAM,
});

/** Trains; a function of the settings alone, to the byte on one runtime. Ends early when `signal` does, with its reason. */
export async function* lesson(
  settings: LessonSettings,
  { threads, signal }: LessonOptions = {},
): AsyncGenerator<LessonEvent, void> {
  const { seed, examples, epochs, steps } = settings;
  const roster = rosterOf(settings.game);
  const key = foldIn(seedKey(seed), "lesson");
  const traces = await expertTraces(roster, foldIn(key, "traces"), { examples, actions: "experts", validation: 0 });
  const language = [roster.game.rules, ...traces.flatMap(({ messages }) => messages.slice(1).map(({ content }) => content))];
  const tokenizer = tokenizerFiles(trainTokenizer(language, { vocabularySize: 640, specialTokens: SPECIAL_TOKENS }), {
    chatTemplate: CHAT_TEMPLATE,
    end: END_TOKEN,
    pad: SPECIAL_TOKENS[0],
    contextLength: CONTEXT,
  });
  const encoding = chatEncoding(createChat(createTokenizer(tokenizer)));
  const engine = new EmbeddedLearner(
    freshCheckpoint(modelOf(encoding.vocabularySize), foldIn(key, "weights")),
    threads === undefined ? {} : { threads },
  );
  const sampling = { ...SAMPLER, stop: encoding.stop };
  const model = async (): Promise<PackedModel> => ({
    config: engine.model,
    weights: await engine.weights(),
    tokenizer,
    games: { [settings.game]: {} },
    protocol: roster.game.facts.protocol,
    sampler: SAMPLER,
    origin: `a lesson with seed ${seed}`,
  });
  const table = (episodes: readonly Episode[], step: number) =>
    tableNow(roster, episodes, { sampler: engine, encoding, sampling }, foldIn(key, "table", step));
  const abort = signal === undefined ? {} : { signal };
  try {
    const learned = traces.map((trace) => supervisedExample(trace, encoding));
    const imitation = supervisedSettings(epochs);
    const total = supervisedSteps(learned.length, imitation);
    for await (const { step, metrics } of supervised(engine, learned, imitation, foldIn(key, "order"), abort))
      yield { stage: "sft", step, steps: total, metrics, model };
    yield { stage: "sepo", step: 0, steps, metrics: {}, table: await table([], 0), model };
    await engine.resetOptimizer();
    const reference = await engine.snapshot();
    const agent = { engine, encoding, sampling, rosters: [roster], reference };
    for await (const { state, metrics, groups } of sepo(agent, sepoSettings(settings), key, abort)) {
      const episodes = groups.flatMap(({ played }) => played);
      yield { stage: "sepo", step: state.step, steps, metrics, table: await table(episodes, state.step), model };
    }
    await reference.release();
  } finally {
    await engine.release();
  }
}

/** The model's action probabilities at positions of `episodes`, and what the policy of their means is worth. */
async function tableNow(
  roster: Roster,
  episodes: readonly Episode[],
  model: Parameters<typeof byScores>[0],
  key: Parameters<typeof policyTable>[3],
): Promise<TableNow> {
  const { game } = roster satisfies { readonly game: Game };
  const rows = await policyTable(game, positionsOf(episodes, foldIn(key, "positions")), byScores(model), key, POSITIONS);
  return { rows, exactJ: exactJ(roster, tablePolicy(game, rows)) };
}
