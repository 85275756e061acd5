/** A position as chat messages, the one place where a game becomes a conversation. */
import type { Game } from "../games/index.ts";
import type { Message } from "../text/chat.ts";

/** The system message: the rules, after the user's own system prompt where there is one. */
export const systemOf = ({ rules }: Game, system?: string): string => (system === undefined ? rules : `${system}\n\n${rules}`);

/** The rules as system message, the observation as user message. */
export const messagesOf = (game: Game, view: unknown, system?: string): readonly [Message, Message] => [
  { role: "system", content: systemOf(game, system) },
  { role: "user", content: game.observation(view) },
];
