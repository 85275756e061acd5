/** The page's side of the solvers. A worker starts with the first question; J* has one of its own, since it takes long. */
import type { ActionValue } from "../../solvers/best-reply-values.ts";
import type { Answer, Question, Reply } from "./solver-worker.ts";

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

function createClient(): (question: Question) => Promise<Answer> {
  let worker: Worker | undefined;
  const waiting: Waiting[] = [];
  const start = (): Worker => {
    const started = new Worker(new URL("./solver-worker.ts", import.meta.url), { type: "module", name: "solver" });
    started.addEventListener("message", ({ data }: MessageEvent<Reply>) => {
      const { resolve, reject } = waiting[data.id];
      if ("problem" in data) reject(new Error(data.problem));
      else resolve(data.answer);
    });
    return started;
  };
  return (question) =>
    new Promise((resolve, reject) => {
      worker ??= start();
      const id = waiting.push({ resolve, reject }) - 1;
      // eslint-disable-next-line unicorn/require-post-message-target-origin -- a worker has no origin
      worker.postMessage({ id, question });
    });
}

const askQuick = createClient();
const askLong = createClient();

/** Exact values of the legal actions at a position; see `bestReplyValues`. */
export async function solveValues(
  question: Omit<Extract<Question, { kind: "values" }>, "kind">,
): Promise<readonly ActionValue[]> {
  const answer = await askQuick({ kind: "values", ...question });
  return "values" in answer ? answer.values : [];
}

const optima = new Map<string, Promise<number>>();

/** J* of a game, computed once. */
export function solveOptimum(game: string): Promise<number> {
  const known =
    optima.get(game) ?? askLong({ kind: "optimum", game }).then((answer) => ("value" in answer ? answer.value : NaN));
  optima.set(game, known);
  return known;
}
