/** Where the numbers of a document come from, as the comments in it say. */

/** A comment that names the source of the numbers after it, up to the next such comment or heading. */
export type Source =
  /** Numbers that a command prints again: one of `sepo`, or a program in `reference`. */
  | { readonly kind: "printed"; readonly command: readonly string[] }
  /** So many numbers that were measured, by a command that is too costly to run again. */
  | { readonly kind: "measured"; readonly count: number; readonly date: string; readonly command: string }
  /** So many numbers that nobody measured: settings, arithmetic, versions, other people's results. */
  | { readonly kind: "given"; readonly count: number; readonly reason: string };

/** A part of a document with the comments that stand together at its beginning. */
export interface Block {
  readonly sources: readonly Source[];
  readonly text: string;
  /** The heading above it. */
  readonly heading: string;
}

export const FORMS = `expected one of
  <!-- printed by: sepo COMMAND --> (or: node reference/PROGRAM.mjs)
  <!-- N numbers measured YYYY-MM-DD: COMMAND -->
  <!-- N numbers given: REASON -->`;

const COMMENT = /^<!--\s*(.*?(?:numbers?|printed by).*?)\s*-->$/;
const PRINTED = /^printed by: (sepo .+|node reference\/[\w-]+\.mjs.*)$/;
const MEASURED = /^(\d+) numbers? measured (\d{4}-\d{2}-\d{2}): (.+)$/;
const GIVEN = /^(\d+) numbers? given: (.+)$/;

/** Throws for a comment that speaks of numbers in no form that is known. */
function sourceOf(comment: string): Source {
  const printed = PRINTED.exec(comment);
  if (printed) return { kind: "printed", command: printed[1].split(" ") };
  const measured = MEASURED.exec(comment);
  if (measured) return { kind: "measured", count: Number(measured[1]), date: measured[2], command: measured[3] };
  const given = GIVEN.exec(comment);
  if (given) return { kind: "given", count: Number(given[1]), reason: given[2] };
  throw new Error(`the comment "${comment}" names no source; ${FORMS}`);
}

/** The parts of a document, code blocks left out. */
export function blocksOf(markdown: string): Block[] {
  const blocks: { sources: Source[]; text: string; heading: string }[] = [{ sources: [], text: "", heading: "" }];
  for (const line of markdown.replaceAll(/^```\w*\n[\s\S]*?^```/gm, "").split("\n")) {
    const last = blocks[blocks.length - 1];
    const comment = COMMENT.exec(line.trim());
    if (line.startsWith("#")) blocks.push({ sources: [], text: line, heading: line.replace(/^#+ /, "") });
    else if (comment === null) last.text += `\n${line}`;
    else if (last.text.trim() === "" || isHeadingAlone(last.text)) last.sources.push(sourceOf(comment[1]));
    else blocks.push({ sources: [sourceOf(comment[1])], text: "", heading: last.heading });
  }
  return blocks;
}

const isHeadingAlone = (text: string): boolean => text.startsWith("#") && !text.trim().includes("\n");

/** Names that hold a number. */
const NAMES = /\b(?:Qwen|Gemma|Llama|Node(?:\.js)?|Python|transformers|PyTorch|torch|arXiv|version) \d+(?:\.\d+)+/g;
const UNITS = "%|ms|us|s|min|minutes?|seconds?|hours?|days?|[KMGT]i?B|times|nats|chips|tokens/s|a second|per second";
const NUMBER = new RegExp(
  String.raw`(?<![\w.,/-])([-+]?\d(?:[\d,]*\d)?(?:\.\d+)?)(?![\w.,]*\w)(?: ?(${UNITS})(?!\w))?|(?<![\w.,/-])(\d(?:[\d,]*\d)?(?:\.\d+)?)(%)`,
  "g",
);

/** A number as it stands in a text: `0.717`, `18%`, `1301 s`. */
const numbersIn = (text: string): string[] =>
  [...text.matchAll(NUMBER)].map(
    ([, number = "", unit = "", share = "", percent = ""]) =>
      `${(number + share).replaceAll(",", "").replace("+", "")}${unit === "%" || percent === "%" ? "%" : unit && ` ${unit}`}`,
  );

/** Decimals, percentages and numbers with a unit of time, memory or speed, outside of code, addresses and names. */
export const numbersOf = (text: string): string[] =>
  numbersIn(
    text
      .replaceAll(/`[^`]*`/g, " ")
      .replaceAll(/\]\([^)]*\)/g, "]")
      .replaceAll(/https?:\S+/g, " ")
      .replaceAll(NAMES, " "),
  ).filter((number) => /[. %]/.test(number));

/** Units that an output leaves out. */
const UNWRITTEN = / (?:times|nats|chips)$/;

/** Whether an output holds a number, or one with more digits that rounds to it, in the same unit. */
export function prints(output: readonly string[], number: string): boolean {
  const wanted = number.includes(".") ? number.replace(UNWRITTEN, "") : number;
  const unit = unitOf(wanted);
  const digits = decimals(wanted);
  return output.some(
    (printed) =>
      (unit === unitOf(printed) || (unit === "" && unitOf(printed) !== "%")) &&
      decimals(printed) >= digits &&
      Math.abs(parseFloat(printed) - parseFloat(wanted)) <= 0.5 * 10 ** -digits + 1e-9,
  );
}

const unitOf = (number: string): string => number.replace(/^[-\d.]+/, "");
const decimals = (number: string): number => /\.(\d+)/.exec(number)?.[1].length ?? 0;

/** Numbers of a document that no comment gives a source; `outputOf` runs a command. */
export function withoutSource(markdown: string, outputOf: (command: readonly string[]) => string): string[] {
  return blocksOf(markdown).flatMap(({ sources, text, heading }) => {
    const output = sources.flatMap((source) => (source.kind === "printed" ? numbersIn(outputOf(source.command)) : []));
    const left = numbersOf(text).filter((number) => !prints(output, number));
    const counted = sources.reduce((sum, source) => sum + (source.kind === "printed" ? 0 : source.count), 0);
    if (left.length === counted) return [];
    const wanted = counted === 0 ? "without a source" : `where the comments count ${counted}`;
    return [`under "${heading}": ${left.length} numbers ${wanted} (${left.join(", ")}); ${FORMS}`];
  });
}
