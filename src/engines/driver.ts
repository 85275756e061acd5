/**
 * How a run gets an engine by its name in a configuration. A driver is data and three functions; nothing outside the table of
 * `drivers.ts` asks which engine it has. Modules that compute are imported when an engine is made, so that a program that
 * trains nothing loads none of them.
 */
import { z } from "zod";
import type { Key } from "../random.ts";
import type { AdamSettings, Engine } from "./engine.ts";

/** What the tokens of an engine are, and where the tokenizer of one that reads text comes from. */
export type VocabularySource =
  /** A token for each information key and each action. */
  | { readonly kind: "table" }
  /** A tokenizer trained on the language of the games. */
  | { readonly kind: "corpus"; readonly size: number; readonly contextLength: number }
  /** A model's own tokenizer and chat template: a folder, or the name of a model in the hub's cache. */
  | { readonly kind: "folder"; readonly folder: string; readonly thinking: boolean };

export const DEVICES = ["cpu", "cuda"] as const;
export type Device = (typeof DEVICES)[number];

/** How an engine uses this machine or reaches another; it changes no result. */
export interface Connection {
  /** Worker threads at most; all cores unless given. */
  readonly threads?: number;
  /** Where graphs run; "cpu" unless given. */
  readonly device?: Device;
  /** Of a server, where it differs from the one in the settings or the checkpoint. */
  readonly baseUrl?: string;
  /** Of a server. Never logged. */
  readonly apiKey?: string;
  /** Ends what is under way. */
  readonly signal?: AbortSignal;
  /** Told what a person may want to know, such as what the engine waits for. */
  readonly onMessage?: (text: string) => void;
}

/** The vocabulary an engine is made for. */
export interface EngineVocabulary {
  readonly size: number;
  /** Of a table: the tokens that may follow each row's token. */
  readonly rows?: readonly (readonly number[])[];
  /** The folder that `VocabularySource` names, found on this machine. */
  readonly folder?: string;
}

/** What a run wants of its engine. */
export interface TrainingPlan {
  readonly temperature: number;
  /** Whether a frozen reference policy is needed beside the one in training. */
  readonly reference: boolean;
  /** Settings by which episodes may be older than the weights that learn, by their configuration keys. */
  readonly offPolicy: Readonly<Record<string, number>>;
  /** Settings of Adam by stage. */
  readonly adam: Readonly<Record<string, AdamSettings>>;
}

/** What an engine is opened for. Without training, a missing optimizer's state is no error. */
export interface EngineUse {
  readonly training: boolean;
}

export interface EngineSettings {
  readonly kind: string;
}

export interface EngineDriver<Settings extends EngineSettings = EngineSettings> {
  /** The section `engine` of a configuration; its `kind` names the driver. */
  readonly settings: z.ZodType<Settings>;
  /** Whether its tokens are those of a table or of text. */
  readonly tokens: "table" | "text";
  vocabulary(settings: Settings): VocabularySource;
  /** A new engine; `key` decides random weights. Throws `EngineError` for one that cannot be made. */
  create(settings: Settings, vocabulary: EngineVocabulary, key: Key, connection: Connection): Promise<Engine>;
  /** The engine that was saved in a folder. Throws `EngineError` naming a file that is missing or wrong. */
  open(folder: string, vocabulary: EngineVocabulary, connection: Connection, use: EngineUse): Promise<Engine>;
  /** Why the engine would not train what a plan says over a connection, one line each; none unless given. */
  refusals?(settings: Settings, plan: TrainingPlan, connection: Connection): readonly string[];
  /** How an engine of these settings uses this machine. */
  connection?(settings: Settings): Connection;
}
