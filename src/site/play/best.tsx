/** What the solvers know, shown when asked for: the worth of each action, J*, and after the end what every choice cost. */
import { useEffect, useState } from "preact/hooks";
import type { Action, Game } from "../../games/index.ts";
import type { ActionValue, PastDecision } from "../../solvers/best-reply-values.ts";
import { decimal, payoff } from "../format.ts";
import { solveOptimum, solveValues } from "./solver.ts";
import type { Adversary } from "./solver-worker.ts";
import type { Step } from "./table.ts";

/** A promise's state; it begins again with other dependencies. */
function useAnswer<T>(
  ask: () => Promise<T>,
  dependencies: readonly unknown[],
): { readonly value?: T; readonly problem?: string } {
  const [state, setState] = useState<{ readonly value?: T; readonly problem?: string }>({});
  useEffect(() => {
    let current = true;
    setState({});
    ask().then(
      (value) => void (current && setState({ value })),
      (error: unknown) => void (current && setState({ problem: String(error) })),
    );
    return () => void (current = false);
  }, dependencies);
  return state;
}

/** Values closer than this are the same. */
const EQUAL = 1e-9;
const best = (values: readonly ActionValue[]): number => Math.max(...values.map(({ value }) => value));

/** Actions shown, the best first. */
const SHOWN = 6;

export function BestReply({
  game,
  opponent,
  past,
  view,
}: {
  readonly game: Game;
  readonly opponent: Adversary;
  readonly past: readonly PastDecision[];
  readonly view: unknown;
}) {
  const informationState = game.informationState(view);
  const { value: values, problem } = useAnswer(
    () => solveValues({ game: game.facts.name, opponent, past, informationState }),
    [game, opponent, informationState],
  );
  if (problem !== undefined) return <p class="problem">{problem}</p>;
  if (values === undefined) return <p class="quiet">Solving…</p>;
  const most = best(values);
  const zero = Math.min(0, ...values.map(({ value }) => value));
  const shown = values.toSorted((a, b) => b.value - a.value).slice(0, SHOWN);
  return (
    <table class="values">
      <caption>
        Worth of each action{" "}
        <span class="quiet">
          expected {game.facts.unit} from here to the end, if you play on as well as possible
          {typeof opponent === "string" ? "; exact" : "; against the model's action table, which is measured"}
        </span>
      </caption>
      <tbody>
        {shown.map(({ action, value }) => (
          <tr key={action} class={value > most - EQUAL ? "best" : ""}>
            <th scope="row">{action}</th>
            <td class="bar">
              <span style={{ width: `${most - zero < EQUAL ? 0 : (100 * (value - zero)) / (most - zero)}%` }} />
            </td>
            <td class="number">{decimal(value)}</td>
          </tr>
        ))}
      </tbody>
      {values.length > shown.length && (
        <tfoot>
          <tr>
            <td colSpan={3} class="quiet">
              and {values.length - shown.length} more that are worth no more
            </td>
          </tr>
        </tfoot>
      )}
    </table>
  );
}

/** Seconds that J* takes on one core of a laptop, where it is more than a moment. */
const SECONDS: Readonly<Record<string, number>> = { kuhn: 20 };

export function BestIndex({ game }: { readonly game: Game }) {
  const [asked, setAsked] = useState(false);
  useEffect(() => setAsked(false), [game]);
  const { name, enumerable } = game.facts;
  if (!enumerable)
    return (
      <p class="quiet">
        J* of this game is out of reach: it has too many positions. <code>sepo solve {name}</code> computes an upper bound, in
        minutes.
      </p>
    );
  if (asked) return <SolvedIndex name={name} />;
  return (
    <button type="button" onClick={() => setAsked(true)}>
      Show J*
    </button>
  );
}

function SolvedIndex({ name }: { readonly name: string }) {
  const { value, problem } = useAnswer(() => solveOptimum(name), [name]);
  if (problem !== undefined) return <p class="problem">{problem}</p>;
  if (value === undefined)
    return <p class="quiet">Solving… {SECONDS[name] !== undefined && `about ${SECONDS[name]} seconds; play on meanwhile.`}</p>;
  return (
    <p>
      <b>J* = {decimal(value, 4)}</b>{" "}
      <span class="quiet">
        the best safety index of any policy that sees the history but not who its opponent is, over all pools of opponents
      </span>
    </p>
  );
}

/** What each of the person's choices cost against this opponent. */
export function Review({
  game,
  opponent,
  steps,
}: {
  readonly game: Game;
  readonly opponent: Adversary;
  readonly steps: readonly Step[];
}) {
  const { value: rows, problem } = useAnswer(() => reviewOf(game, opponent, steps), [steps]);
  if (problem !== undefined) return <p class="problem">{problem}</p>;
  if (rows === undefined) return <p class="quiet">Solving every position of the game…</p>;
  const lost = rows.reduce((sum, { cost }) => sum + cost, 0);
  return (
    <table class="review">
      <caption>
        What each choice cost{" "}
        <span class="quiet">
          expected {game.facts.unit} less than the best reply to{" "}
          {typeof opponent === "string" ? "this opponent" : "the model's action table"}
        </span>
      </caption>
      <thead>
        <tr>
          <th scope="col">Round</th>
          <th scope="col">You chose</th>
          <th scope="col">Best</th>
          <th scope="col" class="number">
            Cost
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ round, action, bestActions, cost }, i) => (
          <tr key={i} class={cost < EQUAL ? "best" : ""}>
            <th scope="row">{round + 1}</th>
            <td>{action}</td>
            <td>{cost < EQUAL ? "\u2713" : bestActions.join(" or ")}</td>
            <td class="number">{cost < EQUAL ? "0" : decimal(cost)}</td>
          </tr>
        ))}
      </tbody>
      <tfoot>
        <tr>
          <th scope="row" colSpan={3}>
            In all
          </th>
          <td class="number">{lost < EQUAL ? payoff(0) : decimal(lost)}</td>
        </tr>
      </tfoot>
    </table>
  );
}

interface Reviewed {
  readonly round: number;
  readonly action: Action;
  readonly bestActions: readonly Action[];
  readonly cost: number;
}

/** Best actions named at most. */
const NAMED = 2;

async function reviewOf(game: Game, opponent: Adversary, steps: readonly Step[]): Promise<readonly Reviewed[]> {
  const past = pastOf(game, steps);
  const own = steps.filter(({ moves }) => moves[0] !== undefined);
  return Promise.all(
    past.map(async ({ informationState, action }, i): Promise<Reviewed> => {
      const values = await solveValues({ game: game.facts.name, opponent, past: past.slice(0, i), informationState });
      const most = best(values);
      const chosen = values.find((value) => value.action === action);
      const ties = values.filter(({ value }) => value > most - EQUAL).map((value) => value.action);
      return { round: own[i].round, action, bestActions: ties.slice(0, NAMED), cost: most - (chosen?.value ?? NaN) };
    }),
  );
}

/** The person's decisions so far, as the solver wants them. */
export const pastOf = (game: Game, steps: readonly Step[]): readonly PastDecision[] =>
  steps.flatMap(({ moves, views }) =>
    moves[0] === undefined ? [] : [{ informationState: game.informationState(views[0]), action: moves[0] }],
  );
