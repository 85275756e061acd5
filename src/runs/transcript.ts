/** An episode as one line of a transcript: everything said and done, readable without the program. */
import { z } from "zod";
import { SEATS, describeSettings } from "../games/index.ts";
import type { ChatAnswer } from "../models/chat-model.ts";
import { POOLS } from "../opponents/index.ts";
import { type Episode, AGENT_SEAT } from "../play/episodes.ts";
import { systemOf } from "../play/messages.ts";
import { scoreEpisode } from "../play/score.ts";

const decision = z.object({
  /** From 1 on. */
  round: z.number().int(),
  observation: z.string(),
  /** What the agent wrote, with its log-probability in nats; absent for scripted agents. */
  reply: z.string().optional(),
  logprob: z.number().optional(),
  /** What a chat model reasoned apart from its answer, and its second reply, after it was told what was wrong with the first. */
  reasoning: z.string().optional(),
  clarified: z.string().optional(),
  status: z.enum(["ok", "parse-failure", "illegal-action"]),
  /** Why a reply could not be used, and how an action was found all the same. */
  cause: z.string().optional(),
  reason: z.string().optional(),
  resolved: z.string().optional(),
  action: z.string(),
});

export const transcriptSchema = z.object({
  id: z.string(),
  /** The step that learned from it, from 1 on, or 0 for an episode of an evaluation; and the seed of the run. */
  step: z.number().int(),
  seed: z.number().int(),
  game: z.string(),
  /** What differs from the standard game, in words; absent for the standard game. */
  settings: z.string().optional(),
  pool: z.enum(POOLS),
  agent: z.string(),
  opponent: z.string(),
  /** The system message of every decision. */
  rules: z.string(),
  decisions: z.array(decision),
  /** Per round the payoffs r and q of agent and opponent, collusion c, externality x and unusable replies. */
  rounds: z.array(z.object({ r: z.number(), q: z.number(), c: z.number(), x: z.number(), failures: z.number() })),
  /** What each seat saw at the end, private information included: the agent, then the opponent. */
  views: z.array(z.unknown()),
});
export type Transcript = z.infer<typeof transcriptSchema>;

export interface TranscriptOptions {
  readonly step: number;
  readonly seed: number;
  /** The user's own system prompt. */
  readonly system?: string;
}

export function transcriptOf(episode: Episode, { step, seed, system }: TranscriptOptions): Transcript {
  const { spec, decisions, state } = episode;
  const { game } = spec;
  const settings = describeSettings(game.facts);
  return {
    id: spec.id,
    step,
    seed,
    game: game.facts.name,
    ...(settings === "" ? {} : { settings }),
    pool: spec.pool,
    agent: spec.agent.name,
    opponent: spec.opponent.name,
    rules: systemOf(game, system),
    decisions: decisions.map(({ round, view, action, parsed, resolved, reply, answers = [] }) => ({
      round: round + 1,
      observation: game.observation(view),
      ...(reply === undefined ? {} : { reply: reply.text, logprob: reply.logprobs.reduce((a, b) => a + b, 0) }),
      ...chatFields(answers),
      status: parsed.status,
      ...(parsed.status === "parse-failure" ? { cause: parsed.cause } : {}),
      ...(parsed.status === "ok" ? {} : { reason: parsed.reason, ...(resolved === undefined ? {} : { resolved }) }),
      action,
    })),
    rounds: [...scoreEpisode(episode).rounds],
    views: [AGENT_SEAT, ...SEATS.filter((seat) => seat !== AGENT_SEAT)].map((seat) => game.view(state, seat)),
  };
}

function chatFields([first, second]: readonly ChatAnswer[]) {
  if (first === undefined) return {};
  return {
    reply: first.text ?? "",
    ...(first.reasoning === "" ? {} : { reasoning: first.reasoning }),
    ...(second === undefined ? {} : { clarified: second.text ?? "" }),
  };
}
