/** What a roster must be before anything is measured or trained with it; for rosters of a user's own module. */
import { type Distribution, type Game, GameError, checkFacts } from "../games/index.ts";
import { shown } from "../games/settings.ts";
import { POOLS, type Roster } from "./roster.ts";

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === "object" && value !== null;
const isText = (value: unknown): value is string => typeof value === "string" && value !== "";
const isFinite = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);

function must(condition: boolean, problem: string): asserts condition {
  if (!condition) throw new GameError(problem);
}

const METHODS = "start turn chance move outcomes view legal observation informationState abstraction future".split(" ");

function checkGame(game: unknown, what: string): asserts game is Game {
  must(isObject(game), `the roster's ${what} is ${shown(game)}; expected a game`);
  checkFacts(game["facts"]);
  const { name } = game["facts"];
  for (const method of METHODS) must(typeof game[method] === "function", `${name}: ${what}.${method} is no function`);
  must(isText(game["rules"]), `${name}: ${what}.rules is ${shown(game["rules"])}; expected the rules in English`);
  const { grammar } = game;
  must(
    isObject(grammar) && isText(grammar["description"]) && typeof grammar["read"] === "function",
    `${name}: ${what}.grammar is no grammar; expected one of words, wordAndNumber, numberList, or one of its own`,
  );
}

/** The views of the seats that move first, after the first of any chance outcomes. */
function firstViews(game: Game): readonly unknown[] {
  let state = game.start();
  for (;;) {
    const turn = game.turn(state);
    if (turn.kind === "move") return turn.seats.map((seat) => game.view(state, seat));
    must(turn.kind === "chance", `${game.facts.name}: the game is over before anybody moves`);
    must(turn.outcomes.length > 0, `${game.facts.name}: a chance turn has no outcomes`);
    state = game.chance(state, turn.outcomes[0][0]);
  }
}

/** Whether probabilities are positive and sum to 1. */
const isDistribution = (pairs: unknown): pairs is Distribution<unknown> => {
  if (!Array.isArray(pairs)) return false;
  const probabilities = pairs.map((pair: unknown) => (Array.isArray(pair) && isFinite(pair[1]) ? pair[1] : -1));
  return probabilities.every((p) => p > 0) && Math.abs(probabilities.reduce((sum, p) => sum + p, 0) - 1) < 1e-9;
};

/** Whether a policy is one, and plays legal actions at the first position; returns its name. */
function checkPolicy(game: Game, views: readonly unknown[], role: string, policy: unknown): string {
  const where = `${game.facts.name}: ${role}`;
  must(isObject(policy) && isText(policy["name"]), `${where} is ${shown(policy)}; expected a policy with a name`);
  const { name, act, memory } = policy;
  const who = `${where} "${name}"`;
  must(typeof act === "function" && typeof memory === "function", `${who} lacks act or memory; expected both as functions`);
  for (const view of views) {
    let distribution: unknown;
    let remembered: unknown;
    try {
      distribution = act.call(policy, view);
      remembered = memory.call(policy, view);
    } catch (error) {
      throw new GameError(`${who} fails at the first position: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
    }
    must(typeof remembered === "string", `${who} has the memory ${shown(remembered)}; expected a text`);
    must(
      isDistribution(distribution),
      `${who} plays ${shown(distribution)} at the first position; expected pairs of action and positive probability with sum 1`,
    );
    const legal = game.legal(view);
    for (const [action] of distribution)
      must(
        legal.some((each) => each === action),
        `${who} plays ${shown(action)} at the first position; expected ${legal.slice(0, 12).join(" or ")}`,
      );
  }
  return name;
}

/**
 * Throws `GameError` naming the first thing that is wrong with a roster: facts that cannot be true, a missing pool or reference, no
 * opponent to measure utility against, two of one name in a pool, a policy that plays no distribution over legal actions where
 * the game begins, experts' weights that are not positive or do not sum to 1. `gameConformance` holds the game itself to its contract.
 */
export function checkRoster(roster: unknown): asserts roster is Roster {
  must(isObject(roster), `the roster is ${shown(roster)}; expected an object with a game, pools, experts and a reference`);
  const { game, pools, experts, reference, responders, traceOpponents, round, cycle } = roster;
  checkGame(game, "game");
  if (round !== undefined) checkGame(round, "round");
  if (cycle !== undefined) checkGame(cycle, "cycle");
  const { name } = game.facts;
  const views = firstViews(game);
  must(isObject(pools), `${name}: pools is ${shown(pools)}; expected ${POOLS.join(", ")}`);
  for (const pool of POOLS) {
    const policies: unknown = pools[pool];
    must(Array.isArray(policies), `${name}: the pool ${pool} is ${shown(policies)}; expected a list of policies`);
    const names = policies.map((policy: unknown) => checkPolicy(game, views, `the ${pool} opponent`, policy));
    const twice = names.find((each, i) => names.indexOf(each) !== i);
    must(twice === undefined, `${name}: the pool ${pool} has two opponents called "${twice}"; expected different names`);
    must(
      pool !== "train" || names.length > 0,
      `${name}: the pool train is empty; expected an opponent to measure utility against`,
    );
  }
  must(Array.isArray(experts), `${name}: experts is ${shown(experts)}; expected a list, which may be empty`);
  let total = 0;
  for (const expert of experts) {
    must(isObject(expert), `${name}: an expert is ${shown(expert)}; expected a policy, a weight and a reason`);
    const who = `the expert "${checkPolicy(game, views, "the expert", expert["policy"])}"`;
    const { weight, reason } = expert;
    must(isFinite(weight) && weight > 0, `${name}: ${who} has the weight ${shown(weight)}; expected a positive number`);
    must(typeof reason === "function", `${name}: ${who} has no reason; expected a function from a view to a sentence`);
    total += weight;
  }
  must(experts.length === 0 || Math.abs(total - 1) < 1e-9, `${name}: the experts' weights sum to ${total}; expected 1`);
  must(reference !== undefined, `${name}: the reference is missing; expected the best known policy`);
  checkPolicy(game, views, "the reference", reference);
  if (responders !== undefined) {
    must(Array.isArray(responders), `${name}: responders is ${shown(responders)}; expected a list of policies`);
    for (const responder of responders) checkPolicy(game, views, "the responder", responder);
  }
  if (traceOpponents === undefined) return;
  must(
    isDistribution(traceOpponents),
    `${name}: traceOpponents is no distribution; expected pairs of policy and probability with sum 1`,
  );
  for (const [opponent] of traceOpponents) checkPolicy(game, views, "the trace opponent", opponent);
}
