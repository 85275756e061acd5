/** The stages of a run and what a run tells whoever watches it. */
import type { AgentReport } from "../evaluation/report.ts";

export const STAGES = ["base", "sft", "sepo"] as const;
export type Stage = (typeof STAGES)[number];

/** Stages whose checkpoints between are all kept; of the others the newest alone. */
export const KEPT_STAGES: readonly Stage[] = ["sepo"];

/** Position of a step in the whole run, for comparing: stages in order, then steps. */
export const orderOf = (at: { readonly stage: Stage; readonly step: number }): number =>
  STAGES.indexOf(at.stage) * 1e9 + at.step;

export type RunEvent =
  /** A step is done and recorded. */
  | {
      readonly kind: "step";
      readonly stage: Stage;
      readonly step: number;
      readonly steps: number;
      readonly metrics: Readonly<Record<string, number>>;
    }
  | { readonly kind: "checkpoint"; readonly stage: Stage; readonly step: number; readonly folder: string }
  /** Episodes of the step in progress. */
  | {
      readonly kind: "playing";
      readonly stage: Stage;
      readonly step: number;
      readonly finished: number;
      readonly episodes: number;
    }
  | { readonly kind: "evaluating"; readonly stage: Stage; readonly finished: number; readonly episodes: number }
  | { readonly kind: "evaluated"; readonly stage: Stage; readonly report: AgentReport }
  /** What the engine waits for, or says. */
  | { readonly kind: "engine"; readonly text: string }
  | { readonly kind: "warning"; readonly text: string };
