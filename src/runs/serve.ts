/**
 * A checkpoint behind the chat completions of the OpenAI API, on loopback. Settings that the engine cannot honour are refused, never
 * ignored. Only requests that name a loopback host and send JSON are answered, so no web page can ask.
 */
import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import { z } from "zod";
import { EngineError } from "../engines/engine.ts";
import { TokenizerError } from "../text/tokenizer.ts";
import type { CompletedAnswer, TokenModel } from "./token-model.ts";

const content = z.union([
  z.string(),
  z.array(z.object({ type: z.literal("text"), text: z.string() })).transform((parts) => parts.map(({ text }) => text).join("")),
]);

/** A setting that only its neutral value is accepted of. */
const only = (value: number) => z.literal(value).nullish();

const requestSchema = z.strictObject({
  model: z.string(),
  messages: z.array(z.object({ role: z.enum(["system", "user", "assistant"]), content })).min(1),
  temperature: z.number().positive("must be above 0; this engine samples and never takes the likeliest").nullish(),
  max_tokens: z.number().int().min(1).nullish(),
  max_completion_tokens: z.number().int().min(1).nullish(),
  seed: z.number().int().min(0).nullish(),
  n: z.number().int().min(1).max(64).nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.number().int().min(0).max(20).nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.unknown().optional(),
  top_p: only(1),
  presence_penalty: only(0),
  frequency_penalty: only(0),
  user: z.string().nullish(),
});
type Asked = z.infer<typeof requestSchema>;

/** An answer that is an error, in the words of the OpenAI API. */
class Refusal extends Error {
  override readonly name = "Refusal";
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export interface Served {
  /** Such as `http://127.0.0.1:8000/v1`. */
  readonly baseUrl: string;
  close(): Promise<void>;
}

/** Serves a model on a loopback port; 0 takes a free one. */
export async function serveModel(model: TokenModel, port: number): Promise<Served> {
  const server = createServer((request, response) => {
    void answer(model, server, request, response);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  return {
    baseUrl: `http://127.0.0.1:${portOf(server)}/v1`,
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

async function answer(model: TokenModel, server: Server, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    refuseStrangers(request, portOf(server));
    const path = `${request.method} ${(request.url ?? "").split("?")[0]}`;
    if (path === "GET /v1/models")
      return send(response, 200, { object: "list", data: [{ id: model.name, object: "model", created: 0, owned_by: "sepo" }] });
    if (path !== "POST /v1/chat/completions") throw new Refusal(404, `there is no ${path}; expected POST /v1/chat/completions`);
    if (!/^application\/json\b/i.test(request.headers["content-type"] ?? ""))
      throw new Refusal(415, "expected a body of application/json");
    const asked = parsed(await bodyOf(request));
    const answers = await completed(model, asked);
    if (asked.stream === true) return stream(response, model, asked, answers);
    return send(response, 200, completionOf(model, asked, answers));
  } catch (error) {
    const status = error instanceof Refusal ? error.status : isMisuse(error) ? 400 : 500;
    const message = error instanceof Error ? error.message : String(error);
    const type = status < 500 ? "invalid_request_error" : "server_error";
    return send(response, status, { error: { message, type, code: null, param: null } });
  }
}

const isMisuse = (error: unknown): boolean => error instanceof EngineError || error instanceof TokenizerError;

/** Refuses what a page of another site sends through a reader's browser under a name that it made point here. */
function refuseStrangers({ headers }: IncomingMessage, port: number): void {
  const known = ["127.0.0.1", "localhost", "[::1]"].map((host) => `${host}:${port}`);
  if (!known.includes((headers.host ?? "").toLowerCase()))
    throw new Refusal(403, "this server answers on its loopback address only");
}

const LARGEST = 4 * 1024 * 1024;

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LARGEST) throw new Refusal(413, `the request is larger than ${LARGEST} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parsed(text: string): Asked {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Refusal(400, "expected JSON");
  }
  const found = requestSchema.safeParse(value);
  if (!found.success) throw new Refusal(400, z.prettifyError(found.error));
  return found.data;
}

async function completed(model: TokenModel, asked: Asked): Promise<CompletedAnswer[]> {
  const { messages, temperature, seed, n, logprobs, top_logprobs: top } = asked;
  if (top !== null && top !== undefined && top > 0 && logprobs !== true)
    throw new Refusal(400, "top_logprobs needs logprobs: true");
  const maxTokens = asked.max_completion_tokens ?? asked.max_tokens;
  const answers: CompletedAnswer[] = [];
  for (let i = 0; i < (n ?? 1); i++)
    answers.push(
      await model.complete(messages, {
        ...(temperature === null || temperature === undefined ? {} : { temperature }),
        ...(maxTokens === null || maxTokens === undefined ? {} : { maxTokens }),
        ...(seed === null || seed === undefined ? {} : { seed: seed + i }),
        ...(top === null || top === undefined ? {} : { topLogprobs: top }),
      }),
    );
  return answers;
}

const heading = (model: TokenModel, kind: string) => ({ id: "sepo", object: kind, created: 0, model: model.name });

const usageOf = (answers: readonly CompletedAnswer[]) => {
  const prompt = answers[0].inputTokens;
  const written = answers.reduce((sum, { tokens }) => sum + tokens.length, 0);
  return { prompt_tokens: prompt, completion_tokens: written, total_tokens: prompt + written };
};

const told = ({ token, logprob }: { readonly token: string; readonly logprob: number }) => ({ token, logprob, bytes: null });

const logprobsOf = ({ logprobs }: Asked, { tokens }: CompletedAnswer) =>
  logprobs === true
    ? { content: tokens.map(({ top = [], ...drawn }) => ({ ...told(drawn), top_logprobs: top.map(told) })) }
    : null;

const said = ({ text, reasoning }: CompletedAnswer) => ({
  role: "assistant",
  content: text,
  ...(reasoning === "" ? {} : { reasoning_content: reasoning }),
});

const completionOf = (model: TokenModel, asked: Asked, answers: readonly CompletedAnswer[]) => ({
  ...heading(model, "chat.completion"),
  choices: answers.map((one, index) => ({
    index,
    message: said(one),
    logprobs: logprobsOf(asked, one),
    finish_reason: one.finish,
  })),
  usage: usageOf(answers),
});

/** The whole answer as one event: what is there is sent when it is there. */
function stream(response: ServerResponse, model: TokenModel, asked: Asked, answers: readonly CompletedAnswer[]): void {
  const event = (value: unknown) => response.write(`data: ${typeof value === "string" ? value : JSON.stringify(value)}\n\n`);
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  const chunk = heading(model, "chat.completion.chunk");
  answers.forEach((one, index) => {
    event({ ...chunk, choices: [{ index, delta: said(one), logprobs: logprobsOf(asked, one), finish_reason: null }] });
    event({ ...chunk, choices: [{ index, delta: {}, finish_reason: one.finish }] });
  });
  event({ ...chunk, choices: [], usage: usageOf(answers) });
  event("[DONE]");
  response.end();
}

function send(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "content-type": "application/json", "x-content-type-options": "nosniff" });
  response.end(JSON.stringify(value));
}
