/** A chat model as a player: whoever answers messages with text. */
import { type Parsed, parse, uniformly, choose } from "../../games/index.ts";
import type { ChatAnswer, ChatModel } from "../../models/chat-model.ts";
import type { Message } from "../../text/chat.ts";
import { foldIn, uniform } from "../../random.ts";
import { messagesOf } from "../messages.ts";
import type { Decision, DecisionRequest, Player } from "../player.ts";

export interface ChatPlayerOptions {
  readonly name?: string;
  /** Stands before the rules: the system prompt that an agent has anyway. */
  readonly system?: string;
}

/**
 * The model is asked for each decision by itself. A reply that cannot be read, or names an illegal action, gets one clarifying turn that
 * says what was wrong; if that fails too, a legal action is drawn uniformly. Either counts as unreadable: `parsed` is the first reply's.
 */
export function chatPlayer(
  model: ChatModel,
  { name = `${model.provider}:${model.model}`, system }: ChatPlayerOptions = {},
): Player {
  return {
    name,
    independent: true,
    decide: (requests, signal) => Promise.all(requests.map((request) => decide(model, request, system, signal))),
  };
}

async function decide(
  model: ChatModel,
  request: DecisionRequest,
  system: string | undefined,
  signal: AbortSignal | undefined,
): Promise<Decision> {
  const { game, view, key } = request;
  const { place = { episode: "position", turn: 0, seat: 0 } } = request;
  const legal = game.legal(view);
  const read = (answer: ChatAnswer): Parsed => readAnswer(answer, (text, cut) => parse(text, game.grammar, legal, { cut }));
  const messages = messagesOf(game, view, system);
  const first = await model.generate({ messages, place, key }, signal);
  const parsed = read(first);
  if (parsed.status === "ok") return { action: parsed.action, parsed, answers: [first] };
  const asked = [...messages, ...clarifying(first, parsed.reason)];
  const second = await model.generate({ messages: asked, place, key: foldIn(key, "clarify") }, signal);
  const again = read(second);
  const answers = [first, second];
  if (again.status === "ok") return { action: again.action, parsed, resolved: "clarified", answers };
  const action = choose(uniformly(legal), uniform(foldIn(key, "resolve")));
  return { action, parsed, resolved: "uniform", answers };
}

/** How an answer is read: the one place where a chat model's text meets a game's parser. A refusal is never taken for a move. */
function readAnswer({ text, finish }: ChatAnswer, parseText: (text: string | undefined, cut: boolean) => Parsed): Parsed {
  if (finish === "refused")
    return { status: "parse-failure", cause: "refused", reason: "the model or its provider refused to answer" };
  return parseText(text, finish === "length");
}

/** The model's reply, and what was wrong with it. Some providers take no empty message. */
const clarifying = ({ text = "" }: ChatAnswer, reason: string): readonly Message[] => [
  { role: "assistant", content: text.trim() === "" ? "(no answer)" : text },
  {
    role: "user",
    content: `Your reply could not be used: ${reason}. Answer again, briefly, with your action alone on the last line.`,
  },
];
