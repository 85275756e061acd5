/**
 * A cassette: every answer of a model, one per line, in the order they came. It is written before an answer is used, so a run that is killed
 * asks for nothing twice and ends with the same bytes; and it replays without a provider. It holds no headers and no keys.
 */
import { createReadStream } from "node:fs";
import { truncate } from "node:fs/promises";
import { createInterface } from "node:readline";
import { z } from "zod";
import { Batcher } from "../concurrency.ts";
import { FileError, append, reasonOf, sha256 } from "../files.ts";
import { parseJson } from "../json.ts";
import { type ChatAnswer, type ChatModel, type ChatRequest, type ChatSettings, ModelError } from "./chat-model.ts";

const count = z.number().nullable();
const token = { token: z.string(), logprob: z.number() };

const answerSchema = z.strictObject({
  text: z.string().exactOptional(),
  reasoning: z.string(),
  finish: z.enum(["stop", "length", "refused", "other"]),
  usage: z.strictObject({ input: count, output: count, reasoning: count }),
  logprobs: z.array(z.strictObject({ ...token, top: z.array(z.strictObject(token)) })).exactOptional(),
  warnings: z.array(z.string()),
});

export const settingsSchema = z.strictObject({
  maxTokens: z.number(),
  temperature: z.number().exactOptional(),
  topP: z.number().exactOptional(),
  topK: z.number().exactOptional(),
  seed: z.number().exactOptional(),
  providerOptions: z.record(z.string(), z.unknown()).exactOptional(),
});

const lineSchema = z.strictObject({
  provider: z.string(),
  model: z.string(),
  settings: settingsSchema,
  /** SHA-256 of provider, model, settings and messages. */
  hash: z.string(),
  episode: z.string(),
  turn: z.number().int(),
  seat: z.number().int(),
  sample: z.number().int(),
  /** The key of the decision's randomness, which tells seeds apart. */
  key: z.string(),
  answer: answerSchema,
});
type Identity = Readonly<Omit<z.infer<typeof lineSchema>, "answer">>;
export interface CassetteLine extends Identity {
  readonly answer: ChatAnswer;
}

/** JSON with sorted keys, so that equal settings have equal hashes. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return `{${entries
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`)
    .join(",")}}`;
}

function identityOf({ provider, model, settings }: ChatModel, { messages, place, key }: ChatRequest): Identity {
  const hash = sha256(canonical({ provider, model, settings, messages }));
  const { episode, turn, seat, sample = 0 } = place;
  return { provider, model, settings, hash, episode, turn, seat, sample, key: key.map((word) => word.toString(16)).join(".") };
}

const nameOf = ({ hash, episode, turn, seat, sample, key }: Identity): string =>
  [hash, turn, seat, sample, key, episode].join(" ");

/** The lines of a cassette and how many bytes they are; a last line without its end was torn by a kill and is left out. */
async function readCassette(
  path: string,
): Promise<{ readonly lines: CassetteLine[]; readonly bytes: number; readonly torn: boolean }> {
  const lines: CassetteLine[] = [];
  const stream = createReadStream(path, "utf8");
  let bytes = 0;
  let ended = true;
  stream.on("data", (chunk) => {
    ended = chunk.toString().endsWith("\n");
  });
  const texts: string[] = [];
  try {
    for await (const text of createInterface({ input: stream, crlfDelay: Infinity })) texts.push(text);
  } catch (cause) {
    throw new FileError(`${path}: expected a cassette, but it cannot be read: ${reasonOf(cause)}`, { cause });
  }
  if (!ended) texts.pop();
  for (const [i, text] of texts.entries()) {
    lines.push(parseJson(text, `${path}, line ${i + 1}`, lineSchema, (message) => new FileError(message)));
    bytes += Buffer.byteLength(text) + 1;
  }
  return { lines, bytes, torn: !ended };
}

/** A model whose answers are written down. */
export interface RecordedModel extends ChatModel {
  /** Waits for the calls that are under way, so that what they cost is not lost. */
  settle(): Promise<void>;
}

export interface Cassette {
  /** Answers that it held when it was opened. */
  readonly before: readonly CassetteLine[];
  record(model: ChatModel): RecordedModel;
}

/** Opens a cassette for writing; it is made where there is none. One process writes it at a time, which the caller sees to. */
export async function openCassette(path: string): Promise<Cassette> {
  await append(path, "");
  const { lines, bytes, torn } = await readCassette(path);
  if (torn) await truncate(path, bytes);
  const answers = new Map(lines.map((line) => [nameOf(line), line.answer]));
  // Lines that come while others are written go together, so that the file is never far behind.
  const writer = new Batcher<string, void>(async (texts) => {
    await append(path, texts.join(""));
    return texts.map(() => undefined);
  });
  const write = async (line: CassetteLine): Promise<void> => {
    await writer.run([`${JSON.stringify(line)}\n`]);
    answers.set(nameOf(line), line.answer);
  };
  return { before: lines, record: (model) => recordedModel(model, answers, write) };
}

function recordedModel(
  model: ChatModel,
  answers: ReadonlyMap<string, ChatAnswer>,
  write: (line: CassetteLine) => Promise<void>,
): RecordedModel {
  const under = new Map<string, Promise<ChatAnswer>>();
  return {
    provider: model.provider,
    model: model.model,
    settings: model.settings,
    async generate(request, signal) {
      const identity = identityOf(model, request);
      const name = nameOf(identity);
      const known = answers.get(name) ?? under.get(name);
      if (known !== undefined) return known;
      const asked = model.generate(request, signal).then(async (answer) => {
        await write({ ...identity, answer });
        return answer;
      });
      under.set(name, asked);
      try {
        return await asked;
      } finally {
        under.delete(name);
      }
    },
    async settle() {
      while (under.size > 0) await Promise.allSettled(under.values());
    },
  };
}

/** The model of a cassette that holds one. A call that it does not hold is a `ModelError` that names it. */
export async function replayed(path: string): Promise<ChatModel & { readonly lines: readonly CassetteLine[] }> {
  const { lines } = await readCassette(path);
  const [first] = lines;
  if (first === undefined) throw new FileError(`${path}: the cassette holds no answer`);
  const whose = ({ provider, model, settings }: CassetteLine) => canonical({ provider, model, settings });
  const other = lines.find((line) => whose(line) !== whose(first));
  if (other !== undefined)
    throw new FileError(
      `${path}: holds answers of ${first.provider}:${first.model} and of ${other.provider}:${other.model}, or of several settings; ` +
        "a cassette to replay holds one model with one set of settings",
    );
  const { provider, model } = first;
  const settings: ChatSettings = first.settings;
  const answers = new Map(lines.map((line) => [nameOf(line), line.answer]));
  const self: ChatModel = {
    provider,
    model,
    settings,
    generate(request) {
      const identity = identityOf(self, request);
      const answer = answers.get(nameOf(identity));
      if (answer !== undefined) return Promise.resolve(answer);
      const { episode, turn, sample } = identity;
      return Promise.reject(
        new ModelError(
          `${path}: holds no answer for turn ${turn + 1} of ${episode}${sample === 0 ? "" : `, sample ${sample + 1}`}; ` +
            "replay with the seed, games, protocol and at most the episodes that were recorded",
        ),
      );
    },
  };
  return { ...self, lines };
}
