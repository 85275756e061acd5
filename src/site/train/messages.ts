/** What the page and the worker that trains say to each other. */
import type { PackedModel } from "../../play/packed-model.ts";
import type { LessonEvent, LessonSettings } from "../../training/lesson.ts";

export type Order =
  | { readonly kind: "start"; readonly settings: LessonSettings; readonly threads: number }
  | { readonly kind: "pause" }
  | { readonly kind: "continue" }
  | { readonly kind: "stop" };

/** A lesson's event without the function that reads the model. */
export type Progress =
  | Omit<Extract<LessonEvent, { stage: "sft" }>, "model">
  | Omit<Extract<LessonEvent, { stage: "sepo" }>, "model">;

export type News =
  | { readonly kind: "progress"; readonly progress: Progress }
  | { readonly kind: "paused"; readonly model: PackedModel }
  /** The lesson is over, or was stopped. */
  | { readonly kind: "ended"; readonly model: PackedModel | undefined }
  | { readonly kind: "failed"; readonly problem: string };
