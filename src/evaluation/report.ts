/** The whole evaluation of one agent, as it is written to disk: a report per game, action probabilities, the worst case. */
import type { Policy } from "../games/index.ts";
import { POOLS, type Roster } from "../opponents/index.ts";
import type { LanguageModel } from "../play/language-model.ts";
import type { Player } from "../play/player.ts";
import { type Key, foldIn, seedKey } from "../random.ts";
import type { Estimate } from "../stats/estimate.ts";
import { hasExactIndex } from "../solvers/optimum.ts";
import { abstractViews } from "../solvers/walk.ts";
import { type EvaluationOptions, type MeasuredEpisode, playAll, simulateAll } from "./episodes.ts";
import { type GameReport, reportOf } from "./evaluate.ts";
import {
  type MeasureActions,
  POSITIONS,
  type PolicyRow,
  byDecisions,
  byScores,
  policyTable,
  probabilityOf,
} from "./action-table.ts";
import { exactIndex, tableIndex } from "./table-index.ts";
import {
  type WorstCase,
  exactWorstCase,
  hasExactWorstCase,
  responderRoster,
  sampledWorstCase,
  tableWorstCase,
} from "./worst-case.ts";

export interface ActionRow {
  readonly key: string;
  readonly met: boolean;
  readonly actions: readonly {
    readonly action: string;
    readonly probability: Estimate;
    /** The roster's reference policy at the same key. */
    readonly reference: number;
  }[];
}

export interface AgentReport {
  readonly agent: string;
  readonly seed: number;
  readonly command: string;
  readonly games: readonly (GameReport & {
    readonly referencePolicy: string;
    /** Empty for scripted policies and where the game cannot be enumerated. */
    readonly actionTable: readonly ActionRow[];
    /** J of the action table, exactly; of a scripted policy, its own. Absent where J cannot be enumerated. */
    readonly tableIndex?: Estimate;
    readonly worstCase?: WorstCase;
  })[];
}

export interface AgentReportOptions extends Omit<EvaluationOptions, "onProgress"> {
  /** Called as episodes finish: how many have, and of how many in all games. */
  readonly onProgress?: (finished: number, episodes: number) => void;
  readonly name: string;
  readonly seed: number;
  /** The command that makes this report again. */
  readonly command: string;
  /** Positions per information key at which action probabilities are measured. */
  readonly positions?: number;
  /** Given the episodes of each game, which paired differences are made from. */
  readonly onMeasured?: (game: string, episodes: readonly MeasuredEpisode[]) => void;
}

/** The root of an evaluation's randomness; the same for every agent. */
export const evaluationKey = (seed: number): Key => foldIn(seedKey(seed), "evaluation");

/** Whoever is evaluated. */
export interface Subject {
  readonly player: Player;
  /** Present where token probabilities can be read: then action probabilities are scored, otherwise counted from decisions. */
  readonly model?: LanguageModel;
  /** How action probabilities are measured instead. */
  readonly measure?: MeasureActions;
}

/** Evaluates a player on games; the same seed gives every agent the same scenarios. */
export async function reportAgent(
  rosters: readonly Roster[],
  { player, model, measure = model === undefined ? byDecisions(player) : byScores(model) }: Subject,
  { name, seed, command, positions = POSITIONS, onMeasured, onProgress, ...options }: AgentReportOptions,
): Promise<AgentReport> {
  const key = evaluationKey(seed);
  const parts = rosters.flatMap((roster) => [roster, ...(hasExactWorstCase(roster.game) ? [] : [responderRoster(roster)])]);
  const all = parts.reduce((sum, part) => sum + episodesAgainst(part, options.episodes), 0);
  let before = 0;
  /** Plays a part, told of as a share of all. */
  const play = async (part: Roster, own: EvaluationOptions) => {
    const progress = onProgress && { onProgress: (finished: number) => onProgress(before + finished, all) };
    const played = await playAll(part, player, key, { ...own, ...progress });
    before += episodesAgainst(part, options.episodes);
    return played;
  };
  const reports: AgentReport["games"][number][] = [];
  for (const roster of rosters) {
    const { game, reference } = roster;
    const { met, measured } = await play(roster, options);
    onMeasured?.(game.facts.name, measured);
    const report = { ...reportOf(roster, measured), referencePolicy: reference.name };
    if (hasExactWorstCase(game)) {
      const tableKey = foldIn(key, game.facts.name, "table");
      const rows = await policyTable(game, met, measure, tableKey, positions);
      const worstCase = tableWorstCase(roster, rows, foldIn(key, game.facts.name, "bootstrap"));
      const index = hasExactIndex(game.facts) ? { tableIndex: tableIndex(roster, rows, foldIn(tableKey, "index")) } : {};
      reports.push({ ...report, actionTable: actionRows(roster, rows), ...index, worstCase });
    } else {
      const { onEpisode: _, ...quietly } = options;
      const responses = await play(responderRoster(roster), quietly);
      reports.push({ ...report, actionTable: [], worstCase: sampledWorstCase(responses.measured, game.facts) });
    }
  }
  return { agent: name, seed, command, games: reports };
}

const episodesAgainst = ({ pools }: Roster, episodes: number): number =>
  POOLS.reduce((sum, pool) => sum + pools[pool].length, 0) * episodes;

/** Evaluates a scripted policy of one game. */
export function reportPolicy(
  roster: Roster,
  policy: Policy,
  { name, seed, command, ...options }: Omit<AgentReportOptions, "onProgress">,
): AgentReport {
  const key = evaluationKey(seed);
  const worstCase = hasExactWorstCase(roster.game)
    ? exactWorstCase(roster, policy)
    : sampledWorstCase(simulateAll(responderRoster(roster), policy, key, options), roster.game.facts);
  const report = reportOf(roster, simulateAll(roster, policy, key, options));
  const index = hasExactIndex(roster.game.facts) ? { tableIndex: exactIndex(roster, policy) } : {};
  return {
    agent: name,
    seed,
    command,
    games: [{ ...report, referencePolicy: roster.reference.name, actionTable: [], ...index, worstCase }],
  };
}

function actionRows({ game, reference }: Roster, rows: readonly PolicyRow[]): ActionRow[] {
  const views = abstractViews(game, [0]);
  return rows.map((row): ActionRow => {
    const expected = new Map(reference.act(views.get(row.key)));
    return {
      key: row.key,
      met: row.met,
      actions: row.actions.map((action) => ({
        action,
        probability: probabilityOf(row, action),
        reference: expected.get(action) ?? 0,
      })),
    };
  });
}
