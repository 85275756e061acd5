/**
 * How often a provider is asked, and what happens when it does not answer. Calls of one provider share all of it: when it asks one of them
 * to wait, all wait; when one meets an error that no repetition changes, no other begins.
 */
import { Slots } from "../concurrency.ts";
import { foldIn, uniform } from "../random.ts";
import { type ChatAnswer, type ChatModel, type ChatRequest, ModelError, addUsage, roughTokens } from "./chat-model.ts";
import { type Clock, systemClock } from "./clock.ts";
import { type Failure, failureOf } from "./failures.ts";

export interface LimitOptions {
  /** Calls under way. */
  readonly concurrency?: number;
  readonly requestsPerMinute?: number;
  /** Input and output together; what a call will take is guessed, and corrected when it has answered. */
  readonly tokensPerMinute?: number;
  /** Seconds for which one call is tried, from its first failure on. */
  readonly patienceSeconds?: number;
  readonly clock?: Clock;
  /** Told of every wait, in words. */
  readonly onMessage?: (text: string) => void;
  /** Takes secrets out of what a server says. */
  readonly redact?: (text: string) => string;
}

export const CONCURRENCY = 8;
export const PATIENCE = 600;

const SAME_COMMAND = "nothing that was answered is lost: the same command goes on from here";

/** The model behind limits. Its failures are `ModelError`s that say what to do. */
export function limited(model: ChatModel, options: LimitOptions = {}): ChatModel {
  const provider = new ProviderLimits(model, options);
  return {
    provider: model.provider,
    model: model.model,
    settings: model.settings,
    generate: (request, signal) => provider.generate(request, signal),
  };
}

class ProviderLimits {
  readonly #model: ChatModel;
  readonly #slots: Slots;
  readonly #clock: Clock;
  readonly #patience: number;
  readonly #pace: Pace;
  readonly #options: LimitOptions;
  /** Whether anything ever came back. */
  #reached = false;
  /** Before this moment nothing begins, because the provider asked for it. */
  #paused = 0;
  /** The error after which nothing begins. */
  #stopped: ModelError | undefined;

  constructor(model: ChatModel, options: LimitOptions) {
    const { concurrency = CONCURRENCY, clock = systemClock, patienceSeconds = PATIENCE } = options;
    this.#model = model;
    this.#options = options;
    this.#slots = new Slots(concurrency);
    this.#clock = clock;
    this.#patience = patienceSeconds * 1000;
    this.#pace = new Pace(options, model.settings.maxTokens);
  }

  generate(request: ChatRequest, signal?: AbortSignal): Promise<ChatAnswer> {
    return this.#slots.run(() => this.#tried(request, signal));
  }

  async #tried(request: ChatRequest, signal: AbortSignal | undefined): Promise<ChatAnswer> {
    /** When the first failure was. */
    let since: number | undefined;
    /** An answer without content, of which one is forgiven. */
    let empty: ChatAnswer | undefined;
    for (let attempt = 1; ; attempt++) {
      await this.#turn(request, signal);
      const outcome = await this.#once(request);
      if ("answer" in outcome) {
        this.#reached = true;
        const answer =
          empty === undefined ? outcome.answer : { ...outcome.answer, usage: addUsage(empty.usage, outcome.answer.usage) };
        if (empty !== undefined || !isEmpty(answer)) return answer;
        empty = answer;
        continue;
      }
      const { failure } = outcome;
      if (failure.kind === "empty") {
        if (empty !== undefined) return empty;
        empty = NOTHING;
        continue;
      }
      if (failure.kind === "passing" && failure.unreachable === true && !this.#reached)
        throw this.#stop(`${failure.reason}; start the server, or check its address (--base-url)`);
      this.#reached ||= !(failure.kind === "passing" && failure.unreachable === true);
      if (failure.kind === "final") throw this.#stop(`${failure.reason}; ${failure.advice}`);
      since ??= this.#clock.now();
      const seconds = this.#delay(failure, request, attempt);
      if (this.#clock.now() - since + seconds * 1000 > this.#patience)
        throw this.#stop(
          failure.kind === "pressed" && failure.seconds !== undefined
            ? `${failure.reason}; it asks to wait ${Math.ceil(seconds)} s, and the patience is ${this.#patience / 1000} s`
            : `${failure.reason}; this is so since ${Math.round((this.#clock.now() - since) / 1000)} s`,
        );
      const until = this.#clock.now() + seconds * 1000;
      this.#options.onMessage?.(`${this.#name()}: ${this.#said(failure.reason)}; again in ${seconds.toFixed(1)} s`);
      if (failure.kind === "pressed") this.#paused = Math.max(this.#paused, until);
      else await this.#sleep(until, signal);
    }
  }

  /** Waits until a call may begin. */
  async #turn(request: ChatRequest, signal: AbortSignal | undefined): Promise<void> {
    const place = this.#pace.begin(request, this.#clock.now());
    await this.#sleep(place, signal);
    // Others may have been asked to wait meanwhile.
    while (this.#clock.now() < this.#paused) await this.#sleep(this.#paused, signal);
    signal?.throwIfAborted();
    if (this.#stopped !== undefined) throw this.#stopped;
  }

  async #once(request: ChatRequest): Promise<{ readonly answer: ChatAnswer } | { readonly failure: Failure }> {
    try {
      const answer = await this.#model.generate(request);
      this.#pace.end(request, answer);
      return { answer };
    } catch (error) {
      if (error instanceof ModelError) throw error;
      return { failure: failureOf(error, Date.now()) };
    }
  }

  /**
   * Seconds to wait: what the provider asks for and a little, so that not all come back at once; otherwise doubling from half a second to a
   * minute, by a keyed half more or less.
   */
  #delay(failure: Failure, { key }: ChatRequest, attempt: number): number {
    const u = uniform(foldIn(key, "wait", attempt));
    if (failure.kind === "pressed" && failure.seconds !== undefined) return failure.seconds + 0.25 * u;
    return Math.min(60, 0.5 * 2 ** (attempt - 1)) * (0.5 + u);
  }

  async #sleep(until: number, signal: AbortSignal | undefined): Promise<void> {
    const milliseconds = until - this.#clock.now();
    if (milliseconds > 0) await this.#clock.sleep(milliseconds, signal);
  }

  #stop(reason: string): ModelError {
    this.#stopped ??= new ModelError(`${this.#name()}: ${this.#said(reason)}; ${SAME_COMMAND}`);
    return this.#stopped;
  }

  #name(): string {
    return `${this.#model.provider}:${this.#model.model}`;
  }

  #said(text: string): string {
    return this.#options.redact?.(text) ?? text;
  }
}

const NOTHING: ChatAnswer = {
  text: "",
  reasoning: "",
  finish: "other",
  usage: { input: null, output: null, reasoning: null },
  warnings: [],
};

const isEmpty = ({ text, finish }: ChatAnswer): boolean =>
  (text ?? "").trim() === "" && finish !== "length" && finish !== "refused";

/** When calls may begin, so that neither requests nor tokens per minute are exceeded on the average. */
class Pace {
  readonly #perRequest: number;
  readonly #perToken: number;
  readonly #maxTokens: number;
  /** Moments from which the next request, and the next token, may go. */
  #nextRequest = 0;
  #nextToken = 0;
  #answered = 0;
  #output = 0;
  readonly #guessed = new Map<ChatRequest, number>();

  constructor({ requestsPerMinute = Infinity, tokensPerMinute = Infinity }: LimitOptions, maxTokens: number) {
    this.#perRequest = 60_000 / requestsPerMinute;
    this.#perToken = 60_000 / tokensPerMinute;
    this.#maxTokens = maxTokens;
  }

  /** The moment at which a call may begin; its tokens are set aside. */
  begin(request: ChatRequest, now: number): number {
    const tokens = inputOf(request) + (this.#answered === 0 ? this.#maxTokens : this.#output / this.#answered);
    this.#guessed.set(request, tokens);
    const moment = Math.max(now, this.#nextRequest, this.#nextToken);
    this.#nextRequest = moment + this.#perRequest;
    this.#nextToken = moment + tokens * this.#perToken;
    return moment;
  }

  end(request: ChatRequest, { usage, text = "", reasoning }: ChatAnswer): void {
    const output = usage.output ?? roughTokens([text, reasoning]);
    this.#answered++;
    this.#output += output;
    const used = (usage.input ?? inputOf(request)) + output;
    this.#nextToken += (used - (this.#guessed.get(request) ?? used)) * this.#perToken;
    this.#guessed.delete(request);
  }
}

const inputOf = ({ messages }: ChatRequest): number => roughTokens(messages.map(({ content }) => content));
