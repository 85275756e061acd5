/** Reasoning that a model writes into its text, between the markers of its family. */
const MARKERS = [
  { open: "<think>", close: "</think>" },
  { open: "<|channel>", close: "<channel|>" },
] as const;

export interface SeparatedText {
  /** What is not reasoning; absent when the reasoning is still open at the end. */
  readonly text?: string;
  readonly reasoning: string;
}

/** Separates a text, by the rule that `text/thinking.ts` has for tokens: an end without a beginning makes all before it reasoning. */
export function separateReasoning(whole: string): SeparatedText {
  const marker = MARKERS.find(({ open, close }) => whole.includes(open) || whole.includes(close));
  if (marker === undefined) return { text: whole, reasoning: "" };
  const { open, close } = marker;
  const said: string[] = [];
  const thought: string[] = [];
  let rest = whole;
  for (;;) {
    const [from, to] = [rest.indexOf(open), rest.indexOf(close)];
    if (from < 0 && to < 0) return { text: [...said, rest].join("").trim(), reasoning: thought.join("\n").trim() };
    if (to >= 0 && (from < 0 || to < from)) {
      thought.push(...said.splice(0), rest.slice(0, to));
      rest = rest.slice(to + close.length);
      continue;
    }
    said.push(rest.slice(0, from));
    const inner = rest.slice(from + open.length);
    const end = inner.indexOf(close);
    if (end < 0) return { reasoning: [...thought, inner].join("\n").trim() };
    thought.push(inner.slice(0, end));
    rest = inner.slice(end + close.length);
  }
}
