/**
 * A Tinker server for tests: loopback only, over a bigram model, with each kind of server's behaviour towards repeated requests,
 * snapshots and reductions, and faults on demand.
 */
import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import { buffer } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { z } from "zod";
import { type Key, foldIn, seedKey } from "../../../random.ts";
import { type ProfileName } from "../profiles.ts";
import { Bigram, type TrainingDatum } from "./bigram.ts";
import { decodeRequest, encodeTrainingResult } from "./protobuf.ts";
import { tarOf } from "./tar.ts";

/**
 * What happens to a request:
 * - a status: the server answers it without doing anything, with these headers
 * - `lost`: the server does it and the connection ends before the answer
 * - `unanswered`: the connection ends and nothing was done
 * - `truncated`: the server does it and half of its answer arrives
 * - `twice`: the network delivers the request twice
 * - `queued`: a poll is answered with a paused queue
 * - `late`: the answer comes after so many milliseconds
 * - `instead`: nothing is done, and this answers
 * - `sends`: the server does it, and this sends its answer
 */
export type Fault =
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string }
  | "lost"
  | "unanswered"
  | "truncated"
  | "twice"
  | "queued"
  | { readonly late: number }
  | { readonly instead: (response: ServerResponse, request: IncomingMessage) => void }
  | { readonly sends: (response: ServerResponse, answer: { readonly type: string; readonly bytes: Buffer }) => void };

export interface ServerOptions {
  readonly kind: ProfileName;
  readonly vocabularySize: number;
  /** Called with each request's operation and how many of it came before. */
  readonly fault?: (operation: string, count: number) => Fault | undefined;
  readonly baseModel?: string;
  /** Requests must carry tokens that live so many seconds; without it any key will do. */
  readonly tokenSeconds?: number;
}

interface Model {
  readonly bigram: Bigram;
  /** The snapshot that the live weights were last set to (SkyRL). */
  loaded?: string;
  readonly seen: Set<number>;
}

type Json = Record<string, unknown>;

const modelInput = z.looseObject({ chunks: z.array(z.looseObject({ tokens: z.array(z.number()) })) });
const training = z.looseObject({
  data: z.array(
    z.looseObject({
      model_input: modelInput,
      loss_fn_inputs: z.record(z.string(), z.looseObject({ data: z.array(z.number()) })),
    }),
  ),
  loss_fn: z.string(),
  loss_fn_config: z.record(z.string(), z.number()).default({}),
});
/** Every field of every request. */
const bodySchema = z.looseObject({
  request_id: z.string().default(""),
  model_id: z.string().default(""),
  seq_id: z.number().default(-1),
  path: z.string().optional(),
  optimizer: z.boolean().default(false),
  forward_only: z.boolean().default(false),
  forward_backward_input: training.optional(),
  forward_input: training.optional(),
  adam_params: z.record(z.string(), z.number()).default({}),
  sampling_session_id: z.string().default(""),
  prompt: modelInput.default({ chunks: [] }),
  prompt_logprobs: z.boolean().default(false),
  sampling_params: z
    .looseObject({ max_tokens: z.number(), stop: z.array(z.number()), seed: z.number().optional() })
    .default({ max_tokens: 1, stop: [] }),
});
type Body = z.infer<typeof bodySchema>;
/** Log-probabilities as they are before they are encoded. */
interface Outputs extends Json {
  readonly rows: readonly (readonly number[])[];
}

export class TinkerServer {
  readonly options: ServerOptions;
  baseUrl = "";
  readonly #server: Server;
  readonly #models = new Map<string, Model>();
  readonly #samplers = new Map<string, { readonly model: string; readonly bigram: Bigram; readonly id: string }>();
  readonly #checkpoints = new Map<string, Bigram>();
  readonly #archives = new Map<string, Bigram>();
  #results = new Map<string, Json>();
  readonly #answered = new Map<string, { readonly id: string; readonly result: Json }>();
  readonly #counts = new Map<string, number>();
  readonly #tokens = new Set<string>();
  #next = 0;
  /** Operations begun, in order, and whether they failed: for tests of what was sent. */
  readonly done: { readonly operation: string; readonly body: Body; readonly failed: boolean }[] = [];

  private constructor(options: ServerOptions) {
    this.options = options;
    this.#server = createServer((request, response) => {
      this.#handle(request, response).catch((error: unknown) => send(response, 400, { detail: String(error) }));
    });
  }

  static async start(options: ServerOptions): Promise<TinkerServer> {
    const server = new TinkerServer(options);
    await new Promise<void>((resolve) => server.#server.listen(0, "127.0.0.1", resolve));
    const address = server.#server.address();
    if (address === null || typeof address === "string") throw new Error("the server does not listen");
    server.baseUrl = `http://127.0.0.1:${address.port}`;
    return server;
  }

  count(operation: string): number {
    return this.#counts.get(operation) ?? 0;
  }

  /** Weights of the newest model that has learned, or else of the newest. */
  weights(): readonly number[] {
    const models = [...this.#models.values()].map(({ bigram }) => bigram);
    return [...((models.findLast(({ steps }) => steps > 0) ?? models.at(-1))?.logits ?? [])];
  }

  /** Loses its promises; a request that comes again is still known. */
  forget(): void {
    this.#results = new Map();
  }

  /** Ends every connection and loses everything, as a process that is started again. */
  restart(): void {
    this.#server.closeAllConnections();
    for (const lost of [this.#models, this.#samplers, this.#checkpoints, this.#archives, this.#answered]) lost.clear();
    this.forget();
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    if (this.#server.listening) await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const bytes = new Uint8Array(await buffer(request));
    const operation = new URL(request.url ?? "", "http://x").pathname.replace("/api/v1/", "");
    const count = this.#counts.get(operation) ?? 0;
    this.#counts.set(operation, count + 1);
    const fault = this.options.fault?.(operation, count);
    if (fault === "unanswered") return void request.socket.destroy();
    if (typeof fault === "object" && "status" in fault) {
      response.writeHead(fault.status, fault.headers);
      return void response.end(fault.body ?? JSON.stringify({ detail: "the server says no" }));
    }
    if (fault === "queued")
      return send(response, 200, { type: "try_again", queue_state: "paused_capacity", queue_state_reason: "full house" });
    if (typeof fault === "object" && "instead" in fault) return fault.instead(response, request);
    if (typeof fault === "object" && "late" in fault) await new Promise((resolve) => setTimeout(resolve, fault.late));
    const deliver = () => this.#answer(operation, request, bytes);
    if (fault === "twice") deliver();
    const { status, value } = deliver();
    if (fault === "lost") return void request.socket.destroy();
    const binary = operation === "retrieve_future" ? "application/x-protobuf" : "application/octet-stream";
    const type = value instanceof Uint8Array ? binary : "application/json";
    const answer = Buffer.from(value instanceof Uint8Array ? value : JSON.stringify(value));
    if (typeof fault === "object" && "sends" in fault) return fault.sends(response, { type, bytes: answer });
    response.writeHead(status, { "Content-Type": type });
    response.end(fault === "truncated" ? answer.subarray(0, answer.length / 2) : answer);
  }

  #answer(operation: string, request: IncomingMessage, bytes: Uint8Array): { status: number; value: Json | Uint8Array } {
    const { kind, tokenSeconds } = this.options;
    const key = String(request.headers["x-api-key"]);
    if (operation === "client/config" && kind === "tinker") return ok({ pjwt_auth_enabled: tokenSeconds !== undefined });
    if (operation === "auth/token" && tokenSeconds !== undefined) {
      if (key !== "tml-test") return { status: 401, value: { detail: "expected the API key" } };
      const claims = { exp: Date.now() / 1000 + tokenSeconds, number: this.#tokens.size };
      const jwt = `x.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.y`;
      this.#tokens.add(jwt);
      return ok({ jwt });
    }
    if (tokenSeconds !== undefined && !this.#tokens.has(key)) return { status: 401, value: { detail: "expected a token" } };
    if (request.method === "GET") return this.#get(operation);
    const protobuf = request.headers["content-type"] === "application/x-protobuf";
    const body = bodySchema.parse(protobuf ? decodeRequest(bytes) : JSON.parse(new TextDecoder().decode(bytes)));
    const accepts = (request.headers["accept"] ?? "").includes("protobuf");
    if (operation === "retrieve_future") return this.#retrieve(body.request_id, accepts);
    if (operation === "create_session") return ok({ session_id: "session-1", type: operation });
    if (operation === "session_heartbeat") return ok({ type: operation });
    const name = operation === "forward_backward" && body.forward_only ? "forward" : operation;
    const known = this.#repetition(name, body, String(request.headers["x-idempotency-key"]));
    const before = this.#answered.get(known);
    if (before !== undefined) {
      this.#results.set(before.id, before.result);
      return ok({ request_id: before.id });
    }
    const id = String(++this.#next);
    const result = this.#outcome(name, body, id);
    this.done.push({ operation: name, body, failed: "error" in result || "error_message" in result });
    this.#results.set(id, result);
    this.#answered.set(known, { id, result });
    return ok({ request_id: id });
  }

  /** The result of an operation, or its failure as this kind of server reports it. */
  #outcome(name: string, body: Body, id: string): Json {
    try {
      return this.#perform(name, body, id);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      if (this.options.kind === "open-rl") return { type: "RequestFailedResponse", error_message: text };
      return { error: text, category: "user" };
    }
  }

  /** What makes two requests the same in this server's eyes. */
  #repetition(operation: string, body: Body, key: string): string {
    const { kind } = this.options;
    if (kind === "tinker") return `key ${key}`;
    const counted = ["forward", "forward_backward", "optim_step"].includes(operation);
    if (kind.startsWith("skyrl") && counted) return `${body.model_id} ${body.seq_id}`;
    return `new ${this.#next}`;
  }

  #retrieve(id: string, accepts: boolean): { status: number; value: Json | Uint8Array } {
    const result = this.#results.get(id);
    if (result === undefined)
      return this.options.kind === "tinker"
        ? { status: 410, value: { detail: `promise ${id} is gone` } }
        : { status: 404, value: { detail: `promise ${id} is unknown` } };
    if (isOutputs(result)) {
      if (this.options.kind !== "tinker") return ok(jsonOutputs(result));
      if (!accepts) return { status: 406, value: { detail: "only protobuf" } };
      return { status: 200, value: encodeTrainingResult(result.rows) };
    }
    return { status: result["type"] === "RequestFailedResponse" ? 400 : 200, value: result };
  }

  #get(operation: string): { status: number; value: Json | Uint8Array } {
    if (operation === "get_server_capabilities")
      return ok({ supported_models: [{ model_name: this.options.baseModel ?? "bigram", max_context_length: 4096 }] });
    const name = /checkpoints\/(?:sampler_weights\/)?([^/]+)\/archive$/.exec(operation)?.[1];
    const weights = name === undefined ? undefined : this.#archives.get(name);
    if (weights === undefined) return { status: 404, value: { detail: `${operation} is unknown` } };
    const files = {
      "adapter_config.json": Buffer.from('{"peft_type":"LORA"}'),
      "adapter_model.safetensors": Buffer.from(weights.logits.buffer.slice(0)),
    };
    return { status: 200, value: gzipSync(tarOf(files)) };
  }

  #model({ model_id: id }: Body): Model {
    const model = this.#models.get(id);
    if (model === undefined) throw new Error(`model ${id} is unknown`);
    return model;
  }

  #perform(operation: string, body: Body, id: string): Json {
    const { kind, vocabularySize } = this.options;
    switch (operation) {
      case "create_model": {
        const name = `model_${id}`;
        this.#models.set(name, { bigram: new Bigram(vocabularySize, seedKey(17)), seen: new Set() });
        return { model_id: name };
      }
      case "unload_model":
        this.#models.delete(body.model_id);
        return {};
      case "forward":
      case "forward_backward": {
        const model = this.#model(body);
        const input = body.forward_backward_input ?? body.forward_input;
        if (input === undefined) throw new Error("no training input");
        const { loss_fn: loss, loss_fn_config: config } = input;
        const data = input.data.map(({ model_input: tokens, loss_fn_inputs: inputs }): TrainingDatum => ({
          tokens: tokensOf(tokens),
          inputs: Object.fromEntries(Object.entries(inputs).map(([name, { data: values }]) => [name, values])),
        }));
        if (kind === "twinkle" && loss === "importance_sampling" && data.length % 2 !== 0)
          throw new Error(`a batch must be a multiple of 2, got ${data.length}`);
        return { rows: model.bigram.train(kind, { data, loss, config }, operation === "forward") };
      }
      case "optim_step": {
        const p = body.adam_params;
        const norm = this.#model(body).bigram.step(kind, {
          learningRate: p["learning_rate"],
          beta1: p["beta1"],
          beta2: p["beta2"],
          epsilon: p["eps"],
          weightDecay: p["weight_decay"],
          gradientClip: p["grad_clip_norm"],
        });
        return { metrics: kind === "tinker" ? {} : { "skyrl.ai/grad_norm": norm } };
      }
      case "save_weights": {
        const path = `tinker://${body.model_id}/weights/${body.path}`;
        this.#checkpoints.set(path, this.#model(body).bigram.copy());
        return { path };
      }
      case "load_weights": {
        const model = this.#model(body);
        if (body["seq_id"] !== 1)
          throw new Error(`load_weights must be a model's first operation, got ${String(body["seq_id"])}`);
        const saved = this.#checkpoints.get(body.path ?? "");
        if (saved === undefined) throw new Error(`checkpoint ${body.path} is unknown`);
        const { logits, first, second, steps } = saved.copy();
        Object.assign(model.bigram, { logits }, body.optimizer ? { first, second, steps } : {});
        return { path: body.path };
      }
      case "save_weights_for_sampler": {
        const bigram = this.#model(body).bigram.copy();
        if (body.path !== undefined) this.#archives.set(body.path, bigram);
        const session = `sampler-${id}`;
        this.#samplers.set(session, { model: body.model_id, bigram, id: session });
        return body.path === undefined ? { sampling_session_id: session } : { path: `tinker://x/${body.path}` };
      }
      case "asample":
        return this.#sample(body);
      default:
        throw new Error(`${operation} is unknown`);
    }
  }

  #sample(body: Body): Json {
    const { kind } = this.options;
    const sampler = this.#samplers.get(body.sampling_session_id);
    if (sampler === undefined) throw new Error(`sampler ${body.sampling_session_id} is unknown`);
    const live = this.#models.get(sampler.model);
    let { bigram } = sampler;
    if (kind.startsWith("skyrl") || kind === "open-rl") {
      if (live === undefined) throw new Error(`model ${sampler.model} is unknown`);
      // SkyRL writes a snapshot over the live weights when it is first used.
      if (kind.startsWith("skyrl") && live.loaded !== sampler.id) live.bigram.logits = sampler.bigram.logits.slice();
      live.loaded = sampler.id;
      bigram = live.bigram;
    }
    const tokens = tokensOf(body.prompt);
    const settings = body.sampling_params;
    const key: Key = foldIn(seedKey(settings.seed ?? this.#next), "sample");
    const sequence = bigram.sample(tokens, settings.max_tokens, kind === "open-rl" ? [] : settings.stop, key);
    if (!body.prompt_logprobs) return { sequences: [sequence] };
    const prompt = bigram.logprobs({ tokens: tokens.slice(0, -1), inputs: { target_tokens: tokens.slice(1) } });
    return { sequences: [sequence], prompt_logprobs: kind === "skyrl-jax" ? prompt : [null, ...prompt] };
  }
}

const ok = (value: Json): { status: number; value: Json } => ({ status: 200, value });

function send(response: ServerResponse, status: number, value: Json | Uint8Array): void {
  response.writeHead(status, { "Content-Type": "application/json" });
  response.end(JSON.stringify(value));
}

const tokensOf = ({ chunks }: z.infer<typeof modelInput>): number[] => chunks.flatMap(({ tokens }) => tokens);

const isOutputs = (result: Json): result is Outputs => "rows" in result;

const jsonOutputs = ({ rows }: Outputs): Json => ({
  loss_fn_output_type: "ArrayRecord",
  loss_fn_outputs: rows.map((values) => ({ logprobs: { data: values, dtype: "float32", shape: [values.length] } })),
  metrics: {},
});
