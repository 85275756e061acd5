/**
 * What a chat template does with the roles, found out once with contents that are easy to find again: some templates leave a
 * system message out or refuse one, some write less of a content than there is, some never open the assistant's turn.
 */
import type { ChatTemplate, Message } from "./template.ts";
import { TokenizerError } from "./tokenizer.ts";

export interface Roles {
  /** The messages as the template can write them: a leading system message stays, or goes to the head of the user's turn. */
  arrange(messages: readonly Message[]): readonly Message[];
  /** What was arranged otherwise than asked, for a person to read. */
  readonly notes: readonly string[];
}

/** Between its own two private-use characters a text such as games have, longer than any of them. */
const probe = (name: number): string => `\uE000${name}\uE002\n${PROSE.repeat(100)}\uE003${name}\uE001`;
const PROSE = `Rules:  1. "PASS" & 'BET' <pay> {{ 2 }} {% 3 %}\n\n\tGrüße, 日本 \\ 1/2\n`;

const SYSTEM: Message = { role: "system", content: probe(0) };
const USER: Message = { role: "user", content: probe(1) };
const ASSISTANT: Message = { role: "assistant", content: "\uE0003\uE001" };
const NEXT: Message = { role: "user", content: probe(2) };

/** Throws `TokenizerError` for a template that loses or changes contents, or that does not ask for an answer. */
export function rolesOf(template: ChatTemplate): Roles {
  requireWhole(template.render([USER], true), USER, "user");
  requireAnswer(template);
  const conversation = template.render([USER, ASSISTANT, NEXT], true);
  requireWhole(conversation, NEXT, "second user");
  const reason = whyNoSystem(template);
  if (reason === undefined) return { arrange: (messages) => messages, notes: [] };
  const rendered = template.render(folded([SYSTEM, USER]), true);
  requireWhole(rendered, SYSTEM, "user");
  requireWhole(rendered, USER, "user");
  return {
    arrange: folded,
    notes: [`the chat template ${reason}; what it would say stands at the head of the user's first message`],
  };
}

/** Why the template has no place for a system message; `undefined` when it writes one as it is. */
function whyNoSystem(template: ChatTemplate): string | undefined {
  let rendered: string;
  try {
    rendered = template.render([SYSTEM, USER], true);
  } catch (error) {
    // Without a system message it renders, so it is the system message that is refused.
    const { cause } = error instanceof Error ? error : {};
    return `refuses a system message (${cause instanceof Error ? cause.message : String(error)})`;
  }
  if (found(rendered, SYSTEM) === "nothing") return "leaves the system message out";
  requireWhole(rendered, SYSTEM, "system");
  requireWhole(rendered, USER, "user");
  return undefined;
}

/** The messages with a leading system message at the head of the user's. */
function folded(messages: readonly Message[]): readonly Message[] {
  const [first, second, ...rest] = messages;
  if (first?.role !== "system") return messages;
  if (second?.role !== "user") return [{ role: "user", content: first.content }, ...messages.slice(1)];
  return [{ role: "user", content: `${first.content}\n\n${second.content}` }, ...rest];
}

function found(rendered: string, { content }: Message): "once" | "nothing" | "changed" | "several times" {
  const count = rendered.split(content).length - 1;
  if (count > 1) return "several times";
  const [begin, end] = [content.slice(0, content.indexOf("\n")), content.slice(content.lastIndexOf("\uE003"))];
  const marks = [begin, end].map((mark) => rendered.split(mark).length - 1);
  if (count === 1) return marks.every((times) => times === 1) ? "once" : "several times";
  return marks.every((times) => times === 0) ? "nothing" : "changed";
}

function requireWhole(rendered: string, message: Message, role: string): void {
  const outcome = found(rendered, message);
  if (outcome === "once") return;
  const what = {
    nothing: "leaves it out",
    changed: `changes it or writes a part of it (it has ${message.content.length} characters)`,
    "several times": "writes it several times",
  }[outcome];
  throw new TokenizerError(`the chat template does not write the content of the ${role} message once and as it is: it ${what}`);
}

/**
 * A template that ignores `add_generation_prompt` will do where a prompt ends where a reply begins all the same, as Mistral's do;
 * elsewhere the model would be asked to go on with the user's turn.
 */
function requireAnswer(template: ChatTemplate): void {
  const prompt = template.render([USER], true);
  if (prompt !== template.render([USER], false)) return;
  const [beforeReply, ...afterReply] = template.render([USER, ASSISTANT], false).split(ASSISTANT.content);
  if (afterReply.length === 0) throw new TokenizerError("the chat template does not write the content of an assistant message");
  if (prompt.trimEnd().startsWith(beforeReply.trimEnd())) return;
  throw new TokenizerError(
    "the chat template ignores add_generation_prompt, so the prompt does not open the assistant's turn; " +
      `it ends in ${JSON.stringify(prompt.slice(-24))}`,
  );
}
