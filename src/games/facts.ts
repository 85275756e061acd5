/** Facts that cannot be true of any game, for games written elsewhere. */
import { z } from "zod";
import { type GameFacts, PROTOCOLS } from "./game.ts";
import { readSettings } from "./settings.ts";

const NAME = 'a name without "/"';
const BOUNDS = "the least and the greatest payoff of a round";
const text = z.string({ error: "a text" }).min(1, { error: "a text" });
const flag = z.boolean({ error: "true or false" });
const positive = z.number({ error: "a positive number" }).positive({ error: "a positive number" });
const number = z.number({ error: "a number" });
const weight = z.number({ error: "a number of at least 0" }).min(0, { error: "a number of at least 0" });
const weights = z.object({ exploitability: weight, collusion: weight, externality: weight }, { error: "a weight per harm" });

const factsSchema = z
  .object({
    name: z.string({ error: NAME }).regex(/^[^/]+$/, { error: NAME }),
    title: text,
    protocol: z.enum(PROTOCOLS, { error: PROTOCOLS.join(" or ") }),
    options: z.record(z.string(), z.unknown(), { error: "what differs from the standard game, {} for nothing" }),
    rounds: positive,
    average: z.enum(["round", "decision"], { error: "round or decision" }),
    fixedRounds: flag,
    simultaneous: flag,
    chance: flag,
    privateInformation: flag,
    independentRounds: flag,
    sum: z.enum(["zero", "general"], { error: "zero or general" }),
    payoffBounds: z.tuple([number, number], { error: BOUNDS }).refine(([least, most]) => least <= most, { error: BOUNDS }),
    referencePayoff: positive,
    securityValue: number,
    weights,
    trainingWeights: weights.optional(),
    enumerable: flag,
    measures: z
      .array(text, { error: "a list of names" })
      .refine((names) => new Set(names).size === names.length, { error: "different names" }),
    unit: text,
  })
  .refine(({ fixedRounds, rounds }) => !fixedRounds || Number.isInteger(rounds), {
    error: "a whole number, as the rounds are fixed",
    path: ["rounds"],
  })
  .refine(({ payoffBounds: [least, most], securityValue }) => securityValue >= least && securityValue <= most, {
    error: "a number within payoffBounds",
    path: ["securityValue"],
  });

/** Throws `GameError` naming the first fact that cannot be true, its value and what was expected. */
export function checkFacts(facts: unknown): asserts facts is GameFacts {
  const name = typeof facts === "object" && facts !== null && "name" in facts ? facts.name : undefined;
  readSettings(typeof name === "string" && name !== "" ? name : "the game", "fact", factsSchema, facts);
}
