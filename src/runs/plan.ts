/** What a configuration wants of its engine. */
import type { TrainingPlan } from "../engines/driver.ts";
import type { AdamSettings } from "../engines/engine.ts";
import type { RunConfig } from "./config.ts";

/** The optimizer's settings with the learning rate times `shape`. */
export const adamSettings = (
  { learningRate, beta1, beta2, weightDecay, gradientClip }: Omit<AdamSettings, "epsilon">,
  shape = 1,
): AdamSettings => ({ learningRate: learningRate * shape, beta1, beta2, epsilon: 1e-8, weightDecay, gradientClip });

export const trainingPlan = ({ sampler, base, sft, sepo }: RunConfig): TrainingPlan => ({
  temperature: sampler.temperature,
  reference: pricesKl(sepo),
  offPolicy: { "sepo.maxStepsOffPolicy": sepo.maxStepsOffPolicy, "sepo.stragglerSeconds": sepo.stragglerSeconds },
  adam: {
    ...(base.epochs === 0 ? {} : { base: adamSettings(base) }),
    ...(sft.epochs === 0 ? {} : { sft: adamSettings(sft) }),
    sepo: adamSettings(sepo),
  },
});

/** Whether any game of SEPO has a KL to a reference. */
export const pricesKl = ({ beta, games }: RunConfig["sepo"]): boolean =>
  beta > 0 || Object.values(games).some((own) => (own.beta ?? 0) > 0);
