/** Text to token ids and back, with special tokens that no text can write. */
import { Tokenizer as HuggingFaceTokenizer } from "@huggingface/tokenizers";
import { z } from "zod";
import { boundedCache } from "./cache.ts";
import { isControl, spellingPattern } from "./specials.ts";
import { TokenizerError, type TokenizerFiles } from "./tokenizer-schema.ts";
import { PRE_TOKENIZER, splitWords } from "./words.ts";

export { TokenizerError, type TokenizerFiles, namedTokens, tokenizerFiles } from "./tokenizer-schema.ts";

/** Text to token ids and back. Text never becomes a special token; those have ids of their own through `special`. */
export interface Tokenizer {
  readonly files: TokenizerFiles;
  /** One more than the largest id. */
  readonly vocabularySize: number;
  /** Ids of the special tokens by their text: those of `"special": true` in the file, and Qwen's around thinking and tool calls. */
  readonly specials: ReadonlyMap<string, number>;
  /** The ids of a text; the spelling of a special token is text like any other. The result is shared: do not change it. */
  encode(text: string): readonly number[];
  /** The text of ids. Of the special tokens those of `spelled` appear as they are spelled, the others not at all. */
  decode(tokens: readonly number[], options?: { readonly spelled?: ReadonlySet<number> }): string;
  /** Id of an added token; throws `TokenizerError` when there is none of that name. */
  special(content: string): number;
  /** Splits text at special tokens and encodes the rest, each part first through `plain`. Only for what a template wrote. */
  encodeTemplate(text: string, plain?: (part: string) => string): readonly number[];
}

/** Bounds on the characters kept encoded; prompts repeat whole texts and, above all, words. */
const CACHED_TEXT = 4_000_000;
const CACHED_WORDS = 1_000_000;
const NONE: ReadonlySet<number> = new Set();

/** Throws `TokenizerError` for a tokenizer whose texts cannot be encoded message by message. */
export function createTokenizer(files: TokenizerFiles): Tokenizer {
  refuseFirstWordSpace(files.tokenizer);
  const { added_tokens: added, model, pre_tokenizer: preTokenizer } = files.tokenizer;
  const ids = new Map(added.map(({ content, id }) => [content, id]));
  const specials = new Map(added.filter(isControl).map(({ content, id }) => [content, id]));
  const specialIds = new Set(specials.values());
  const names = new Map([...specials].map(([content, id]) => [id, content]));
  const pattern = spellingPattern([...specials.keys()]);
  const before = new Set(added.filter(({ lstrip }) => lstrip).map(({ content }) => content));
  const after = new Set(added.filter(({ rstrip }) => rstrip).map(({ content }) => content));
  // Without special tokens the library treats their spelling as plain text.
  const library = libraryOf({ ...files.tokenizer, added_tokens: added.filter(({ id }) => !specialIds.has(id)) }, files.config);
  const encodePlain = (text: string): readonly number[] => library.encode(text, { add_special_tokens: false }).ids;
  const decodePlain = (tokens: readonly number[]): string =>
    tokens.length === 0 ? "" : library.decode([...tokens], { clean_up_tokenization_spaces: false });

  const words = boundedCache<readonly number[]>(CACHED_WORDS);
  // Words of our own split are encoded one by one, so that a text is mostly look-ups: 0.02 ms per 100 tokens of game text instead
  // of 0.12, as the library reorders its own cache at every look-up.
  const byWord = isOurSplit(preTokenizer) && files.tokenizer.normalizer === null && added.length === specials.size;
  const encodeWords = (text: string): readonly number[] => splitWords(text).flatMap((word) => words(word, encodePlain));
  const texts = boundedCache<readonly number[]>(CACHED_TEXT);
  const encode = (text: string): readonly number[] => texts(text, byWord ? encodeWords : encodePlain);

  return {
    files,
    vocabularySize: Object.values(model.vocab).reduce((most, id) => Math.max(most, id), Math.max(-1, ...ids.values())) + 1,
    specials,
    encode,
    decode(tokens, { spelled = NONE } = {}) {
      const kept = tokens.filter((token) => spelled.has(token) || !specialIds.has(token));
      let text = "";
      let from = 0;
      for (const [at, token] of kept.entries()) {
        if (!specialIds.has(token)) continue;
        text += decodePlain(kept.slice(from, at)) + names.get(token);
        from = at + 1;
      }
      return text + decodePlain(kept.slice(from));
    },
    special(content) {
      const id = ids.get(content);
      if (id === undefined) throw new TokenizerError(`no token "${content}"; expected one of ${[...ids.keys()].join(", ")}`);
      return id;
    },
    encodeTemplate(text, plain = (part) => part) {
      // Split at a captured group: plain parts at even indices, special tokens at odd ones.
      const parts = pattern === null ? [text] : text.split(pattern);
      return parts.flatMap((part, i) => {
        if (i % 2 === 1) return [specials.get(part)!];
        const left = after.has(parts[i - 1]) ? part.trimStart() : part;
        return encode(plain(before.has(parts[i + 1]) ? left.trimEnd() : left));
      });
    },
  };
}

/** Whether a file's words are those of `splitWords`; programs write the keys in their own order. */
const isOurSplit = (stage: unknown): boolean => sortedJson(stage) === sortedJson(PRE_TOKENIZER);

const sortedJson = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );

/**
 * Messages are encoded apart from each other, which is right only where a text's tokens do not depend on whether it comes
 * first. Old SentencePiece tokenizers put a space before the first word of a text alone.
 */
function refuseFirstWordSpace({ pre_tokenizer: stage }: TokenizerFiles["tokenizer"]): void {
  const stages: unknown = stage?.type === "Sequence" ? stage["pretokenizers"] : [stage];
  for (const part of z.array(z.looseObject({ prepend_scheme: z.string().optional() }).nullable()).parse(stages))
    if (part?.prepend_scheme === "first")
      throw new TokenizerError('tokenizer.json: prepend_scheme "first" is not supported; expected "never" or "always"');
}

/** The library's tokenizer; a part that it does not have is named. */
function libraryOf(...files: ConstructorParameters<typeof HuggingFaceTokenizer>): HuggingFaceTokenizer {
  try {
    return new HuggingFaceTokenizer(...files);
  } catch (cause) {
    throw new TokenizerError(`tokenizer.json: not supported: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}
