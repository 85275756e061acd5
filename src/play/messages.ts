/** A position as chat messages, the one place where a game becomes a conversation. */
import type { Game } from "../games/index.ts";
import type { Message } from "../text/chat.ts";

/** The rules as system message, the observation as user message. */
export const messagesOf = (game: Game, view: unknown): readonly [Message, Message] => [
  { role: "system", content: game.rules },
  { role: "user", content: game.observation(view) },
];
