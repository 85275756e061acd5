/** Train a small model in this tab and watch it learn. */
import { useEffect, useRef, useState } from "preact/hooks";
import { type PackedModel } from "../../play/packed-model.ts";
import { rosterOf } from "../../opponents/index.ts";
import { LESSONS, type LessonSettings } from "../../training/lesson.ts";
import { decimal, duration } from "../format.ts";
import type { NamedModel } from "../models.ts";
import { solveOptimum } from "../play/solver.ts";
import { Curve, type Point } from "./curve.tsx";
import { saveMetrics, saveModel } from "./download.ts";
import type { News, Order, Progress } from "./messages.ts";
import { PolicyTable } from "./policy.tsx";

type LessonName = keyof typeof LESSONS;
const NAMES: readonly LessonName[] = ["kuhn", "ipd"];

interface Training {
  readonly settings: LessonSettings;
  readonly phase: "training" | "pausing" | "paused" | "ended" | "failed";
  readonly rows: readonly Progress[];
  /** When the stage began, in milliseconds, later by as long as it was paused. */
  readonly began: number;
  readonly pausedAt?: number;
  readonly model?: PackedModel | undefined;
  readonly problem?: string;
}

/** Workers for graphs: one core is left to the page. */
const threads = (): number => Math.min(4, Math.max(1, (navigator.hardwareConcurrency ?? 2) - 1));

function useTrainer() {
  const worker = useRef<Worker>(undefined);
  const [training, setTraining] = useState<Training>();
  useEffect(() => () => worker.current?.terminate(), []);
  const change = (next: (now: Training) => Training) => setTraining((now) => (now === undefined ? now : next(now)));
  const order = (content: Order) => worker.current?.postMessage(content);
  const hear = (news: News) => {
    switch (news.kind) {
      case "progress":
        change((now) => {
          const { progress } = news;
          const first = progress.stage !== now.rows.at(-1)?.stage;
          return { ...now, rows: [...now.rows, progress], began: first ? performance.now() : now.began };
        });
        break;
      case "paused":
        change((now) => ({ ...now, phase: "paused", model: news.model, pausedAt: performance.now() }));
        break;
      case "ended":
        change((now) => ({ ...now, phase: "ended", model: news.model }));
        worker.current?.terminate();
        break;
      case "failed":
        change((now) => ({ ...now, phase: "failed", problem: news.problem }));
        worker.current?.terminate();
        break;
    }
  };
  return {
    training,
    start: (settings: LessonSettings) => {
      worker.current?.terminate();
      const started = new Worker(new URL("./trainer-worker.ts", import.meta.url), { type: "module", name: "trainer" });
      started.addEventListener("message", ({ data }: MessageEvent<News>) => hear(data));
      started.addEventListener("error", ({ message }) =>
        hear({ kind: "failed", problem: message || "the worker could not be loaded" }),
      );
      worker.current = started;
      setTraining({ settings, phase: "training", rows: [], began: performance.now() });
      order({ kind: "start", settings, threads: threads() });
    },
    pause: () => {
      change((now) => ({ ...now, phase: "pausing" }));
      order({ kind: "pause" });
    },
    proceed: () => {
      change((now) => ({
        ...now,
        phase: "training",
        began: now.began + performance.now() - (now.pausedAt ?? performance.now()),
      }));
      order({ kind: "continue" });
    },
    stop: () => order({ kind: "stop" }),
  };
}

interface Props {
  readonly onModel: (model: NamedModel) => void;
  /** Shorter lessons, for tests. */
  readonly shorter?: Partial<LessonSettings>;
}

export function Train({ onModel, shorter = {} }: Props) {
  const [name, setName] = useState<LessonName>("kuhn");
  const [seed, setSeed] = useState(0);
  const [steps, setSteps] = useState<number>(shorter.steps ?? LESSONS.kuhn.steps);
  const { training, start, pause, proceed, stop } = useTrainer();
  const active = training !== undefined && ["training", "pausing", "paused"].includes(training.phase);
  return (
    <section class="train">
      <p>
        A language model of about 130,000 parameters begins from random weights in this tab, imitates scripted experts, and then
        learns with SEPO to play well without being exploited, colluding or pushing costs onto others. It is the method and the
        engine of the command line; nothing is sent anywhere.
      </p>
      <div class="setup">
        <label class="wide">
          Game
          <select
            value={name}
            disabled={active}
            onChange={({ currentTarget }) => {
              const chosen = NAMES.find((each) => each === currentTarget.value) ?? "kuhn";
              setName(chosen);
              setSteps(shorter.steps ?? LESSONS[chosen].steps);
            }}
          >
            {NAMES.map((each) => (
              <option key={each} value={each}>
                {rosterOf(each).game.facts.title}
              </option>
            ))}
          </select>
        </label>
        <label>
          Seed
          <input
            type="number"
            min={0}
            max={999_999}
            value={seed}
            disabled={active}
            onChange={({ currentTarget }) => setSeed(whole(currentTarget.value, 0, 999_999))}
          />
        </label>
        <label>
          Steps of SEPO
          <input
            type="number"
            min={1}
            max={500}
            value={steps}
            disabled={active}
            onChange={({ currentTarget }) => setSteps(whole(currentTarget.value, 1, 500))}
          />
        </label>
        {!active && (
          <button type="button" class="action" onClick={() => start({ ...LESSONS[name], ...shorter, seed, steps })}>
            {training === undefined ? "Train" : "Train again"}
          </button>
        )}
        {training?.phase === "training" && (
          <button type="button" onClick={pause}>
            Pause
          </button>
        )}
        {training?.phase === "pausing" && (
          <button type="button" disabled>
            Pausing…
          </button>
        )}
        {training?.phase === "paused" && (
          <button type="button" onClick={proceed}>
            Continue
          </button>
        )}
        {active && (
          <button type="button" onClick={stop}>
            Stop
          </button>
        )}
      </div>
      {training !== undefined && <Lesson training={training} onModel={onModel} />}
    </section>
  );
}

const whole = (text: string, least: number, most: number): number =>
  Math.min(most, Math.max(least, Math.trunc(Number(text)) || least));

function Lesson({ training, onModel }: { readonly training: Training; readonly onModel: (model: NamedModel) => void }) {
  const { settings, rows, model, phase } = training;
  const roster = rosterOf(settings.game);
  const [optimum, setOptimum] = useState<number | "asked">();
  const taught = rows.filter(({ stage }) => stage === "sepo");
  const imitated = rows.filter(({ stage }) => stage === "sft");
  const table = taught.at(-1)?.table;
  const points = (key: string): Point[] =>
    taught.flatMap(({ step, metrics }) => (metrics[key] === undefined ? [] : [{ step, value: metrics[key] }]));
  const name = `sepo-${settings.game}-seed${settings.seed}`;
  return (
    <>
      <Bar training={training} />
      {phase === "failed" && <p class="problem">{training.problem}</p>}
      {model !== undefined && (
        <p class="handout">
          <button type="button" onClick={() => onModel({ name: `${name} (trained here)`, model })}>
            Play against it
          </button>
          <button type="button" onClick={() => saveModel(name, model)}>
            Download the model
          </button>
          <button type="button" onClick={() => saveMetrics(name, rows)}>
            Download the numbers
          </button>
        </p>
      )}
      <div class="columns">
        <div class="card">
          {taught.length === 0 ? (
            <Curve
              title="Imitating experts"
              label="cross entropy per token, in nats"
              steps={imitated.at(-1)?.steps ?? 1}
              line={imitated.map(({ step, metrics }) => ({ step, value: metrics["loss"] }))}
              height={220}
            />
          ) : (
            <>
              <Curve
                title="Safety index J"
                label="line: exact, of the policy's table; dots: estimates from each step's episodes, where they fit"
                steps={settings.steps}
                line={taught.flatMap(({ step, table: now }) => (now === undefined ? [] : [{ step, value: now.exactJ }]))}
                dots={points(`${settings.game}/safety_index`)}
                landmark={typeof optimum === "number" ? { value: optimum, name: `J* ${decimal(optimum, 3)}` } : undefined}
                height={220}
              />
              {optimum === undefined && (
                <button
                  type="button"
                  onClick={() => {
                    setOptimum("asked");
                    void solveOptimum(settings.game).then(setOptimum);
                  }}
                >
                  Show J*
                </button>
              )}
              {optimum === "asked" && <p class="quiet">Solving for J*…</p>}
              <div class="small-curves">
                <Curve
                  title="u"
                  label="utility"
                  steps={settings.steps}
                  line={points(`${settings.game}/utility`)}
                  height={110}
                />
                <Curve
                  title="e"
                  label="taken by exploiters"
                  steps={settings.steps}
                  line={points(`${settings.game}/pool_advantage`)}
                  height={110}
                />
                <Curve
                  title="c"
                  label="collusion"
                  steps={settings.steps}
                  line={points(`${settings.game}/collusion`)}
                  height={110}
                />
                <Curve
                  title="x"
                  label="harm to others"
                  steps={settings.steps}
                  line={points(`${settings.game}/externality`)}
                  height={110}
                />
              </div>
              <details>
                <summary>The numbers</summary>
                <Numbers rows={taught} game={settings.game} />
              </details>
            </>
          )}
        </div>
        <div class="card">
          {table === undefined ? (
            <p class="quiet">The policy appears here when the imitation is done.</p>
          ) : (
            <PolicyTable game={roster.game} reference={roster.reference} rows={table.rows} />
          )}
        </div>
      </div>
    </>
  );
}

function Bar({ training: { rows, phase, began } }: { readonly training: Training }) {
  const last = rows.at(-1);
  if (last === undefined) return <p class="quiet">Loading ONNX Runtime and writing the experts' games…</p>;
  const { stage, step, steps } = last;
  const done = rows.filter((row) => row.stage === stage).length - 1;
  const left = ((performance.now() - began) / 1000 / Math.max(1, done)) * (steps - step);
  const title = stage === "sft" ? "Imitating experts" : "SEPO";
  const word = { training: "", pausing: "", paused: "paused", ended: step === steps ? "done" : "stopped", failed: "failed" }[
    phase
  ];
  return (
    <p class="progress">
      <progress value={step} max={steps} aria-label={title} />{" "}
      <span>
        {title} {step} of {steps}
        {word !== "" ? `, ${word}` : done > 0 ? `, about ${duration(left)} left${stage === "sft" ? " in this stage" : ""}` : ""}
      </span>
    </p>
  );
}

const COLUMNS = ["safety_index", "utility", "pool_advantage", "collusion", "externality"] as const;

function Numbers({ rows, game }: { readonly rows: readonly Progress[]; readonly game: string }) {
  return (
    <div class="scroll">
      <table>
        <thead>
          <tr>
            {["step", "exact J", "J", "u", "e", "c", "x"].map((title) => (
              <th key={title} scope="col" class="number">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ step, metrics, table }) => (
            <tr key={step}>
              <th scope="row" class="number">
                {step}
              </th>
              <td class="number">{table === undefined ? "" : decimal(table.exactJ, 3)}</td>
              {COLUMNS.map((column) => {
                const value = metrics[`${game}/${column}`];
                return (
                  <td key={column} class="number">
                    {value === undefined ? "" : decimal(value, 3)}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
