import { type Command, Option } from "commander";
import { GAME_NAMES, type Game, PROTOCOLS, type Policy, type Protocol } from "../games/index.ts";
import { POOLS, type Roster, policiesOf, rosterOf } from "../opponents/index.ts";
import { type TextTable, terminalTable } from "../report/table.ts";
import { bestResponseValue } from "../solvers/best-response.ts";
import { nashConv, solveZeroSum, symmetricEquilibria, typePolicy } from "../solvers/equilibrium.ts";
import { exactJ, optimum, utilityBound } from "../solvers/optimum.ts";
import { informationViews } from "../solvers/walk.ts";
import { createProgress } from "./progress.ts";

interface SolveFlags {
  readonly protocol: Protocol;
  readonly json?: boolean;
}

/** Everything that is known exactly about a game; what does not apply to it is absent. */
interface Solution {
  readonly game: string;
  readonly protocol: Protocol;
  readonly seconds: number;
  /** J*: `value` exact, or `atMost` a bound. */
  readonly optimum: { readonly value: number } | { readonly atMost: number };
  /** Exact J of every scripted policy, the best first. */
  readonly scripted: readonly { readonly policy: string; readonly safetyIndex: number }[];
  /** Payoff per round of the exact best reply to each opponent. */
  readonly bestReplies: readonly { readonly pool: string; readonly opponent: string; readonly payoff: number }[];
  readonly equilibria: readonly Equilibrium[];
}

interface Equilibrium {
  readonly kind: string;
  /** Payoff of the first seat in one round. */
  readonly value: number;
  readonly nashConv: number;
  readonly probabilities: readonly {
    readonly seat: number;
    readonly information: string;
    readonly actions: Readonly<Record<string, number>>;
  }[];
}

export function addSolve(program: Command): void {
  program
    .command("solve")
    .description("exact game theory: J*, exact J of scripted policies, best replies, equilibria")
    .argument("[game]", "a game's name; default: every game that can be enumerated")
    .addOption(new Option("--protocol <name>", "the measurement rules").choices(PROTOCOLS).default("corrected"))
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      `
J* is the best J of a policy that sees the history but not who its opponent is. Kuhn poker takes seconds; item negotiation is too
large for J* and gets a bound, which takes minutes.

Examples:
  sepo solve kuhn
  sepo solve auction --protocol paper --json`,
    )
    .action((name: string | undefined, { protocol, json }: SolveFlags) => {
      const names = name === undefined ? GAME_NAMES.filter((each) => rosterOf(each, protocol).game.facts.enumerable) : [name];
      const solutions = names.map((each) => solve(rosterOf(each, protocol)));
      if (json === true) console.log(JSON.stringify(name === undefined ? solutions : solutions[0]));
      else console.log(solutions.map(describe).join("\n\n\n"));
    });
}

function solve(roster: Roster): Solution {
  const progress = createProgress();
  const { facts } = roster.game;
  const began = performance.now();
  const linear = facts.average === "round";
  progress.show(`${facts.name}: best replies`);
  const bestReplies = POOLS.flatMap((pool) =>
    roster.pools[pool].map((policy) => {
      progress.show(`${facts.name}: best reply to ${policy.name}`);
      return { pool, opponent: policy.name, payoff: bestResponseValue(roster.game, policy, 0) / facts.rounds };
    }),
  );
  progress.show(`${facts.name}: J*`);
  const best =
    facts.enumerable && linear ? { value: optimum(roster).value } : { atMost: linear ? utilityBound(roster) : Infinity };
  progress.show(`${facts.name}: scripted policies`);
  const scripted =
    facts.enumerable && linear
      ? [...policiesOf(roster).values()]
          .map((policy) => ({ policy: policy.name, safetyIndex: exactJ(roster, policy) }))
          .toSorted((a, b) => b.safetyIndex - a.safetyIndex)
      : [];
  const equilibria = equilibriaOf(roster);
  progress.done();
  const seconds = (performance.now() - began) / 1000;
  return { game: facts.name, protocol: facts.protocol, seconds, optimum: best, scripted, bestReplies, equilibria };
}

function equilibriaOf({ round }: Roster): Equilibrium[] {
  if (round === undefined) return [];
  if (round.facts.sum === "zero") {
    const { value, players } = solveZeroSum(round);
    return [equilibrium("one round, by linear programming", round, value, players)];
  }
  return symmetricEquilibria(round).map((strategies) => {
    const policy = typePolicy(round, strategies);
    const value = bestResponseValue(round, policy, 0);
    return equilibrium("one round, symmetric Bayes-Nash, by support enumeration", round, value, [policy, policy]);
  });
}

function equilibrium(kind: string, round: Game, value: number, players: readonly [Policy, Policy]): Equilibrium {
  const probabilities = ([0, 1] as const).flatMap((seat) =>
    [...informationViews(round, seat)].map(([information, view]) => ({
      seat,
      information,
      actions: Object.fromEntries(players[seat].act(view)),
    })),
  );
  return { kind, value, nashConv: nashConv(round, players), probabilities };
}

function describe({ game, protocol, seconds, optimum: best, scripted, bestReplies, equilibria }: Solution): string {
  const number = (x: number) => (Math.abs(x) < 5e-7 ? 0 : x).toFixed(6);
  const star = "value" in best ? `J* = ${number(best.value)}` : `J* <= ${number(best.atMost)}`;
  const tables: TextTable[] = [
    ...(scripted.length === 0
      ? []
      : [
          {
            title: `${game}: exact J of scripted policies (${star})`,
            head: ["policy", "J", "share of J*"],
            rows: scripted.map(({ policy, safetyIndex }) => [
              policy,
              number(safetyIndex),
              "value" in best && best.value > 0 ? `${((100 * safetyIndex) / best.value).toFixed(0)}%` : "",
            ]),
          },
        ]),
    {
      title: `${game}: payoff per round of the exact best reply`,
      head: ["pool", "opponent", "best reply"],
      rows: bestReplies.map(({ pool, opponent, payoff }) => [pool, opponent, number(payoff)]),
    },
    ...equilibria.map((found) => ({
      title: `${game}: equilibrium of ${found.kind}; first seat's value ${number(found.value)}, NashConv ${found.nashConv.toExponential(1)}`,
      head: ["seat", "knows", "plays"],
      rows: found.probabilities.map(({ seat, information, actions }) => [
        seat === 0 ? "first" : "second",
        information,
        Object.entries(actions)
          .map(([action, p]) => `${action} ${p.toFixed(4)}`)
          .join(", "),
      ]),
    })),
  ];
  return `${game}: protocol ${protocol}, ${star}, solved in ${seconds.toFixed(1)} s\n\n${tables.map(terminalTable).join("\n\n")}`;
}
