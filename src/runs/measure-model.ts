/** Measuring a chat model: plays and reports, without a folder. */
import { type AgentReport, reportAgent } from "../evaluation/report.ts";
import { planned } from "../evaluation/precision.ts";
import { bySamples } from "../evaluation/sampled-actions.ts";
import { type GameReplies, Replies } from "../evaluation/sampled-replies.ts";
import type { WordingName } from "../games/index.ts";
import type { ChatModel } from "../models/chat-model.ts";
import { type Price, costOf } from "../models/cost.ts";
import { type Consumption, type MeteredModel, metered } from "../models/meter.ts";
import { differenceOfObjectives } from "../objective/compare.ts";
import { type EpisodeMeans, meansOf } from "../objective/objective.ts";
import type { Roster } from "../opponents/index.ts";
import { chatPlayer } from "../play/players/chat.ts";
import { objectiveSettings, scoreEpisode } from "../play/score.ts";
import { type Estimate, estimateOf } from "../stats/estimate.ts";
import { transcriptOf } from "./transcript.ts";

/** The games in other words. */
export interface WordedRosters {
  readonly wording: WordingName;
  readonly rosters: readonly Roster[];
}

/** The same scenarios in other words. */
export interface WordedReport {
  readonly wording: WordingName;
  readonly report: AgentReport;
  readonly replies: readonly GameReplies[];
  /** J in these words minus J in those of the main report, paired by scenario. */
  readonly differences: readonly { readonly game: string; readonly difference: Estimate }[];
}

export interface MeasureModelOptions {
  readonly name: string;
  readonly seed: number;
  readonly episodes: number;
  /** Instead of `episodes`: the half width that J's interval shall have. */
  readonly precision?: number;
  readonly positions: number;
  readonly samples: number;
  /** The user's own system prompt, before the rules. */
  readonly system?: string;
  /** Further wordings that are measured and compared with the main one. */
  readonly worded?: readonly WordedRosters[];
  readonly price?: Price;
  readonly concurrency?: number;
  /** The command that makes a report of so many episodes again. */
  readonly command: (episodes: number) => string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (finished: number, episodes: number) => void;
  readonly onMessage?: (text: string) => void;
}

/** What was found, as it is written to disk. */
export interface Found {
  readonly report: AgentReport;
  readonly replies: readonly GameReplies[];
  readonly wordings?: readonly WordedReport[];
  /** Of this report: all calls, and of them the clarifying turns. */
  readonly consumption: { readonly all: Consumption; readonly clarifying: Consumption };
  /** In dollars, where a price is known. */
  readonly cost?: { readonly price: Price; readonly all: number; readonly clarifying: number };
}

export interface Measured {
  readonly found: Found;
  readonly episodes: number;
  /** Lines of JSON. */
  readonly transcripts: readonly string[];
}

/** One set of rosters, played. */
interface Played {
  readonly report: AgentReport;
  readonly replies: readonly GameReplies[];
  readonly transcripts: readonly string[];
  /** By game. */
  readonly means: ReadonlyMap<string, readonly (EpisodeMeans & { readonly index: number })[]>;
}

/** Plays a model in every game, then in every further wording. */
export async function measureModel(
  model: ChatModel,
  rosters: readonly Roster[],
  options: MeasureModelOptions,
): Promise<Measured> {
  const { precision, price, worded = [], onMessage } = options;
  let meter = metered(model);
  let last: { readonly played: Played; readonly episodes: number } | undefined;
  const measure = async (episodes: number): Promise<AgentReport> => {
    meter = metered(model);
    const played = await play(meter, rosters, episodes, options);
    last = { played, episodes };
    return played.report;
  };
  await planned(measure, options.episodes, precision, onMessage);
  if (last === undefined) throw new RangeError("nothing was played");
  const { played, episodes } = last;
  const others: { readonly wording: WordingName; readonly played: Played }[] = [];
  for (const { wording, rosters: own } of worded) others.push({ wording, played: await play(meter, own, episodes, options) });
  const consumption = meter.total();
  const cost = price && { price, all: costOf(price, consumption.all), clarifying: costOf(price, consumption.clarifying) };
  const wordings = others.map(({ wording, played: other }) => wordedReport(wording, other, played, rosters));
  return {
    found: {
      report: played.report,
      replies: played.replies,
      ...(wordings.length === 0 ? {} : { wordings }),
      consumption,
      ...(cost === undefined ? {} : { cost }),
    },
    episodes,
    transcripts: [played, ...others.map((other) => other.played)].flatMap(({ transcripts }) => transcripts),
  };
}

async function play(
  model: MeteredModel,
  rosters: readonly Roster[],
  episodes: number,
  options: MeasureModelOptions,
): Promise<Played> {
  const { name, seed, positions, samples, system, concurrency, signal, onProgress } = options;
  const { temperature } = model.settings;
  const player = chatPlayer(model, { name, ...(system === undefined ? {} : { system }) });
  const replies = new Replies();
  const transcripts: string[] = [];
  const means = new Map<string, (EpisodeMeans & { index: number })[]>();
  const report = await reportAgent(
    rosters,
    { player, measure: bySamples(player, { samples, ...(temperature === undefined ? {} : { temperature }) }) },
    {
      name,
      seed,
      episodes,
      positions,
      command: options.command(episodes),
      ...(concurrency === undefined ? {} : { concurrency }),
      ...(signal === undefined ? {} : { signal }),
      ...(onProgress === undefined ? {} : { onProgress }),
      onEpisode: (episode, index) => {
        const { name: game } = episode.spec.game.facts;
        replies.add(episode);
        transcripts.push(
          `${JSON.stringify(transcriptOf(episode, { step: 0, seed, ...(system === undefined ? {} : { system }) }))}\n`,
        );
        means.set(game, [...(means.get(game) ?? []), { ...meansOf(scoreEpisode(episode)), index }]);
      },
    },
  );
  return { report, replies: rosters.map((roster) => replies.of(roster)), transcripts, means };
}

function wordedReport(wording: WordingName, own: Played, main: Played, rosters: readonly Roster[]): WordedReport {
  const { report, replies } = own;
  const differences = rosters.map(({ game: { facts } }) => {
    const [first, second] = [own, main].map(({ means }) => means.get(facts.name) ?? []);
    return { game: facts.name, difference: estimateOf(differenceOfObjectives(first, second, objectiveSettings(facts))) };
  });
  return { wording, report, replies, differences };
}
