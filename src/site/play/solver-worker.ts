/** Solvers on a thread of their own, so that the page never waits for them. */
import { byScores, policyTable, tablePolicy } from "../../evaluation/action-table.ts";
import { positionsOf } from "../../evaluation/episodes.ts";
import type { Policy } from "../../games/index.ts";
import { policyNamed, rosterOf } from "../../opponents/index.ts";
import { type PackedModel, playable } from "../../play/packed-model.ts";
import { seedKey } from "../../random.ts";
import { type ActionValue, type PastDecision, bestReplyValues } from "../../solvers/best-reply-values.ts";
import { optimum } from "../../solvers/optimum.ts";

/** A scripted policy by name, or a model. */
export type Adversary = string | PackedModel;

export type Question =
  | { readonly kind: "optimum"; readonly game: string }
  | {
      readonly kind: "values";
      readonly game: string;
      readonly opponent: Adversary;
      readonly past: readonly PastDecision[];
      readonly informationState: string;
    };
export type Answer = { readonly value: number } | { readonly values: readonly ActionValue[] };
export type Reply = { readonly id: number } & ({ readonly answer: Answer } | { readonly problem: string });

/** Replies of a model at each position of its table. */
const SAMPLES = 6;
const tables = new Map<string, Promise<Policy>>();

/** A model as the policy of its action table: the mean of its probabilities at a position, whatever came before. */
async function tableOf(game: string, model: PackedModel): Promise<Policy> {
  const roster = rosterOf(game);
  const key = seedKey(0);
  const rows = await policyTable(roster.game, positionsOf([], key), byScores(playable(model)), key, SAMPLES);
  return tablePolicy(roster.game, rows);
}

function policyOf(game: string, opponent: Adversary): Policy | Promise<Policy> {
  const roster = rosterOf(game);
  if (typeof opponent === "string") return policyNamed(roster, opponent);
  const name = `${game} ${opponent.origin}`;
  const table = tables.get(name) ?? tableOf(game, opponent);
  tables.set(name, table);
  return table;
}

async function answerTo(question: Question): Promise<Answer> {
  const roster = rosterOf(question.game);
  if (question.kind === "optimum") return { value: optimum(roster).value };
  const policy = await policyOf(question.game, question.opponent);
  return { values: bestReplyValues(roster.game, policy, 0, question.past, question.informationState) };
}

// eslint-disable-next-line unicorn/require-post-message-target-origin -- a worker has no origin
const tell = (reply: Reply): void => self.postMessage(reply);

self.addEventListener(
  "message",
  ({ data: { id, question } }: MessageEvent<{ readonly id: number; readonly question: Question }>) => {
    answerTo(question).then(
      (answer) => tell({ id, answer }),
      (error: unknown) => tell({ id, problem: String(error) }),
    );
  },
);
