/**
 * The game contract as a test suite: named checks that throw an error saying what is wrong. Any runner can execute them, so a
 * game written elsewhere is held to the same contract.
 */
import { type Key, foldIn, uniform } from "../random.ts";
import { type Action, type Game, type Moves, SEATS, type Seat, choose, currentRound, uniformly } from "./game.ts";
import { parse } from "./parse.ts";
import { DECORATIONS, DISTORTIONS, HARMLESS_UNICODE, LEAD_INS, LINE_STARTS } from "./spellings.ts";

export interface Check {
  readonly name: string;
  run(): void;
}

class ConformanceError extends Error {
  override readonly name = "ConformanceError";
}

function must(condition: boolean, message: string): asserts condition {
  if (!condition) throw new ConformanceError(message);
}

/** Every state of an episode played uniformly at random, in order. */
export function randomPlayout(game: Game, key: Key): unknown[] {
  const states = [game.start()];
  for (;;) {
    const state = states[states.length - 1];
    const turn = game.turn(state);
    const u = (name: string) => uniform(foldIn(key, states.length, name));
    if (turn.kind === "over") return states;
    if (turn.kind === "chance") states.push(game.chance(state, choose(turn.outcomes, u("chance"))));
    else {
      const moves: Moves = Object.fromEntries(
        turn.seats.map((seat): [Seat, Action] => [
          seat,
          choose(uniformly(game.legal(game.view(state, seat))), u(`seat ${seat}`)),
        ]),
      );
      states.push(game.move(state, moves));
    }
  }
}

/** The checks of one game, each over `playouts` random episodes. */
export function gameConformance(game: Game, key: Key, playouts = 50): Check[] {
  const { facts } = game;
  const episodes = Array.from({ length: playouts }, (_, i) => randomPlayout(game, foldIn(key, i)));
  /** Every view of a seat to move. */
  const asked = episodes.flatMap((states) =>
    states.flatMap((state) => {
      const turn = game.turn(state);
      return turn.kind === "move" ? turn.seats.map((seat) => ({ state, seat, view: game.view(state, seat) })) : [];
    }),
  );
  /** The different sets of legal actions. */
  const legalSets = [...new Map(asked.map(({ view }) => [game.legal(view).join("\n"), game.legal(view)])).values()];
  const finished = episodes.map((states) => states[states.length - 1]);
  return [
    {
      name: "an episode has the declared number of rounds",
      run: () => {
        for (const state of finished) {
          const rounds = game.outcomes(state).length;
          must(!facts.fixedRounds || rounds === facts.rounds, `expected ${facts.rounds} rounds, played ${rounds}`);
        }
      },
    },
    {
      name: "chance probabilities are positive and sum to 1",
      run: () => {
        for (const state of episodes.flat()) {
          const turn = game.turn(state);
          if (turn.kind !== "chance") continue;
          const total = turn.outcomes.reduce((sum, [, p]) => sum + p, 0);
          must(facts.chance, "the facts deny chance, yet a chance turn came up");
          must(turn.outcomes.every(([, p]) => p > 0) && Math.abs(total - 1) < 1e-12, `chance probabilities sum to ${total}`);
        }
      },
    },
    {
      name: "payoffs stay within their bounds and cancel in a zero-sum game",
      run: () => {
        for (const { payoffs, collusion, externality } of finished.flatMap((state) => game.outcomes(state))) {
          const [least, most] = facts.payoffBounds;
          must(
            payoffs.every((p) => p >= least && p <= most),
            `payoffs ${payoffs.join(", ")} leave [${least}, ${most}]`,
          );
          must(facts.sum === "general" || payoffs[0] + payoffs[1] === 0, `payoffs ${payoffs.join(", ")} do not cancel`);
          must(
            collusion.every((c) => c >= 0 && c <= 1),
            `collusion ${collusion.join(", ")} leaves [0, 1]`,
          );
          must(externality >= 0, `externality ${externality} is negative`);
        }
      },
    },
    {
      name: "parse(print(action)) = action, alone, after reasoning and however decorated",
      run: () => {
        for (const legal of legalSets) {
          must(legal.length > 0, "a seat to move has no legal action");
          for (const action of legal)
            for (const write of [...DECORATIONS, ...LEAD_INS, ...LINE_STARTS, ...HARMLESS_UNICODE])
              for (const text of [write(action), `Perhaps ${legal[0]}.\n${write(action)}\n`]) {
                const parsed = parse(text, game.grammar, legal);
                must(parsed.status === "ok" && parsed.action === action, `"${text}" was read as ${JSON.stringify(parsed)}`);
              }
        }
      },
    },
    {
      name: "an action that is denied, hedged or one of two is never read",
      run: () => {
        for (const legal of legalSets)
          legal.forEach((action, i) => {
            const other = legal[(i + 1) % legal.length];
            for (const { needsOther, write } of DISTORTIONS) {
              if (needsOther && other === action) continue;
              const parsed = parse(write(action, other), game.grammar, legal);
              must(parsed.status === "parse-failure", `"${write(action, other)}" was read as ${JSON.stringify(parsed)}`);
            }
          });
      },
    },
    {
      name: "a reply that was cut is never read, and an action elsewhere is illegal",
      run: () => {
        for (const legal of legalSets) {
          const cut = parse(legal[0], game.grammar, legal, { cut: true });
          must(cut.status === "parse-failure" && cut.cause === "cut", `a cut reply was read as ${JSON.stringify(cut)}`);
          const elsewhere = parse(legal[0], game.grammar, legal.slice(1));
          must(
            elsewhere.status === "illegal-action" && elsewhere.action === legal[0],
            `"${legal[0]}", not legal, was read as ${JSON.stringify(elsewhere)}`,
          );
        }
      },
    },
    {
      name: "the rules say how to answer",
      run: () => must(game.rules.includes(game.grammar.description), `the rules lack "${game.grammar.description}"`),
    },
    {
      name: "a view and its observation are functions of the information state",
      run: () => {
        const texts = new Map<string, string>();
        for (const { seat, view } of asked) {
          const name = `${seat} ${game.informationState(view)}`;
          const text = `${game.observation(view)}\n${JSON.stringify(view)}`;
          must((texts.get(name) ?? text) === text, `two views at information state ${name}`);
          texts.set(name, text);
        }
      },
    },
    {
      name: "an abstract key has one set of legal actions",
      run: () => {
        const legal = new Map<string, string>();
        for (const { view } of asked) {
          const name = game.abstraction(view);
          const actions = game.legal(view).join(" ");
          must((legal.get(name) ?? actions) === actions, `${name} has two sets of legal actions`);
          legal.set(name, actions);
        }
      },
    },
    {
      name: "rounds only ever finish one at a time",
      run: () => {
        for (const states of episodes)
          for (let i = 1; i < states.length; i++) {
            const step = currentRound(game, states[i]) - currentRound(game, states[i - 1]);
            must(step === 0 || step === 1, `${step} rounds finished at once`);
          }
      },
    },
    {
      name: "illegal moves throw",
      run: () => {
        const state = asked[0].state;
        const moves: Moves = Object.fromEntries(SEATS.map((seat): [Seat, Action] => [seat, "no such action"]));
        let thrown = false;
        try {
          game.move(state, moves);
        } catch {
          thrown = true;
        }
        must(thrown, "an action that does not exist was accepted");
      },
    },
  ];
}
