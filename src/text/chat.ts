/**
 * Chat messages to prompt tokens through a Jinja chat template. The template is rendered once per sequence of roles with
 * sentinels in place of the contents; contents are then encoded as plain text between the pieces the template wrote, so no
 * message can smuggle in a special token, and prompts with the same system message share its tokens exactly.
 */
import { Template } from "@huggingface/jinja";
import type { Prompt } from "../engines/engine.ts";
import { type Tokenizer, TokenizerError } from "./tokenizer.ts";

export interface Message {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

/** Special tokens of our own small tokenizer, in id order. */
export const SPECIAL_TOKENS = ["<|pad|>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>"] as const;
export const END_TOKEN = "<|end|>";
/** Our own template: one marker per message and one at its end. */
export const CHAT_TEMPLATE =
  "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}";

export interface Chat {
  readonly tokenizer: Tokenizer;
  readonly vocabularySize: number;
  /** Tokens that end an assistant message. */
  readonly stop: readonly number[];
  /** The prompt that asks the assistant to continue; `shared` covers a leading system message. */
  prompt(messages: readonly Message[]): Prompt;
  /** An assistant message as completion tokens, with its end. */
  reply(text: string): readonly number[];
  /** Text of completion tokens up to their end. */
  text(tokens: readonly number[]): string;
  /** The conversation so far continued by a user message: tokens are concatenated, sampled text is never re-encoded. */
  extend(prompt: Prompt, reply: readonly number[], content: string): Prompt;
}

/** Private-use characters no template trims or escapes. */
const sentinel = (index: number): string => `\uE000${index}\uE001`;
const SENTINEL = /\uE000\d+\uE001/u;

export function createChat(tokenizer: Tokenizer): Chat {
  const template = new Template(tokenizer.files.chatTemplate);
  const end = tokenizer.special(tokenizer.files.config.eos_token ?? END_TOKEN);
  const skeletons = new Map<string, readonly (readonly number[])[]>();

  /** Tokens the template writes before, between and after the contents of messages with these roles. */
  const skeleton = (roles: readonly Message["role"][]): readonly (readonly number[])[] => {
    const key = roles.join(" ");
    const known = skeletons.get(key);
    if (known !== undefined) return known;
    const messages = roles.map((role, i) => ({ role, content: sentinel(i) }));
    const pieces = template.render({ messages, add_generation_prompt: true }).split(SENTINEL);
    if (pieces.length !== roles.length + 1)
      throw new TokenizerError(
        `the chat template must write each message once; it wrote ${pieces.length - 1} of ${roles.length}`,
      );
    const encoded = pieces.map((piece) => tokenizer.encodeTemplate(piece));
    skeletons.set(key, encoded);
    return encoded;
  };

  return {
    tokenizer,
    vocabularySize: tokenizer.vocabularySize,
    stop: [end],
    prompt(messages) {
      const pieces = skeleton(messages.map(({ role }) => role));
      const contents = messages.map(({ content }) => tokenizer.encode(content));
      const tokens = [...pieces[0], ...contents.flatMap((content, i) => [...content, ...pieces[i + 1]])];
      const shared = messages[0]?.role === "system" ? pieces[0].length + contents[0].length : 0;
      return { tokens, shared };
    },
    reply: (text) => [...tokenizer.encode(text), end],
    text(tokens) {
      const at = tokens.indexOf(end);
      return tokenizer.decode(at < 0 ? tokens : tokens.slice(0, at));
    },
    extend({ tokens, shared }, reply, content) {
      // The pieces after an assistant message follow from the template; its own end is already in the reply.
      const [, , between, after] = skeleton(["user", "assistant", "user"]);
      const opening = between[0] === end ? between.slice(1) : between;
      return { tokens: [...tokens, ...reply, ...opening, ...tokenizer.encode(content), ...after], shared };
    },
  };
}
