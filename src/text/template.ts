/** Jinja chat templates: messages to the text that a model was trained on, and that text to tokens without injection. */
import { Template } from "@huggingface/jinja";
import { maskSpellings, spellingPattern } from "./specials.ts";
import { type Tokenizer, TokenizerError, namedTokens } from "./tokenizer.ts";

export interface Message {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

export interface ChatTemplate {
  /** What the template writes, with the opening of the assistant's answer when `answer`. Special tokens are still text. */
  render(messages: readonly Message[], answer: boolean): string;
  /** Tokens of what the template writes. Contents stay plain text: the special tokens are those the template wrote itself. */
  encode(messages: readonly Message[], answer: boolean): readonly number[];
  /**
   * Tokens of what the template writes after the content of the `index`-th message, likewise; that content and those before it
   * are not looked at.
   */
  encodeAfter(index: number, messages: readonly Message[], answer: boolean): readonly number[];
}

/** A content that no template trims or rewrites. */
const marked = (index: number): string => `\uE000${index}\uE001`;

/**
 * Throws `TokenizerError` when the template cannot be parsed or rejects the messages. `variables` are further values the
 * template reads (`enable_thinking`, `date_string`); a template that writes today's date is fixed only by giving it one.
 *
 * Two things differ from Python's Jinja: `trim` is JavaScript's (at the ends of a content it takes U+FEFF and leaves U+0085 and
 * U+001C to U+001F), and a null inside `variables` is written as nothing, not as "None".
 */
export function createTemplate(tokenizer: Tokenizer, variables: Readonly<Record<string, unknown>> = {}): ChatTemplate {
  const { files, specials } = tokenizer;
  const pattern = spellingPattern([...specials.keys()]);
  const template = explain("cannot be parsed", () => new Template(withUnixLines(files.chatTemplate)));
  const settings = { tools: null, documents: null, ...namedTokens(files.config), ...variables };
  const render: ChatTemplate["render"] = (messages, answer) =>
    explain(`rejects the roles ${messages.map(({ role }) => role).join(", ")}`, () =>
      template.render({ ...settings, messages, add_generation_prompt: answer }),
    );

  /** The special tokens the template writes around messages of these roles, empty or not. */
  const expected = new Map<string, string>();
  const expectedSpecials = (messages: readonly Message[], answer: boolean): string => {
    const key = `${answer} ${messages.map(({ role, content }) => `${role} ${content.trim() === ""}`).join(" ")}`;
    const known = expected.get(key);
    if (known !== undefined) return known;
    const neutral = messages.map(({ role, content }, i) => ({ role, content: content.trim() === "" ? content : marked(i) }));
    const found = specialsOf(render(neutral, answer));
    expected.set(key, found);
    return found;
  };
  const specialsOf = (text: string): string => (pattern === null ? "" : (text.match(pattern) ?? []).join(" "));

  const renderMasked = (messages: readonly Message[], answer: boolean) => {
    const { texts, restore } = maskSpellings(
      messages.map(({ content }) => content),
      pattern,
    );
    const masked = messages.map(({ role }, i) => ({ role, content: texts[i] }));
    const text = render(masked, answer);
    // Contents that the template itself joins into a special token, or that change which ones it writes.
    if (specialsOf(text) !== expectedSpecials(messages, answer))
      throw new TokenizerError("the chat template writes other special tokens for these contents than for plain words");
    return { text, restore };
  };

  return {
    render,
    encode(messages, answer) {
      const { text, restore } = renderMasked(messages, answer);
      return tokenizer.encodeTemplate(text, restore);
    },
    encodeAfter(index, messages, answer) {
      const mark = marked(index);
      const { text, restore } = renderMasked(
        messages.map((message, i) => (i <= index ? { ...message, content: marked(i) } : message)),
        answer,
      );
      const at = text.indexOf(mark);
      if (at < 0) throw new TokenizerError(`the chat template does not write the content of a ${messages[index].role} message`);
      return tokenizer.encodeTemplate(text.slice(at + mark.length), restore);
    },
  };
}

/** Line ends as Jinja reads them, whatever system wrote the file. */
const withUnixLines = (text: string): string => text.replaceAll(/\r\n?/g, "\n");

function explain<T>(what: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TokenizerError(`the chat template ${what}: ${reason}`, { cause });
  }
}
