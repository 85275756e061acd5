/** The evaluation of a finished stage, made from the stage's own checkpoint and made again when anything it depends on differs. */
import type { Connection } from "../engines/driver.ts";
import { type AgentReport, reportAgent } from "../evaluation/report.ts";
import type { Episode } from "../play/episodes.ts";
import { modelPlayer } from "../play/players/model.ts";
import { type Agent, modelOf, openAgent, rostersOf } from "../runs/agent.ts";
import { hashOf } from "../runs/checkpoint.ts";
import { fileOf } from "../runs/read.ts";
import type { Run } from "../runs/run.ts";
import { type StoredScores, scoresOf } from "../runs/scores.ts";
import type { RunEvent, Stage } from "../runs/stages.ts";
import { VERSION } from "../version.ts";

interface Options {
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: RunEvent) => void;
}

/** Episodes against each opponent whose transcripts are kept with a report. */
const KEPT_EPISODES = 4;

/** The stage's report; measured with the agent in training when its weights are those of the stage, otherwise with its checkpoint. */
export async function evaluateStage(
  stage: Stage,
  run: Run,
  agent: Agent,
  connection: Connection,
  { onEvent, signal }: Options,
): Promise<AgentReport> {
  const { evaluation, seed } = run.config;
  const { episodes, concurrency, positions } = evaluation;
  const folder = fileOf.checkpoint(run.folder, stage);
  const provenance = { checkpoint: await hashOf(folder), seed, episodes, positions, version: VERSION };
  const known = await run.report(stage, provenance);
  if (known !== undefined) return known;
  const current = run.newest === folder;
  const measured = current ? agent : await openAgent(folder, connection);
  const model = modelOf(measured);
  const kept: Episode[] = [];
  const scores: StoredScores[number][] = [];
  const report = await reportAgent(
    rostersOf(measured),
    { player: modelPlayer("agent", model), model },
    {
      name: stage,
      seed,
      command: `sepo evaluate ${folder} --episodes ${episodes} --seed ${seed} --positions ${positions}`,
      episodes,
      concurrency,
      positions,
      onEpisode: (episode, index) => void (index < KEPT_EPISODES && kept.push(episode)),
      onMeasured: (game, measured) => void scores.push(...scoresOf(game, measured)),
      onProgress: (finished, all) => onEvent?.({ kind: "evaluating", stage, finished, episodes: all }),
      ...(signal === undefined ? {} : { signal }),
    },
  );
  await run.writeReport(stage, provenance, report, { kept, scores });
  if (!current) await measured.engine.release();
  return report;
}
