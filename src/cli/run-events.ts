/** The events of a run as lines of progress. */
import type { RunEvent } from "../runs/stages.ts";
import type { Progress } from "./progress.ts";

/** Shows events as they come. `began` is when the run was started, in milliseconds. */
export function runEventLines(progress: Progress, began: number, now: () => number = () => performance.now()) {
  /** The step in progress is shown beside the last one. */
  let last = "";
  let pace: { readonly stage: string; readonly at: number; readonly step: number } | undefined;

  const step = ({ stage, step: done, steps, metrics }: Extract<RunEvent, { kind: "step" }>, time: string): void => {
    if (pace?.stage !== stage) pace = { stage, at: now(), step: done };
    const shown = Object.entries(metrics).filter(
      ([key]) => key === "loss" || key.endsWith("/safety_index") || key === "entropy" || key.endsWith("failure_rate"),
    );
    const numbers = shown.map(([key, value]) => `${key} ${value.toFixed(3)}`).join("  ");
    const perStep = done === pace.step ? undefined : (now() - pace.at) / (done - pace.step);
    const left = perStep === undefined || done === steps ? "" : `  ${inWords(perStep * (steps - done))} left of ${stage}`;
    last = `${time} ${stage} ${done}/${steps} ${numbers}${left}`;
    if (done === steps || done % 20 === 0) progress.note(last);
    else progress.show(last);
  };

  return (event: RunEvent): void => {
    const time = `${((now() - began) / 1000).toFixed(0)} s`;
    switch (event.kind) {
      case "step":
        return step(event, time);
      case "playing":
        if (event.finished % 16 === 0 || event.finished === event.episodes)
          progress.show(`${last}  playing ${event.step}: ${event.finished}/${event.episodes} episodes`.trimStart());
        return;
      case "checkpoint":
        return progress.show(`${time} saved ${event.folder}`);
      case "evaluating":
        if (event.finished % 64 === 0)
          progress.show(`${time} evaluating ${event.stage}: ${event.finished}/${event.episodes} episodes`);
        last = "";
        return;
      case "engine":
        return progress.show(`${time} ${event.text}`);
      case "warning":
        return progress.note(`${time} warning: ${event.text}`);
      case "evaluated": {
        const values = event.report.games.map(({ game, objective }) => `${game} J ${objective.safetyIndex.value.toFixed(3)}`);
        progress.note(`${time} evaluated ${event.stage}: ${values.join(", ")}`);
        last = "";
      }
    }
  };
}

/** Milliseconds as `40 s`, `12 min` or `3 h`. */
function inWords(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 100) return `${seconds.toFixed(0)} s`;
  return seconds < 100 * 60 ? `${(seconds / 60).toFixed(0)} min` : `${(seconds / 3600).toFixed(0)} h`;
}
