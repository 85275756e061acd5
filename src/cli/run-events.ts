/** The events of a run as lines of progress. */
import type { RunEvent } from "../runs/stages.ts";
import type { Progress } from "./progress.ts";

/** Shows an event; returns what the next may be shown beside. `began` is when the run was started, in milliseconds. */
export function describeRunEvent(event: RunEvent, last: string, progress: Progress, began: number): string {
  const time = `${((performance.now() - began) / 1000).toFixed(0)} s`;
  switch (event.kind) {
    case "step": {
      const shown = Object.entries(event.metrics).filter(
        ([key]) => key === "loss" || key.endsWith("/safety_index") || key === "entropy" || key.endsWith("failure_rate"),
      );
      const numbers = shown.map(([key, value]) => `${key} ${value.toFixed(3)}`).join("  ");
      const text = `${time} ${event.stage} ${event.step}/${event.steps} ${numbers}`;
      if (event.step === event.steps || event.step % 20 === 0) progress.note(text);
      else progress.show(text);
      return text;
    }
    case "playing":
      if (event.finished % 16 === 0 || event.finished === event.episodes)
        progress.show(`${last}  playing ${event.step}: ${event.finished}/${event.episodes} episodes`.trimStart());
      return last;
    case "checkpoint":
      progress.show(`${time} saved ${event.folder}`);
      return last;
    case "evaluating":
      if (event.finished % 64 === 0) progress.show(`${time} evaluating ${event.stage}: ${event.finished} episodes`);
      return "";
    case "engine":
      progress.show(`${time} ${event.text}`);
      return last;
    case "warning":
      progress.note(`${time} warning: ${event.text}`);
      return last;
    case "evaluated": {
      const values = event.report.games.map(({ game, objective }) => `${game} J ${objective.safetyIndex.value.toFixed(3)}`);
      progress.note(`${time} evaluated ${event.stage}: ${values.join(", ")}`);
      return "";
    }
  }
}
