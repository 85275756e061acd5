/** Evaluations that are as long as a wanted precision needs. */
import { GameError } from "../games/index.ts";
import { planEpisodes } from "../stats/compare.ts";
import type { AgentReport } from "./report.ts";

/** Episodes per opponent of the pilot that decides. */
const PILOT = 100;
/** More than anybody has the time or memory for. */
const MOST = 200_000;

/**
 * The report of `episodes` episodes per opponent, or with a `precision` of so many that J's interval is at most that wide to each side,
 * judged by a pilot. Throws `GameError` when that is more than can be played.
 */
export async function planned(
  measure: (episodes: number) => Promise<AgentReport>,
  episodes: number,
  precision: number | undefined,
  onNote?: (text: string) => void,
): Promise<AgentReport> {
  if (precision === undefined) return measure(episodes);
  const pilot = await measure(PILOT);
  const needed = Math.max(...pilot.games.map(({ objective }) => planEpisodes(objective.safetyIndex, PILOT, precision)));
  if (!(needed <= MOST))
    throw new GameError(
      `a precision of ${precision} needs ${needed.toExponential(1)} episodes per opponent; at most ${MOST} can be asked for`,
    );
  onNote?.(`a pilot of ${PILOT} episodes asks for ${needed} per opponent`);
  return measure(needed);
}
