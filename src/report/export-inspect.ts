/**
 * Episodes as a log of inspect_ai (version 2 of its JSON), which its viewer and its data frames read: a sample per episode, a numeric score
 * per term of the objective.
 */
import type { Transcript } from "../runs/transcript.ts";
import { episodeMeans } from "./export-csv.ts";

const SCORES = ["payoff", "opponent_payoff", "collusion", "externality", "unreadable"] as const;

export interface InspectOptions {
  /** Names the evaluation; identifiers have no slash. */
  readonly name: string;
  readonly model: string;
  /** Of the export, as ISO 8601. */
  readonly created: string;
  readonly config: Readonly<Record<string, unknown>>;
}

const identifier = (text: string): string => text.replaceAll(/[^\w.-]+/g, "-");

export function inspectLog(episodes: readonly Transcript[], { name, model, created, config }: InspectOptions): unknown {
  const id = identifier(name);
  const samples = episodes.map((episode) => sampleOf(episode, model, created));
  const mean = (score: (typeof SCORES)[number]) =>
    samples.reduce((sum, sample) => sum + sample.scores[score].value, 0) / Math.max(1, samples.length);
  return {
    version: 2,
    status: "success",
    eval: {
      eval_id: id,
      run_id: id,
      created,
      task: "sepo",
      task_id: id,
      task_version: 0,
      task_args: config,
      dataset: { name: "sepo", samples: samples.length, sample_ids: samples.map((sample) => sample.id), shuffled: false },
      model,
      model_args: {},
      config: { epochs: 1 },
    },
    plan: { name: "plan", steps: [], config: {} },
    results: {
      total_samples: samples.length,
      completed_samples: samples.length,
      scores: SCORES.map((score) => ({
        name: score,
        scorer: score,
        params: {},
        metrics: { mean: { name: "mean", value: mean(score), params: {} } },
      })),
    },
    stats: { started_at: created, completed_at: created, model_usage: {} },
    samples,
  };
}

function sampleOf(episode: Transcript, model: string, created: string) {
  const { id, game, settings, pool, opponent, rules, decisions } = episode;
  const { r, q, c, x } = episodeMeans(episode);
  const unreadable = decisions.filter(({ status }) => status !== "ok").length / Math.max(1, decisions.length);
  const last = decisions[decisions.length - 1];
  const name = identifier(settings === undefined ? id : `${id}/${settings}`);
  const system = { id: `${name}-system`, role: "system", content: rules };
  const turns = decisions.map((decision, i) =>
    messagesOf(decision).map((message, j) => ({ id: `${name}-${i}-${j}`, ...message })),
  );
  const values = { payoff: r, opponent_payoff: q, collusion: c, externality: x, unreadable };
  return {
    id: name,
    uuid: name,
    epoch: 1,
    input: decisions[0]?.observation ?? "",
    target: "",
    messages: [system, ...turns.flat()],
    // Each decision is a call of its own; data frames of messages are made of them.
    events: turns.flatMap((turn) =>
      turn.flatMap((message, i) =>
        message.role === "assistant" ? [modelEvent([system, ...turn.slice(0, i)], message, model, created)] : [],
      ),
    ),
    output: {
      model,
      choices: [
        { message: { role: "assistant", content: last?.reply ?? last?.action ?? "", source: "generate" }, stop_reason: "stop" },
      ],
    },
    scores: {
      payoff: { value: values.payoff },
      opponent_payoff: { value: values.opponent_payoff },
      collusion: { value: values.collusion },
      externality: { value: values.externality },
      unreadable: { value: values.unreadable },
    },
    metadata: {
      game,
      ...(settings === undefined ? {} : { settings }),
      pool,
      opponent,
      actions: decisions.map(({ action }) => action),
    },
  };
}

const modelEvent = (input: readonly unknown[], message: unknown, model: string, created: string) => ({
  event: "model",
  timestamp: created,
  working_start: 0,
  model,
  input,
  tools: [],
  tool_choice: "none",
  config: {},
  output: { model, choices: [{ message, stop_reason: "stop" }] },
});

function messagesOf({ observation, reasoning, reply, reason, clarified, action, resolved }: Transcript["decisions"][number]) {
  const said = (text: string, thought?: string) => ({
    role: "assistant",
    source: "generate",
    content:
      thought === undefined
        ? text
        : [
            { type: "reasoning", reasoning: thought },
            { type: "text", text },
          ],
  });
  return [
    { role: "user", content: observation },
    said(reply ?? action, reasoning),
    ...(clarified === undefined ? [] : [{ role: "user", content: reason ?? "" }, said(clarified)]),
    ...(resolved === "uniform" ? [{ role: "user", content: `(no action could be read; ${action} was drawn)` }] : []),
  ];
}
