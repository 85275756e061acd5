/**
 * The engine contract as a test suite: named checks that reject with an error saying what is wrong. A subject brings prompts its
 * engine understands; every check starts from a fresh engine.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { foldIn, seedKey } from "../random.ts";
import {
  type AdamSettings,
  type Completion,
  type CrossEntropyExample,
  type Engine,
  EngineError,
  type Loss,
  type PpoExample,
  type Prompt,
  type SamplerSettings,
} from "./engine.ts";

export interface EngineSubject {
  readonly create: () => Promise<Engine>;
  readonly prompts: readonly Prompt[];
  readonly settings: SamplerSettings;
  /** Settings of the steps taken; an engine may refuse others. */
  readonly adam?: AdamSettings;
  /** Whether any settings of Adam will do, so that a step can be made linear in the gradient; true unless given. */
  readonly freeAdam?: boolean;
  /** How far log-probabilities of the same tokens may lie apart, in nats. */
  readonly tolerance?: number;
}

export interface EngineCheck {
  readonly name: string;
  /** "not applicable" where the engine declares that it cannot. */
  readonly run: () => Promise<void | "not applicable">;
}

class ConformanceError extends Error {
  override readonly name = "ConformanceError";
}

function must(condition: boolean, message: string): asserts condition {
  if (!condition) throw new ConformanceError(message);
}

const ADAM: AdamSettings = { learningRate: 0.01, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0, gradientClip: 1 };
/** Parts of a batch are trained with steps of this form, which are lr / epsilon times the gradient as long as it is far below epsilon. */
const LINEAR: AdamSettings = { learningRate: 1, beta1: 1e-9, beta2: 1e-9, epsilon: 1e4, weightDecay: 0, gradientClip: 0 };
const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

const difference = (a: readonly (readonly number[])[], b: readonly (readonly number[])[]): number[] =>
  a.flatMap((row, i) => row.map((x, t) => x - b[i][t]));
const size = (values: readonly number[]): number => values.reduce((sum, x) => sum + Math.abs(x), 0);

export function engineConformance({
  create,
  prompts,
  settings,
  adam = ADAM,
  freeAdam = true,
  tolerance = 1e-3,
}: EngineSubject): EngineCheck[] {
  const requests = prompts.map((prompt, i) => ({ prompt, key: foldIn(seedKey(9), i) }));
  const check = (name: string, run: (engine: Engine) => Promise<void | "not applicable">): EngineCheck => ({
    name,
    run: async () => {
      const engine = await create();
      try {
        return await run(engine);
      } finally {
        await engine.release();
      }
    },
  });
  const imitate = (engine: Engine, completions: readonly Completion[], weight = 1 / prompts.length) =>
    engine.accumulate({
      kind: "cross_entropy",
      examples: completions.map(({ tokens }, i) => ({
        prompt: prompts[i],
        completion: tokens,
        weights: tokens.map(() => weight),
      })),
    });
  const near = (a: readonly (readonly number[])[], b: readonly (readonly number[])[], message: string) => {
    const gap = Math.max(...difference(a, b).map(Math.abs));
    must(gap <= tolerance, `${message}: log-probabilities differ by ${gap}`);
  };
  const scores = (engine: Pick<Engine, "score">, completions: readonly Completion[]) =>
    engine.score(
      completions.map(({ tokens }, i) => ({ prompt: prompts[i], continuation: tokens })),
      settings.temperature,
    );

  return [
    check("sampling one by one, together or in reverse gives the same bytes", async (engine) => {
      const together = await engine.sample(requests, settings);
      const reversed = (await engine.sample(requests.toReversed(), settings)).toReversed();
      if (engine.facts.reproducible === false) {
        near(
          await scores(engine, together),
          together.map(({ logprobs }) => logprobs),
          "completions are not in the order of requests",
        );
        near(
          await scores(engine, reversed),
          reversed.map(({ logprobs }) => logprobs),
          "completions are not in the order of requests",
        );
        return;
      }
      must(same(together, reversed), "the order of requests changed a completion");
      for (const [i, request] of requests.entries())
        must(
          same([together[i]], await engine.sample([request], settings)),
          `request ${i} alone differs from request ${i} among others`,
        );
    }),
    check("log-probabilities of sampling, scoring and training agree", async (engine) => {
      const completions = await engine.sample(requests, settings);
      const scored = await scores(engine, completions);
      const { logprobs } = await engine.accumulate({
        kind: "ppo",
        clip: 0.2,
        temperature: settings.temperature,
        examples: completions.map(({ tokens, logprobs: old }, i) => ({
          prompt: prompts[i],
          completion: tokens,
          logprobs: old,
          advantages: tokens.map(() => 0),
        })),
      });
      completions.forEach(({ logprobs: sampled }, i) =>
        sampled.forEach((value, t) => {
          must(Math.abs(value - scored[i][t]) < tolerance, `token ${t} of ${i}: sampled ${value}, scored ${scored[i][t]}`);
          must(
            Math.abs(value - logprobs[i][t]) < tolerance,
            `token ${t} of ${i}: sampled ${value}, trained on ${logprobs[i][t]}`,
          );
        }),
      );
    }),
    check("completions end at a stop token or at the limit", async (engine) => {
      for (const { tokens, logprobs, finish } of await engine.sample(requests, settings)) {
        const stopped = settings.stop.includes(tokens[tokens.length - 1]);
        must(tokens.length >= 1 && tokens.length <= settings.maxTokens, `${tokens.length} tokens were sampled`);
        must(
          tokens.length === logprobs.length && logprobs.every((p) => p <= 1e-6),
          "log-probabilities must be one per token, not above 0",
        );
        must(
          stopped === (finish === "stop"),
          `finish is ${finish}, yet the last token ${stopped ? "is" : "is not"} a stop token`,
        );
        must(!tokens.slice(0, -1).some((token) => settings.stop.includes(token)), "a completion goes on after a stop token");
      }
    }),
    check("gradients add up over calls and are forgotten on request", async (engine) => {
      if (!engine.facts.readsGradient) return "not applicable";
      const completions = await engine.sample(requests, settings);
      await imitate(engine, completions);
      const once = await engine.gradient();
      await imitate(engine, completions);
      const twice = await engine.gradient();
      must(
        once.some((x) => x !== 0),
        "the gradient is zero",
      );
      must(
        once.every((x, i) => Math.abs(2 * x - twice[i]) < 1e-5 + 1e-3 * Math.abs(x)),
        "two equal calls do not give twice the gradient",
      );
      await engine.clearGradient();
      must(
        (await engine.gradient()).every((x) => x === 0),
        "the gradient was not cleared",
      );
    }),
    check("imitation makes the imitated likelier", async (engine) => {
      const completions = await engine.sample(requests, settings);
      const { loss } = await imitate(engine, completions);
      const { gradientNorm } = await engine.step(adam);
      must(Number.isNaN(gradientNorm) || gradientNorm > 0, "the gradient vanished");
      for (let i = 0; i < 4; i++) {
        await imitate(engine, completions);
        await engine.step(adam);
      }
      const { loss: later } = await imitate(engine, completions);
      must(later < loss, `the loss went from ${loss} to ${later}`);
    }),
    check("losses are sums: a batch moves the model as its parts do, and PPO as cross entropy", async (engine) => {
      if (!freeAdam) return "not applicable";
      const completions = await engine.sample(requests, settings);
      const now = () => scores(engine, completions);
      type Example = PpoExample & CrossEntropyExample;
      /** Examples of completions, weighted 1 in cross entropy and -1 in PPO. */
      const examplesOf = async (part: readonly number[]): Promise<Example[]> => {
        const old = await now();
        return part.map((i) => {
          const completion = completions[i].tokens;
          const fill = (value: number) => completion.map(() => value);
          return { prompt: prompts[i], completion, logprobs: old[i], weights: fill(1), advantages: fill(-1) };
        });
      };
      /** The same tokens, each as an example of its own. */
      const cut = ({ prompt, completion, ...rest }: Example): Example[] =>
        completion.map((token, t) => ({
          prompt: { tokens: [...prompt.tokens, ...completion.slice(0, t)], shared: prompt.shared },
          completion: [token],
          logprobs: [rest.logprobs[t]],
          weights: [1],
          advantages: [-1],
        }));
      let norm = NaN;
      /** How log-probabilities move with a step on examples, whose gradient's norm is noted. */
      const move = async (examples: readonly Example[], learningRate: number, kind: Loss["kind"] = "cross_entropy") => {
        const before = await now();
        const { temperature } = settings;
        await engine.accumulate(kind === "ppo" ? { kind, examples, clip: 0.2, temperature } : { kind, examples });
        const { gradientNorm } = await engine.step({ ...LINEAR, learningRate });
        norm = gradientNorm;
        return difference(await now(), before);
      };
      const all = prompts.map((_, i) => i);
      const head = all.slice(0, 2);
      const tail = all.slice(2);
      const wanted = 5 * tolerance;
      let learningRate = 1e-3;
      let whole = await move(await examplesOf(all), learningRate);
      for (let tries = 0; tries < 20 && size(whole) < wanted * whole.length; tries++) {
        // Twice as far at most: the movement is linear only while it is small.
        learningRate *= Math.max(2, Math.min(30, (1.2 * wanted * whole.length) / Math.max(size(whole), 1e-9)));
        whole = await move(await examplesOf(all), learningRate);
      }
      must(size(whole) >= wanted * whole.length, `training moves nothing, even at a learning rate of ${learningRate}`);
      const compare = (a: readonly number[], b: readonly number[], message: string) => {
        const share = size(a.map((x, i) => x - b[i])) / size(a);
        must(share < 0.25, `${message}: they differ by ${(100 * share).toFixed(0)}% of the movement`);
      };
      const [first, second] = [
        await move(await examplesOf(head), learningRate),
        await move(await examplesOf(tail), learningRate),
      ];
      whole = await move(await examplesOf(all), learningRate);
      if (!Number.isNaN(norm)) {
        // A step of -s g, where g is c times the gradient wanted, raises the sum by s |g|^2 / c.
        const c = ((learningRate / LINEAR.epsilon) * norm ** 2) / whole.reduce((sum, x) => sum + x, 0);
        must(c > 0.8 && c < 1.25, `the gradient is ${c.toFixed(3)} times that of the sum over tokens`);
      }
      compare(
        whole,
        first.map((x, i) => x + second[i]),
        "a batch does not move the model as its parts do",
      );
      const pieces = (await examplesOf(all)).flatMap(cut);
      compare(whole, await move(pieces, learningRate), "a completion does not move the model as its tokens do");
      const back = await move(await examplesOf(all), learningRate, "ppo");
      compare(
        whole,
        back.map((x) => -x),
        "PPO at ratio 1 does not move the model as cross entropy does",
      );
    }),
    check("a snapshot stays as it was", async (engine) => {
      if (!engine.facts.frozenSnapshots) return "not applicable";
      const snapshot = await engine.snapshot();
      const before = await snapshot.sample(requests, settings);
      const scored = await scores(snapshot, before);
      await imitate(engine, before);
      await engine.step(adam);
      const after = await scores(snapshot, before);
      if (engine.facts.reproducible === false) near(scored, after, "training changed what a snapshot scores");
      else {
        must(same(before, await snapshot.sample(requests, settings)), "training changed what a snapshot samples");
        must(same(scored, after), "training changed what a snapshot scores");
      }
      must(!same(scored, await scores(engine, before)), "training changed nothing in the engine");
      await snapshot.release();
    }),
    check("save and load continue to the same bytes", async (engine) => {
      const folder = await mkdtemp(join(tmpdir(), "sepo-engine-"));
      try {
        const completions = await engine.sample(requests, settings);
        await imitate(engine, completions);
        await engine.step(adam);
        await engine.save(folder);
        const other = await create();
        await other.load(folder);
        // Away from what was imitated, which goes another way without the moments of the step before.
        for (const each of [engine, other]) {
          await imitate(each, completions, -1 / prompts.length);
          await each.step(adam);
        }
        if (engine.facts.reproducible === false)
          near(await scores(engine, completions), await scores(other, completions), "the loaded engine went another way");
        else
          must(
            same(await engine.sample(requests, settings), await other.sample(requests, settings)),
            "the loaded engine went another way",
          );
        await other.release();
      } finally {
        await rm(folder, { recursive: true });
      }
    }),
    check("what is not a number is never learned", async (engine) => {
      const completions = await engine.sample(requests, settings);
      const before = await scores(engine, completions);
      const learning = Promise.all([imitate(engine, completions, Number.NaN), engine.step(adam)]);
      const refused = await learning.then(
        () => false,
        (error: unknown) => error instanceof EngineError,
      );
      must(refused, "a loss with weights that are not numbers was learned from without an error");
      await engine.clearGradient();
      near(await scores(engine, completions), before, "the model changed");
    }),
    check("a folder without a checkpoint is an error that names it", async (engine) => {
      const message = await engine.load(join(tmpdir(), "sepo-no-such-folder")).then(
        () => "",
        (error: unknown) => (error instanceof Error ? error.message : ""),
      );
      must(message.includes("sepo-no-such-folder"), `expected an error naming the folder, got "${message}"`);
    }),
  ];
}
