/**
 * The directory in which a chat model's answers are kept: like a run's, with the calls in the place of checkpoints.
 *
 *     evaluation.json        what was asked: the model, its settings, games, seed, episodes
 *     calls.jsonl            the cassette: every answer, one per line; an evaluation that was killed goes on from it
 *     modules/               copies of the user's own games
 *     evaluation/model.json  the report, what became of the replies, what it cost
 *     evaluation/model.jsonl every episode, one per line
 *     finished.json          when the last call of the report had been answered; nothing else knows a clock
 */
import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { FileError, jsonText, makeFolder, removeFolders, writeWhole } from "../files.ts";
import { GAME_NAMES, PROTOCOLS, WORDINGS } from "../games/index.ts";
import { readJson } from "../json.ts";
import { type Cassette, type RecordedModel, canonical, openCassette, settingsSchema } from "../models/cassette.ts";
import type { ChatModel } from "../models/chat-model.ts";
import { type Price, budgeted, costOf, tokensOf } from "../models/cost.ts";
import { type LimitOptions, limited } from "../models/limits.ts";
import type { Roster } from "../opponents/index.ts";
import { VERSION } from "../version.ts";
import { ConfigError, gameSection } from "./config.ts";
import { type RunGame, keptSections, openGames, saveModules } from "./games.ts";
import { lockFolder } from "./lock.ts";

export const evaluationFile = {
  asked: (folder: string) => join(folder, "evaluation.json"),
  calls: (folder: string) => join(folder, "calls.jsonl"),
  finished: (folder: string) => join(folder, "finished.json"),
  reports: (folder: string) => join(folder, "evaluation"),
  report: (folder: string) => join(folder, "evaluation", "model.json"),
  episodes: (folder: string) => join(folder, "evaluation", "model.jsonl"),
} as const;

const askedSchema = z.strictObject({
  version: z.string(),
  agent: z.string(),
  provider: z.string(),
  model: z.string(),
  settings: settingsSchema,
  /** The user's own system prompt, which stands before the rules. */
  system: z.string().exactOptional(),
  games: z.array(z.string()),
  /** Sections of the games, where one is not the standard game; modules by their copies. */
  sections: z.record(z.string(), gameSection).exactOptional(),
  /** Further wordings in which the games were played. */
  wordings: z.array(z.enum(WORDINGS)).exactOptional(),
  protocol: z.enum(PROTOCOLS),
  seed: z.number().int(),
  episodes: z.number().int(),
  /** Positions per information key at which action probabilities are measured, and answers at each. */
  positions: z.number().int(),
  samples: z.number().int(),
});
export type Asked = z.infer<typeof askedSchema>;

const fail = (message: string, options?: ErrorOptions) => new FileError(message, options);

const sizeOf = (path: string): Promise<number> =>
  stat(path).then(
    ({ size }) => size,
    () => 0,
  );

export const isModelEvaluation = async (folder: string): Promise<boolean> => (await sizeOf(evaluationFile.asked(folder))) > 0;
export const hasModelReport = async (folder: string): Promise<boolean> => (await sizeOf(evaluationFile.report(folder))) > 0;

/** What an evaluation was asked to do. Throws `FileError`. */
export const readAsked = (folder: string): Promise<Asked> =>
  readJson(evaluationFile.asked(folder), askedSchema, "the directory of an evaluation", fail);

/** The games that an evaluation's main report is about. */
export const askedGames = ({ games, sections, protocol }: Asked, folder: string): Promise<RunGame[]> =>
  openGames({ games: sections ?? Object.fromEntries(games.map((name) => [name, {}])), protocol }, folder);

export interface AskedOptions {
  readonly name: string;
  readonly seed: number;
  readonly episodes: number;
  readonly positions: number;
  readonly samples: number;
  readonly system?: string;
  readonly wordings?: Asked["wordings"];
  /** The games as they were opened, where modules are among them: their copies are kept. */
  readonly games?: readonly RunGame[];
}

export function askedOf(
  { provider, model, settings }: ChatModel,
  rosters: readonly Roster[],
  { name, seed, episodes, positions, samples, system, wordings = [], games }: AskedOptions,
): Asked {
  const sections = games === undefined ? sectionsOf(rosters) : keptSections(games);
  const standard = Object.entries(sections).every(([name, section]) => isBuiltIn(name) && Object.keys(section).length === 0);
  return {
    version: VERSION,
    agent: name,
    provider,
    model,
    settings: { ...settings },
    ...(system === undefined ? {} : { system }),
    games: rosters.map(({ game }) => game.facts.name),
    ...(standard ? {} : { sections }),
    ...(wordings.length === 0 ? {} : { wordings }),
    protocol: rosters[0].game.facts.protocol,
    seed,
    episodes,
    positions,
    samples,
  };
}

const isBuiltIn = (name: string): boolean => GAME_NAMES.some((known) => known === name);

/** Sections of built-in games; a roster made elsewhere has none that would open it again. */
const sectionsOf = (rosters: readonly Roster[]) =>
  rosters.every(({ game }) => isBuiltIn(game.facts.name))
    ? Object.fromEntries(rosters.map(({ game }) => [game.facts.name, { ...game.facts.options }]))
    : {};

export interface RecordingOptions extends LimitOptions {
  readonly games?: readonly RunGame[];
  readonly price?: Price;
  /** Dollars; nothing is asked without a price. */
  readonly maxCost?: number;
  /** Whether what an evaluation in the folder was asked stays as it is, as only more answers are wanted. */
  readonly visiting?: boolean;
}

/** A model whose answers a folder keeps, while it is open. */
export interface Recording {
  readonly model: RecordedModel;
  /** Whether anything was asked that the folder did not hold. */
  asked(): boolean;
  /** Waits for calls under way. A folder to which no answer came is left as it was. */
  close(): Promise<void>;
}

/**
 * Opens a folder for the answers of a model. Throws `ConfigError` for a folder of another model, of other settings or of another system prompt.
 */
export async function openRecording(
  folder: string,
  model: ChatModel,
  asked: Asked,
  options: RecordingOptions,
): Promise<Recording> {
  const made = await makeFolder(folder);
  const lock = await lockFolder(folder);
  const leave = async () => {
    await lock.release();
    await removeFolders(made);
  };
  try {
    await refuseOther(folder, asked);
    const cassette = await openCassette(evaluationFile.calls(folder));
    if (options.visiting !== true || !(await isModelEvaluation(folder))) {
      await writeWhole(evaluationFile.asked(folder), jsonText(asked));
      if (options.games !== undefined) await saveModules(options.games, folder);
    }
    const counted = counting(withinBudget(limited(model, options), cassette, options));
    const recorded = cassette.record(counted.model);
    return {
      model: recorded,
      asked: () => counted.calls() > 0,
      async close() {
        await recorded.settle();
        if ((await sizeOf(evaluationFile.calls(folder))) === 0) await forget(folder);
        await leave();
      },
    };
  } catch (error) {
    await leave();
    throw error;
  }
}

async function forget(folder: string): Promise<void> {
  for (const file of [evaluationFile.calls, evaluationFile.asked]) await rm(file(folder), { force: true });
  await rm(join(folder, "modules"), { recursive: true, force: true });
}

function counting(model: ChatModel) {
  let calls = 0;
  const counted: ChatModel = {
    ...model,
    generate(request, signal) {
      calls++;
      return model.generate(request, signal);
    },
  };
  return { model: counted, calls: () => calls };
}

type Whose = Pick<Asked, "provider" | "model" | "settings" | "system">;

async function refuseOther(folder: string, asked: Asked): Promise<void> {
  if (!(await isModelEvaluation(folder))) {
    if ((await sizeOf(join(folder, "config.json"))) > 0)
      throw new ConfigError(`${folder} holds a training run; choose another --out`);
    return;
  }
  const before = await readAsked(folder);
  const same = ({ provider, model, settings, system }: Whose) => canonical([provider, model, settings, system]);
  const described = ({ provider, model, settings, system }: Whose) =>
    `${provider}:${model} with settings ${JSON.stringify(settings)} and ${system === undefined ? "no system prompt" : `the system prompt ${JSON.stringify(system.slice(0, 40))}`}`;
  if (same(before) !== same(asked))
    throw new ConfigError(
      `${folder} holds an evaluation of ${described(before)}, not of ${described(asked)}; choose another --out`,
    );
}

function withinBudget(model: ChatModel, { before }: Cassette, { price, maxCost }: RecordingOptions): ChatModel {
  if (maxCost === undefined) return model;
  if (price === undefined) throw new ConfigError("a cost limit needs a price: dollars per million tokens, input and output");
  const spent = before.reduce((sum, { answer }) => sum + costOf(price, tokensOf(answer)), 0);
  return budgeted(model, { price, most: maxCost, spent });
}
