/** JSON of the protocol: what is sent, and schemas of what is read. */
import { z } from "zod";
import { EngineError } from "../engine.ts";

export interface Tensor {
  readonly data: readonly number[];
  readonly dtype: "int64" | "float32";
}

/** Tokens t0..t(N-1) in, t1..tN as `target_tokens`; every other input is aligned with the targets. */
export interface Datum {
  readonly tokens: readonly number[];
  readonly inputs: Readonly<Record<string, Tensor>>;
}

export interface TrainingRequest {
  readonly modelId: string;
  readonly seqId: number;
  readonly data: readonly Datum[];
  readonly loss: string;
  readonly config: Readonly<Record<string, number>>;
  readonly forwardOnly: boolean;
}

export const modelInput = (tokens: readonly number[]) => ({ chunks: [{ type: "encoded_text", tokens }] });

/** A training request as JSON; `forward` is an operation of its own there. */
export function trainingJson({ modelId, seqId, data, loss, config, forwardOnly }: TrainingRequest): object {
  const input = {
    data: data.map(({ tokens, inputs }) => ({
      model_input: modelInput(tokens),
      loss_fn_inputs: Object.fromEntries(
        Object.entries(inputs).map(([name, { data: values, dtype }]) => [
          name,
          { data: values, dtype, shape: [values.length] },
        ]),
      ),
    })),
    loss_fn: loss,
    ...(Object.keys(config).length === 0 ? {} : { loss_fn_config: config }),
  };
  return { model_id: modelId, seq_id: seqId, [forwardOnly ? "forward_input" : "forward_backward_input"]: input };
}

const tensor = z.looseObject({ data: z.array(z.number().nullable()) });
export const promise = z.looseObject({ request_id: z.union([z.string(), z.number()]).transform(String) });
export const session = z.looseObject({
  session_id: z.string(),
  info_message: z.string().nullish(),
  warning_message: z.string().nullish(),
  error_message: z.string().nullish(),
});
export const configuration = z.looseObject({ pjwt_auth_enabled: z.boolean().nullish() });
export const token = z.looseObject({ jwt: z.string() });
export const capabilities = z.looseObject({
  supported_models: z.array(z.looseObject({ model_name: z.string().nullish(), max_context_length: z.number().nullish() })),
});
export const created = z.looseObject({ model_id: z.string() });
export const saved = z.looseObject({ path: z.string() });
export const samplerSaved = z.looseObject({ path: z.string().nullish(), sampling_session_id: z.string().nullish() });
export const samplingSession = z.looseObject({ sampling_session_id: z.string() });
export const anything = z.unknown();
export const stepped = z.looseObject({ metrics: z.record(z.string(), z.unknown()).nullish() });
export const trained = z.looseObject({
  loss_fn_outputs: z.array(z.record(z.string(), tensor)),
  metrics: z.record(z.string(), z.number().nullable()).nullish(),
});
export const sampled = z.looseObject({
  sequences: z
    .array(
      z.looseObject({
        stop_reason: z.string().nullish(),
        tokens: z.array(z.number().int()),
        logprobs: z.array(z.number().nullable()).nullish(),
      }),
    )
    .min(1),
  prompt_logprobs: z.array(z.number().nullable()).nullish(),
});

/** Reads a value of the protocol; an `EngineError` names the operation and what was expected. */
export function read<T>(schema: z.ZodType<T>, value: unknown, operation: string): T {
  const parsed = schema.safeParse(value);
  if (!parsed.success)
    throw new EngineError(
      `tinker: ${operation}: the server's answer is not of the protocol:\n${z.prettifyError(parsed.error)}`,
    );
  return parsed.data;
}

export type TrainingResult = z.infer<typeof trained>;
export type SampleResult = z.infer<typeof sampled>;
