/** Faults between the client of the Tinker protocol and its servers. */
import { createServer } from "node:net";
import { isDeepStrictEqual } from "node:util";
import { EngineError } from "../../src/engines/engine.ts";
import { PROFILES, PROFILE_NAMES, type ProfileName } from "../../src/engines/tinker/profiles.ts";
import type { Fault, TinkerServer } from "../../src/engines/tinker/testing/server.ts";
import {
  API_KEY,
  Subjects,
  type Trained,
  errorOf,
  trainTwoSteps,
  trainingDone,
} from "../../src/engines/tinker/testing/subject.ts";
import { type Key, foldIn, uniform } from "../../src/random.ts";
import { MISHAPS, type Mishap } from "./mishaps.ts";
import { type Part, tally, trials } from "./part.ts";

/** Seconds that an answer may take, and seconds within which a trial ends. */
const ANSWER = 0.1;
const LIMIT = 60;

/** Requests that a client may make besides those of an undisturbed training: some at once, then so many a second of its own clock. */
const BURST = 150;
const PER_SECOND = 2;

/** When a mishap happens, by the number of requests of its operation before. */
const WHEN = {
  once: (count: number) => count === 0,
  "every third time": (count: number) => count % 3 === 0,
  "every time": () => true,
} as const;

/** Which mishap happens to which request, if any. */
type Plan = (operation: string, count: number) => Mishap | undefined;

interface Trial {
  readonly name: string;
  readonly kind: ProfileName;
  readonly plan: Plan;
}

const ENDINGS = ["the same", "named"] as const;
type Ending = (typeof ENDINGS)[number];

/** Operations that an undisturbed training asks a kind of server for, and what it ends with. */
interface Undisturbed {
  readonly operations: readonly string[];
  readonly trained: Trained;
  readonly requests: number;
}

const requestsOf = (server: TinkerServer, operations: readonly string[]): number =>
  operations.reduce((sum, operation) => sum + server.count(operation), 0);

async function undisturbed(kind: ProfileName): Promise<Undisturbed> {
  const subjects = new Subjects();
  const operations = new Set<string>();
  const { server, open } = await subjects.start(kind, (operation) => void operations.add(operation));
  const trained = await trainTwoSteps(await open(), server, kind);
  operations.delete("session_heartbeat");
  await subjects.close();
  return { operations: [...operations], trained, requests: requestsOf(server, [...operations]) };
}

/**
 * Whether a client could do nothing about a delivery: a server that trains again when a request comes again, and SkyRL, where a late sample
 * puts older weights in the place of those that were trained since.
 */
const beyondClient = (kind: ProfileName, operation: string, { delivery }: Mishap): boolean =>
  delivery === "late"
    ? kind.startsWith("skyrl") && operation === "asample"
    : delivery === "twice" &&
      (["forward_backward", "optim_step"] as const).some(
        (name) => name === operation && !PROFILES[kind].resends.includes(name),
      );

function trialsOf(kind: ProfileName, operations: readonly string[], whens: readonly (keyof typeof WHEN)[]): Trial[] {
  return operations.flatMap((operation) =>
    MISHAPS.filter((mishap) => !beyondClient(kind, operation, mishap)).flatMap((mishap) =>
      whens.map((when): Trial => ({
        name: `${kind}: ${operation}: ${mishap.name}, ${when}`,
        kind,
        plan: (each, count) => (each === operation && WHEN[when](count) ? mishap : undefined),
      })),
    ),
  );
}

/** A mishap at one request in eight, drawn from all. */
function drawn(kind: ProfileName, key: Key): Plan {
  return (operation, count) => {
    const own = foldIn(key, operation, count);
    if (uniform(own) > 1 / 8) return undefined;
    const mishap = MISHAPS[Math.floor(uniform(own, 1) * MISHAPS.length)];
    return beyondClient(kind, operation, mishap) ? undefined : mishap;
  };
}

/** How a training under mishaps ended, and what was wrong with that. */
async function judged(
  { kind, plan }: Trial,
  whole: Undisturbed,
): Promise<{ readonly ending?: Ending; readonly wrong: string[] }> {
  const subjects = new Subjects();
  const late: { server?: TinkerServer } = {};
  const fault = (operation: string, count: number): Fault | undefined => {
    const mishap = operation === "session_heartbeat" ? undefined : plan(operation, count);
    if (late.server !== undefined) mishap?.strikes?.(late.server);
    return mishap?.fault;
  };
  const { server, clock, events, open } = await subjects.start(kind, fault, { answerSeconds: ANSWER });
  late.server = server;
  const hanging = new Promise<"hangs">((resolve) => setTimeout(resolve, LIMIT * 1000, "hangs").unref());
  const training = open().then((engine) => trainTwoSteps(engine, server, kind));
  const found = await Promise.race([training.catch((error: unknown) => error), hanging]);
  const wrong: string[] = [];
  let ending: Ending | undefined;
  if (found === "hangs") wrong.push(`not ended after ${LIMIT} s`);
  else if (found instanceof EngineError) {
    ending = "named";
    const { message } = found;
    if (!message.includes(server.baseUrl) && !whole.operations.some((operation) => message.includes(operation)))
      wrong.push(`the error names neither the server nor the operation: ${message}`);
    const done = trainingDone(server);
    if (!isDeepStrictEqual(done, whole.trained.done.slice(0, done.length)))
      wrong.push(`trained ${done.join(", ")}: ${message}`);
  } else if (found instanceof Error) wrong.push(`ended with ${found.stack ?? found.message}`);
  else {
    ending = "the same";
    if (!isDeepStrictEqual(found, whole.trained)) wrong.push("ended without an error, and not with what it must end with");
  }
  const allowed = whole.requests + BURST + (PER_SECOND * clock.now()) / 1000;
  const requests = requestsOf(server, whole.operations);
  if (requests > allowed) wrong.push(`${requests} requests in ${clock.now() / 1000} s`);
  if (`${String(found)} ${JSON.stringify(events)}`.includes(API_KEY)) wrong.push("shows the API key");
  await subjects.close();
  return { ...(ending === undefined ? {} : { ending }), wrong };
}

/** What the error of a server that is not there says of proxies. */
async function proxyNamed(): Promise<string[]> {
  const closed = await new Promise<number>((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
  const subjects = new Subjects();
  const { open } = await subjects.start("skyrl-jax", () => undefined, {
    baseUrl: `http://127.0.0.1:${closed}`,
    submitSeconds: 1,
  });
  const message = await errorOf(open());
  await subjects.close();
  return message.includes("HTTPS_PROXY") ? [] : [`nothing is said of proxies: ${message}`];
}

export const server: Part = {
  name: "server",
  claim:
    "Whatever a server, a proxy or the network makes of a request, training ends with the same weights and samples as undisturbed, or " +
    "with an error that names the server or the operation; nothing is trained twice, nothing hangs, requests stay few " +
    `(${BURST} more than undisturbed, and ${PER_SECOND} for every second of waiting), and the API key is shown nowhere.`,
  async run(context) {
    const long = context.size === "long";
    const kinds: readonly ProfileName[] = long ? PROFILE_NAMES : ["tinker", "open-rl"];
    const wholes = new Map<ProfileName, Undisturbed>();
    for (const kind of kinds) wholes.set(kind, await undisturbed(kind));
    const wholeOf = (kind: ProfileName) => wholes.get(kind)!;
    const whens = long ? (["once", "every third time", "every time"] as const) : (["once"] as const);
    const operationsOf = (kind: ProfileName) =>
      wholeOf(kind).operations.filter((operation) => long || ["forward_backward", "retrieve_future"].includes(operation));
    const one = kinds.flatMap((kind) => trialsOf(kind, operationsOf(kind), whens));
    const mixed = Array.from({ length: long ? 400 : 20 }, (_, i): Trial => {
      const kind = kinds[i % kinds.length];
      return { name: `${kind}: mixed mishaps ${i}`, kind, plan: drawn(kind, foldIn(context.key, i)) };
    });
    const all = [...one, ...mixed];
    const endings: string[] = [];
    const failures = await trials(all.length, { ...context, concurrency: 8 }, async (index) => {
      const trial = all[index];
      const { ending, wrong } = await judged(trial, wholeOf(trial.kind));
      if (ending !== undefined) endings[index] = ending;
      return wrong.map((text) => `${trial.name}: ${text}`);
    });
    failures.push(...(await proxyNamed()));
    const count = (from: number, to?: number) => tally(endings.slice(from, to).filter(Boolean).toSorted().toReversed());
    return {
      facts: [
        `${MISHAPS.length} mishaps: ${MISHAPS.map(({ name }) => name).join("; ")}.`,
        `Each at ${long ? "each operation" : "two operations"} of ${kinds.join(", ")}, ${whens.join(", ")}: ${one.length} trainings, ${count(0, one.length)}.`,
        `Mixed, at one request in eight: ${mixed.length} trainings, ${count(one.length)}.`,
        "A proxy in HTTPS_PROXY is named where the server cannot be reached.",
        "Left out, for no client can see it: training requests that a network delivers twice to a server that does not know one that " +
          "comes again (open-rl, twinkle), and a sample that reaches SkyRL after it was sent again, which puts older weights in the " +
          "place of those trained since.",
      ],
      failures,
    };
  },
};
