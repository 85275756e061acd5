/** The embedded engine by name: a model in this process, from random weights or from a folder. */
import { z } from "zod";
import { type Connection, DEVICES, type EngineDriver } from "../driver.ts";
import { EngineError } from "../engine.ts";
import { TARGETS } from "./lora.ts";
import { type ModelConfig, checkModel } from "./model.ts";

const positive = z.number().int().min(1);

const settings = z.strictObject({
  kind: z.literal("embedded").describe("a language model in this process"),
  from: z
    .string()
    .min(1)
    .optional()
    .describe("folder of a pretrained model, or its name in the hub's cache; default: random weights of the shape below"),
  lora: z
    .strictObject({
      rank: positive.default(16).describe("rank of the adapters"),
      alpha: z.number().positive().optional().describe("their scale is alpha / rank; default: twice the rank"),
      targets: z
        .array(z.enum(TARGETS))
        .min(1)
        .default([...TARGETS])
        .describe("the linear maps that are adapted"),
    })
    .optional()
    .describe("trains adapters of low rank beside the frozen model of from; default: the whole model is trained"),
  vocabularySize: positive.default(640).describe("tokens of the tokenizer that is trained, at most"),
  width: positive.default(128).describe("numbers per position in the residual stream"),
  layers: positive.default(3).describe("blocks of attention and feed-forward"),
  heads: positive.default(4).describe("query heads per layer"),
  keyValueHeads: positive.default(2).describe("key and value heads per layer; divides heads"),
  headWidth: positive.default(32).describe("numbers per head"),
  feedForward: positive.default(352).describe("hidden numbers of the feed-forward part"),
  contextLength: positive.default(512).describe("longest prompt and reply together, in tokens"),
  threads: z.number().int().min(0).default(0).describe("worker threads; 0: one per core"),
  device: z.enum(DEVICES).default("cpu").describe("where graphs run"),
});
type Settings = z.infer<typeof settings>;

/** The model that random weights are drawn for. */
const shapeOf = (shape: Settings, vocabularySize: number): ModelConfig => ({
  vocabularySize,
  width: shape.width,
  layers: shape.layers,
  heads: shape.heads,
  keyValueHeads: shape.keyValueHeads,
  headWidth: shape.headWidth,
  feedForward: shape.feedForward,
  contextLength: shape.contextLength,
  ropeTheta: 10_000,
  normEpsilon: 1e-6,
});

const adapted = ({ rank, alpha, targets }: NonNullable<Settings["lora"]>) => ({
  rank,
  targets,
  ...(alpha === undefined ? {} : { alpha }),
});

/** What the engine itself takes of a connection. */
const machineOf = ({ threads, device }: Connection) => ({
  ...(threads ? { threads } : {}),
  ...(device === undefined ? {} : { device }),
});

/** The engine's own modules need ONNX Runtime, which a package that only evaluates leaves out. */
async function load() {
  try {
    import.meta.resolve("onnxruntime-node");
  } catch (cause) {
    throw new EngineError(
      'embedded: the engine needs the package onnxruntime-node; expected it after "npm install --ignore-scripts onnxruntime-node"',
      { cause },
    );
  }
  return import("./engine.ts");
}

export const embeddedDriver = {
  settings,
  tokens: "text",
  vocabulary: ({ from, vocabularySize, contextLength }) =>
    from === undefined
      ? { kind: "corpus", size: vocabularySize, contextLength }
      : { kind: "folder", folder: from, thinking: false },
  async create(settings, { size, folder }, key, connection) {
    const { createEmbeddedEngine, importEmbeddedEngine } = await load();
    const machine = machineOf(connection);
    if (settings.from === undefined) return createEmbeddedEngine({ model: shapeOf(settings, size), key, ...machine });
    if (folder === undefined) throw new EngineError(`embedded: the folder of ${settings.from} is needed`);
    const { lora, contextLength } = settings;
    return importEmbeddedEngine(folder, {
      contextLength,
      ...(lora === undefined ? {} : { lora: { ...adapted(lora), key } }),
      ...machine,
    });
  },
  async open(folder, _, connection, { training }) {
    const { loadEmbeddedEngine } = await load();
    return loadEmbeddedEngine(folder, { optimizer: training, ...machineOf(connection) });
  },
  refusals(settings) {
    if (settings.from !== undefined) return [];
    if (settings.lora !== undefined) return ["engine.lora: adapters need a model beneath them; expected engine.from as well"];
    try {
      checkModel(shapeOf(settings, settings.vocabularySize));
      return [];
    } catch (error) {
      return [`engine: ${error instanceof Error ? error.message : String(error)}`];
    }
  },
  connection: ({ threads, device }) => ({ threads, device }),
} satisfies EngineDriver<Settings>;
