/** The whole evaluation of one agent, as it is written to disk: a report per game, action probabilities, exploitability. */
import type { SamplerSettings, Sampler } from "../engines/engine.ts";
import { rosterOf } from "../opponents/index.ts";
import type { Encoding } from "../play/encoding.ts";
import { modelPlayer } from "../play/player.ts";
import { type Key, foldIn, seedKey } from "../random.ts";
import type { Estimate } from "../stats/estimate.ts";
import { abstractViews } from "../solvers/walk.ts";
import { type EvaluationOptions, type GameReport, evaluate } from "./evaluate.ts";
import { type PolicyRow, exploitability, policyTable, probabilityOf } from "./policy-table.ts";

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
    readonly actionTable: readonly ActionRow[];
    /** Exact best response to the action table, above the security value, per round; where the game allows it. */
    readonly exactExploitability?: Estimate;
  })[];
}

export interface AgentReportOptions extends EvaluationOptions {
  readonly name: string;
  readonly seed: number;
  /** The command that makes this report again. */
  readonly command: string;
}

/** Evaluates a model on games; the same seed gives every agent the same scenarios. */
export async function reportAgent(
  games: readonly string[],
  sampler: Sampler,
  encoding: Encoding,
  settings: SamplerSettings,
  { name, seed, command, ...options }: AgentReportOptions,
): Promise<AgentReport> {
  const key = foldIn(seedKey(seed), "evaluation");
  const agent = modelPlayer(name, sampler, encoding, settings);
  const reports: AgentReport["games"][number][] = [];
  for (const game of games) {
    const { report, episodes } = await evaluate(game, agent, key, options);
    const rows = await policyTable(rosterOf(game).game, episodes, sampler, encoding, settings, foldIn(key, game, "table"));
    reports.push({ ...report, ...describeTable(game, rows, foldIn(key, game, "bootstrap")) });
  }
  return { agent: name, seed, command, games: reports };
}

function describeTable(name: string, rows: readonly PolicyRow[], key: Key) {
  const { game, reference, unit } = rosterOf(name);
  const views = abstractViews(game, [0]);
  const actionTable = rows.map((row): ActionRow => {
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
  return {
    referencePolicy: reference.name,
    actionTable,
    ...(unit === undefined ? {} : { exactExploitability: exploitability(unit, rows, key) }),
  };
}
