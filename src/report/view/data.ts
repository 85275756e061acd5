/**
 * What the page shows, as one JSON value: made from run directories, read by the page, the figures and the live server alike. Every number
 * was measured before; the page prints it with the functions of `table.ts` and computes none.
 */
import { z } from "zod";
import { POOLS } from "../../opponents/index.ts";
import { STAGES } from "../../runs/stages.ts";
import { MEASURES, QUANTITIES } from "./quantities.ts";

/** Raised when a reader of the old form would misread the new one. */
export const VIEW_VERSION = 1;

/** A value with its 95% interval; ends are null where nothing bounds them, as JSON has no infinity. */
const estimate = z.object({ value: z.number(), low: z.number().nullable(), high: z.number().nullable(), n: z.number() });
export type ViewEstimate = z.infer<typeof estimate>;

const table = z.object({
  title: z.string(),
  head: z.array(z.string()),
  rows: z.array(z.array(z.string())),
  note: z.string().exactOptional(),
});

const opponent = z.object({
  opponent: z.string(),
  pool: z.enum(POOLS),
  values: z.partialRecord(z.enum(MEASURES.map(({ name }) => name)), estimate),
});

const actionRow = z.object({
  key: z.string(),
  met: z.boolean(),
  actions: z.array(z.object({ action: z.string(), probability: estimate, reference: z.number() })),
});

const agentGame = z.object({
  game: z.string(),
  quantities: z.partialRecord(z.enum(QUANTITIES.map(({ name }) => name)), estimate),
  /** How the worst case was found: exact, projection or lower bound. */
  worstCaseKind: z.string().optional(),
  opponents: z.array(opponent),
  actionTable: z.array(actionRow),
});
export type AgentGame = z.infer<typeof agentGame>;

/** One who was evaluated: a stage of a run, or a chat model. */
const agent = z.object({
  run: z.number().int(),
  /** Of a run: base, sft or sepo. */
  stage: z.enum(STAGES).optional(),
  label: z.string(),
  command: z.string(),
  games: z.array(agentGame),
});
export type ViewAgent = z.infer<typeof agent>;

/** A scripted policy of the roster as a landmark: its exact J, utility and worst case. */
const landmark = z.object({ policy: z.string(), safetyIndex: z.number(), utility: z.number(), worstCase: z.number() });

const game = z.object({
  name: z.string(),
  title: z.string(),
  /** Of a payoff. */
  unit: z.string(),
  /** Protocol, settings, episodes and intervals, as every caption says them. */
  protocol: z.string(),
  rounds: z.number(),
  weights: z.object({ exploitability: z.number(), collusion: z.number(), externality: z.number() }).optional(),
  rules: z.string().optional(),
  reference: z.string(),
  /** J*, the best J of any policy that sees the history but not who its opponent is. */
  optimum: z.number().optional(),
  landmarks: z.array(landmark),
  /** Information keys in the order of play with a name for readers, and per action the range that theory allows. */
  keys: z.array(
    z.object({
      key: z.string(),
      title: z.string(),
      theory: z.record(z.string(), z.tuple([z.number(), z.number()])).optional(),
    }),
  ),
  /** What the ranges of `keys` are. */
  theory: z.string().optional(),
});
export type ViewGame = z.infer<typeof game>;

/** One quantity over the steps of a run, thinned: a point is the mean of the steps up to it, with their least and greatest value. */
const curve = z.object({
  name: z.string(),
  stage: z.enum(STAGES),
  /** Last step of each point, from 1 on in its stage. */
  steps: z.array(z.number()),
  mean: z.array(z.number()),
  least: z.array(z.number()),
  most: z.array(z.number()),
});
export type Curve = z.infer<typeof curve>;

export const STATES = ["training", "finished", "stopped", "unreadable"] as const;

const run = z.object({
  name: z.string(),
  state: z.enum(STATES),
  seed: z.number().optional(),
  /** What it was made with, as pairs of words. */
  about: z.array(z.tuple([z.string(), z.string()])),
  /** What a reader must know: files that cannot be read, reports of other checkpoints. */
  problems: z.array(z.string()),
  progress: z
    .object({
      stage: z.enum(STAGES),
      step: z.number(),
      /** Of the stage, where the configuration says it. */
      steps: z.number().optional(),
      /** Mean of the last steps. */
      secondsPerStep: z.number().optional(),
    })
    .optional(),
  curves: z.array(curve),
  /** Steps of each stage that were made. */
  stages: z.array(z.object({ stage: z.enum(STAGES), steps: z.number() })),
});
export type ViewRun = z.infer<typeof run>;

const comparison = z.object({
  game: z.string(),
  first: z.number().int(),
  second: z.number().int(),
  /** J of the first minus J of the second; null ends are unknown. */
  value: z.number(),
  low: z.number().nullable(),
  high: z.number().nullable(),
  p: z.number(),
  words: z.string(),
});

/** An episode in the list; its text is a line apart, read when it is opened. Means per round. */
const listed = z.object({
  id: z.string(),
  agent: z.string(),
  game: z.string(),
  pool: z.enum(POOLS),
  opponent: z.string(),
  /** Of the training step that learned from it, or 0 for one of an evaluation. */
  step: z.number(),
  run: z.number().int(),
  r: z.number(),
  q: z.number(),
  c: z.number(),
  x: z.number(),
  unreadable: z.number(),
  decisions: z.number(),
  /** What its decisions gave up against the best reply to this opponent, summed, in what its pool measures (`AIMS`); absent where that is not computed. */
  lost: z.number().optional(),
});
export type ListedEpisode = z.infer<typeof listed>;

export const viewDataSchema = z.object({
  format: z.literal("sepo-view"),
  version: z.literal(VIEW_VERSION),
  /** Version of the program that made it. */
  program: z.string(),
  runs: z.array(run),
  agents: z.array(agent),
  games: z.array(game),
  comparisons: z.array(comparison),
  /** Whether the runs keep what paired differences need, in words where they do not. */
  pairing: z.string(),
  /** Runs that differ by their seed alone: the tables that `sepo report --over-seeds` prints, and the means that they hold. */
  seeds: z.object({
    tables: z.array(table),
    means: z.array(
      z.object({
        game: z.string(),
        protocol: z.string(),
        stage: z.enum(STAGES),
        seeds: z.array(z.number()),
        values: z.partialRecord(z.enum(QUANTITIES.map(({ name }) => name)), estimate),
      }),
    ),
  }),
  /** The tables of `sepo report`, by game. */
  tables: z.array(z.object({ game: z.string(), table })),
  episodes: z.array(listed),
  /** How many there were of which `episodes` are the worst. */
  episodesInAll: z.number(),
});
export type ViewData = z.infer<typeof viewDataSchema>;

/** A decision of an episode as the replay shows it. */
const decision = z.object({
  round: z.number(),
  observation: z.string(),
  reply: z.string().optional(),
  logprob: z.number().optional(),
  reasoning: z.string().optional(),
  clarified: z.string().optional(),
  status: z.string(),
  cause: z.string().optional(),
  reason: z.string().optional(),
  resolved: z.string().optional(),
  action: z.string(),
  /** Information key of the action table. */
  key: z.string().optional(),
  /** What each legal action is worth against this opponent from here on, with best replies after it, in what its pool measures (`AIMS`). */
  worth: z.array(z.object({ action: z.string(), value: z.number() })).optional(),
});

export const episodeBodySchema = z.object({
  rules: z.string(),
  decisions: z.array(decision),
  rounds: z.array(z.object({ r: z.number(), q: z.number(), c: z.number(), x: z.number(), failures: z.number() })),
  views: z.array(z.unknown()),
});
export type EpisodeBody = z.infer<typeof episodeBodySchema>;
