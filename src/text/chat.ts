/**
 * Chat messages to prompt tokens and completion tokens back to text, through a model's chat template. Contents are encoded as
 * plain text, so no message can smuggle in a special token; prompts with the same system message begin with the same tokens;
 * and a conversation grows by appending tokens: what a model sampled is never decoded and encoded again.
 *
 * A model that thinks before it answers writes its thinking between two tokens of its own. The first of them may be the end of the
 * prompt (Qwen), so the template decides where a reply begins; only what follows the thinking is the answer.
 */
import type { Prompt } from "../engines/engine.ts";
import { boundedCache } from "./cache.ts";
import { rolesOf } from "./roles.ts";
import { type Message, createTemplate } from "./template.ts";
import { type Thinking, outsideThinking, thinkingOf } from "./thinking.ts";
import { type Tokenizer, TokenizerError, namedTokens } from "./tokenizer.ts";

export type { Message } from "./template.ts";

/** Special tokens of our own small tokenizer, in id order. */
export const SPECIAL_TOKENS = ["<|pad|>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>"] as const;
export const END_TOKEN = "<|end|>";
/** Our own template: one marker before each message and one at its end. */
export const CHAT_TEMPLATE =
  "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}";

export interface Chat {
  readonly tokenizer: Tokenizer;
  readonly vocabularySize: number;
  /** Tokens that end an assistant message; the first is the one its template writes, then those the model's files name. */
  readonly stop: readonly number[];
  /** What a person should know of how messages are written, such as where a template without system messages has the rules. */
  readonly notes: readonly string[];
  /** The prompt that asks the assistant to continue; `shared` covers a leading system message. */
  prompt(messages: readonly Message[]): Prompt;
  /** An assistant message as completion tokens, with its end; the thinking that its prompt opens is closed at once. */
  reply(text: string): readonly number[];
  /** Text of completion tokens up to their end, thinking between its markers; other special tokens are left out. */
  text(tokens: readonly number[]): string;
  /** Text of the answer in completion tokens, that is, of what is not thinking; `undefined` when the thinking never ends. */
  answer(tokens: readonly number[]): string | undefined;
  /** A completion without its end, its thinking closed, continued by a last line `line` and the end. */
  conclude(tokens: readonly number[], line: string): readonly number[];
  /** A completion with its thinking closed and the last line of its answer replaced by `line`, and the end. */
  revise(tokens: readonly number[], line: string): readonly number[];
  /**
   * The conversation so far continued by a user message. Tokens are appended, so the result begins with the prompt and the
   * reply as they were sampled, and with the same `shared`. A reply that was cut off gets the end that it lacks.
   */
  extend(prompt: Prompt, reply: readonly number[], content: string): Prompt;
}

/** What differs between our own template, which needs no rendering, and any other. */
interface Layout {
  readonly end: number;
  readonly notes: readonly string[];
  readonly thinking?: Thinking;
  prompt(messages: readonly Message[]): Prompt;
  /** What follows the content of an assistant message, its end first, when a user message comes next. */
  afterReply(content: string): readonly number[];
}

export interface ChatOptions {
  /** Values that a foreign template reads besides the messages, such as `enable_thinking` or `date_string`. */
  readonly variables?: Readonly<Record<string, unknown>>;
}

/**
 * Throws `TokenizerError` for a template that cannot be used, among them one that loses a user's message or never opens the
 * assistant's turn; so do the methods for messages that it rejects. Where a template has no place for a system message, the message
 * goes to the head of the user's, and `notes` says so.
 */
export function createChat(tokenizer: Tokenizer, { variables = {} }: ChatOptions = {}): Chat {
  const own = tokenizer.files.chatTemplate === CHAT_TEMPLATE;
  const layout = own ? markerLayout(tokenizer) : templateLayout(tokenizer, variables);
  const { end, thinking } = layout;
  const stop = [...new Set([end, ...endTokens(tokenizer)])];
  const spelled = new Set(thinking === undefined ? [] : [thinking.open, thinking.close]);
  const untilEnd = (tokens: readonly number[]): readonly number[] => {
    const at = tokens.findIndex((token) => stop.includes(token));
    return at < 0 ? tokens : tokens.slice(0, at);
  };
  /** `text` as the answer after thinking that is still open. */
  const closed = (text: string): readonly number[] =>
    thinking === undefined
      ? tokenizer.encode(text)
      : [...tokenizer.encode("\n"), thinking.close, ...tokenizer.encode(thinking.separator + text)];
  return {
    tokenizer,
    vocabularySize: tokenizer.vocabularySize,
    stop,
    notes: layout.notes,
    prompt: (messages) => layout.prompt(messages),
    reply: (text) => [...(thinking?.opened === true ? closed(text) : tokenizer.encode(text)), end],
    text: (tokens) => tokenizer.decode(untilEnd(tokens), { spelled }),
    answer(tokens) {
      const answer = outsideThinking(untilEnd(tokens), thinking);
      return answer && tokenizer.decode(answer.flat());
    },
    conclude(tokens, line) {
      const written = untilEnd(tokens);
      const open = outsideThinking(written, thinking) === undefined;
      return [...written, ...(open ? closed(line) : tokenizer.encode(`\n${line}`)), end];
    },
    revise(tokens, line) {
      const written = untilEnd(tokens);
      const answer = outsideThinking(written, thinking);
      if (answer === undefined) return [...written, ...closed(line), end];
      const last = answer[answer.length - 1];
      const text = tokenizer.decode(last);
      const revised = text.slice(0, text.lastIndexOf("\n") + 1) + line;
      return [...written.slice(0, written.length - last.length), ...tokenizer.encode(revised), end];
    },
    extend({ tokens, shared }, reply, content) {
      const rest = layout.afterReply(content);
      const ended = stop.includes(reply[reply.length - 1]) && rest[0] === end;
      return { tokens: [...tokens, ...reply, ...(ended ? rest.slice(1) : rest)], shared };
    },
  };
}

/** Characters of conversations whose prompts are kept. */
const CACHED_PROMPTS = 4_000_000;

/** The ends of a reply that the tokenizer's configuration and the model's generation settings name. */
function endTokens(tokenizer: Tokenizer): readonly number[] {
  const { config, generation } = tokenizer.files;
  const endOfText = namedTokens(config)["eos_token"];
  const listed = [generation?.eos_token_id ?? []].flat();
  return [...(endOfText === undefined ? [] : [tokenizer.special(endOfText)]), ...listed];
}

/** `CHAT_TEMPLATE` written directly in tokens; every content stands between two markers, so parts join without a seam. */
function markerLayout(tokenizer: Tokenizer): Layout {
  const end = tokenizer.special(END_TOKEN);
  const markers = {
    system: tokenizer.special("<|system|>"),
    user: tokenizer.special("<|user|>"),
    assistant: tokenizer.special("<|assistant|>"),
  } as const;
  const write = (messages: readonly Message[]): Prompt => {
    const contents = messages.map(({ content }) => tokenizer.encode(content));
    const tokens: number[] = [];
    for (const [i, content] of contents.entries()) {
      tokens.push(markers[messages[i].role]);
      for (const token of content) tokens.push(token);
      tokens.push(end);
    }
    tokens.push(markers.assistant);
    return { tokens, shared: messages[0]?.role === "system" ? contents[0].length + 2 : 0 };
  };
  // Thousands of decisions of a step face the same few hundred positions.
  const prompts = boundedCache<Prompt>(CACHED_PROMPTS);
  return {
    end,
    notes: [],
    prompt: (messages) =>
      prompts(messages.map(({ role, content }) => `${role} ${content.length} ${content}`).join(), () => write(messages)),
    afterReply: (content) => [end, markers.user, ...tokenizer.encode(content), end, markers.assistant],
  };
}

/** Characters of system messages whose tokens are kept. */
const CACHED_SYSTEMS = 1_000_000;

/**
 * Any other template. What two different user messages after the same system message have in common is the part that is shared;
 * of it, as much as a prompt really begins with.
 */
function templateLayout(tokenizer: Tokenizer, variables: Readonly<Record<string, unknown>>): Layout {
  const template = createTemplate(tokenizer, variables);
  const roles = rolesOf(template);
  const reply: readonly Message[] = [
    { role: "user", content: "a" },
    { role: "assistant", content: "b" },
  ];
  const specialIds = new Set(tokenizer.specials.values());
  const end = template.encodeAfter(1, reply, false).find((token) => specialIds.has(token));
  if (end === undefined) throw new TokenizerError("the chat template must write a special token after an assistant message");
  const thinking = thinkingOf(tokenizer, template);
  const heads = boundedCache<readonly number[]>(CACHED_SYSTEMS);
  const head = (system: string): readonly number[] => {
    const [a, b] = ["a", "b"].map((content) =>
      template.encode(
        roles.arrange([
          { role: "system", content: system },
          { role: "user", content },
        ]),
        true,
      ),
    );
    return a.slice(0, commonLength(a, b));
  };
  return {
    end,
    notes: roles.notes,
    ...(thinking === undefined ? {} : { thinking }),
    prompt(messages) {
      const tokens = template.encode(roles.arrange(messages), true);
      const [first] = messages;
      return { tokens, shared: first?.role === "system" ? commonLength(tokens, heads(first.content, head)) : 0 };
    },
    afterReply: (content) => template.encodeAfter(1, [...reply, { role: "user", content }], true),
  };
}

/** Length of the longest common prefix. */
function commonLength(a: readonly number[], b: readonly number[]): number {
  let length = 0;
  while (length < a.length && length < b.length && a[length] === b[length]) length++;
  return length;
}
