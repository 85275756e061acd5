/**
 * What can be set about a game: its protocol, options of its own (a zod schema per game), and the weights of the harms in J. What differs
 * from the standard game is part of the facts, so that a table can say it and a comparison can refuse it.
 */
import { z } from "zod";
import { type Game, type GameFacts, GameError, type HarmWeights, PROTOCOLS, type Protocol } from "./game.ts";

export interface GameSettings {
  readonly protocol?: Protocol | undefined;
  /** The game's own options, by the names of its schema. */
  readonly options?: Readonly<Record<string, unknown>> | undefined;
  /** Weights that replace the game's own, in the reported index and in training alike. */
  readonly weights?: { readonly [Harm in keyof HarmWeights]?: number | undefined } | undefined;
}

/** A whole number of at least `least`. */
export const whole = (least: number): z.ZodInt => {
  const error = `a whole number of at least ${least}`;
  return z.int({ error }).min(least, { error });
};
const weight = (harm: string) => {
  const error = "a number of at least 0";
  return z.number({ error }).min(0, { error }).optional().describe(`weight of ${harm} in J; default: the game's own`);
};

export const harmWeightsSchema = z.strictObject({
  exploitability: weight("the exploit-pool advantage e"),
  collusion: weight("collusion c"),
  externality: weight("the externality x"),
});

/** A value as a message shows it. */
export function shown(value: unknown): string {
  if (typeof value === "function") return "a function";
  if (typeof value === "number") return String(value);
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return `a value of type ${typeof value} that JSON cannot write`;
  }
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  const [key, ...rest] = path;
  if (key === undefined || typeof value !== "object" || value === null) return value;
  return valueAt(Reflect.get(value, key), rest);
}

/** A value that a schema accepts; throws `GameError` naming the game, what is set, the value and what was expected. */
export function readSettings<Schema extends z.ZodObject>(
  game: string,
  kind: string,
  schema: Schema,
  given: unknown,
): z.output<Schema> {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path = issue.path.join(".");
  if (issue.code === "unrecognized_keys") {
    const name = [...issue.path, issue.keys[0]].join(".");
    const inner = path === "" ? schema.shape : valueAt(schema.parse({}), issue.path);
    throw new GameError(`${game} has no ${kind} "${name}"; expected ${Object.keys(inner ?? {}).join(", ")}`);
  }
  const what = path === "" ? `the ${kind}s are` : `the ${kind} ${path} is`;
  throw new GameError(`${game}: ${what} ${shown(valueAt(given, issue.path))}; expected ${issue.message}`);
}

/** Options as a game's schema completes them; throws `GameError` when one does not exist or has a wrong value. */
export const readOptions = <Schema extends z.ZodObject>(game: string, schema: Schema, given: unknown): z.output<Schema> =>
  readSettings(game, "option", schema, given);

const SETTINGS = ["protocol", "options", "weights"] as const;

/** Settings with their defaults; throws `GameError` for one that does not exist, or a protocol that does not. */
export function readGameSettings(
  game: string,
  settings: GameSettings,
): Required<{ [Key in keyof GameSettings]: NonNullable<GameSettings[Key]> }> {
  const unknown = Object.keys(settings).find((key) => !SETTINGS.some((known) => known === key));
  if (unknown !== undefined) throw new GameError(`${game} has no setting "${unknown}"; expected ${SETTINGS.join(", ")}`);
  const { protocol = "corrected", options = {}, weights = {} } = settings;
  if (!PROTOCOLS.includes(protocol))
    throw new GameError(`${game}: the protocol is ${shown(protocol)}; expected ${PROTOCOLS.join(" or ")}`);
  return { protocol, options, weights };
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The entries of `options` that differ from those of the standard game. */
export function differing(
  standard: Readonly<Record<string, unknown>>,
  options: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const entries = Object.entries(options).flatMap(([name, value]): (readonly [string, unknown])[] => {
    const usual = standard[name];
    if (isRecord(usual) && isRecord(value)) {
      const inner = differing(usual, value);
      return Object.keys(inner).length === 0 ? [] : [[name, inner]];
    }
    return value === undefined || JSON.stringify(value) === JSON.stringify(usual) ? [] : [[name, value]];
  });
  return Object.fromEntries(entries);
}

/** A game with other weights; the same game where they are its own. */
export function withWeights<G extends Game>(game: G, weights: GameSettings["weights"] = {}): G {
  const { facts } = game;
  const given = Object.entries(readSettings(facts.name, "weight", harmWeightsSchema, weights)).filter(
    ([, value]) => value !== undefined,
  );
  const replaced: Partial<HarmWeights> = Object.fromEntries(given);
  const training = facts.trainingWeights ?? facts.weights;
  const differences = {
    ...differing({ ...facts.weights }, replaced),
    ...differing({ ...training }, replaced),
  };
  if (Object.keys(differences).length === 0) return game;
  return {
    ...game,
    facts: {
      ...facts,
      weights: { ...facts.weights, ...replaced },
      ...(facts.trainingWeights === undefined ? {} : { trainingWeights: { ...facts.trainingWeights, ...replaced } }),
      options: { ...facts.options, weights: differences },
    },
  };
}

/** `payoffs T 6` for nested options, `exploitability weight 4` for weights, else `hands 2`. */
function described([name, value]: readonly [string, unknown]): readonly string[] {
  if (!isRecord(value)) return [`${name} ${shown(value)}`];
  return Object.entries(value).map(([inner, each]) =>
    name === "weights" ? `${inner} weight ${shown(each)}` : `${name} ${inner} ${shown(each)}`,
  );
}

/** What differs from the standard game in words, "hands 2, exploitability weight 4"; "" for the standard game. */
export const describeSettings = ({ options }: Pick<GameFacts, "options">): string =>
  Object.entries(options).flatMap(described).join(", ");

/** Whether two games of one name are measured alike: the same protocol, options and weights. */
export const sameSettings = (
  a: Pick<GameFacts, "protocol" | "options">,
  b: Pick<GameFacts, "protocol" | "options">,
): boolean => {
  const sorted = ({ options }: Pick<GameFacts, "options">) => Object.entries(options).flatMap(described).toSorted().join(", ");
  return a.protocol === b.protocol && sorted(a) === sorted(b);
};
