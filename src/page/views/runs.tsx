/** The runs: where each stands, what it was made with, and what a reader must know before the numbers. */
import type { ViewData, ViewRun } from "../../report/view/data.ts";

const WORDS: Readonly<Record<ViewRun["state"], string>> = {
  training: "training",
  finished: "finished",
  stopped: "stopped before its end",
  unreadable: "cannot be read",
};

export function RunsView({ data, live }: { readonly data: ViewData; readonly live: boolean }) {
  const protocols = new Set(
    data.runs.flatMap(({ about }) => about.filter(([name]) => name === "protocol").map(([, value]) => value)),
  );
  return (
    <section id="runs" aria-label="Runs">
      {protocols.size > 1 && (
        <p class="notice">These runs were measured under different protocols; their numbers are not comparable.</p>
      )}
      <div class="runs">
        {data.runs.map((run) => (
          <RunCard key={run.name} run={run} live={live} />
        ))}
      </div>
      {data.agents.length === 0 && (
        <p class="lead">Nothing has been evaluated yet. Curves and episodes appear as training writes them.</p>
      )}
    </section>
  );
}

function RunCard({ run, live }: { readonly run: ViewRun; readonly live: boolean }) {
  const { name, state, progress, about, problems } = run;
  return (
    <article class="run">
      <h2>
        {name} <span class={`state ${state}`}>{WORDS[state]}</span>
      </h2>
      {progress !== undefined && (live || state !== "finished") && (
        <Progress progress={progress} training={state === "training"} />
      )}
      {problems.map((problem) => (
        <p key={problem} class="notice">
          {problem}
        </p>
      ))}
      <dl>
        {about.map(([term, value]) => (
          <div key={term}>
            <dt>{term}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </article>
  );
}

function Progress({ progress, training }: { readonly progress: NonNullable<ViewRun["progress"]>; readonly training: boolean }) {
  const { stage, step, steps, secondsPerStep } = progress;
  const left = steps === undefined || secondsPerStep === undefined ? undefined : (steps - step) * secondsPerStep;
  return (
    <p class="progress">
      {stage}, step {step}
      {steps !== undefined && ` of ${steps}`}
      {training && secondsPerStep !== undefined && `, ${secondsPerStep.toFixed(2)} s a step`}
      {training && left !== undefined && left > 0 && `, about ${durationOf(left)} of this stage left`}
      {steps !== undefined && <progress value={step} max={steps} aria-label={`${stage} step ${step} of ${steps}`} />}
    </p>
  );
}

function durationOf(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
