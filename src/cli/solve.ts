import type { Command } from "commander";
import type { Protocol } from "../games/index.ts";
import { type TextTable, terminalTable } from "../report/table.ts";
import { type Solution, solve } from "../solvers/solution.ts";
import { gameOption, jsonOption, protocolOption, repeat } from "./options.ts";
import { createProgress } from "./progress.ts";
import { rostersWith } from "./rosters.ts";

interface SolveFlags {
  readonly protocol?: Protocol;
  readonly game?: readonly string[];
  readonly set: readonly string[];
  readonly json?: boolean;
}

export function addSolve(program: Command): void {
  program
    .command("solve")
    .description("exact game theory: J*, exact J of scripted policies, best replies, equilibria")
    .argument("[game]", "a game's name; default: every game that can be enumerated")
    .addOption(gameOption("another game (repeatable)"))
    .addOption(protocolOption("the measurement rules; default: corrected"))
    .option("-s, --set <key=value>", "set a key of a game, e.g. games.kuhn.weights.collusion=0 (repeatable)", repeat, [])
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
J* is the best J of a policy that sees the history but not who its opponent is. Kuhn poker takes seconds; item negotiation is too
large for J* and gets a bound, which takes minutes.

Examples:
  sepo solve kuhn
  sepo solve kuhn --set games.kuhn.weights.exploitability=2
  sepo solve auction --protocol paper --json`,
    )
    .action(async (name: string | undefined, { protocol, game, set, json }: SolveFlags) => {
      const named = name === undefined ? game : [name, ...(game ?? [])];
      const rosters = await rostersWith(set, named, protocol);
      const progress = createProgress();
      const solved = rosters
        .filter(({ game: { facts } }) => named !== undefined || facts.enumerable)
        .map((roster) => {
          const began = performance.now();
          const solution = solve(roster, (part) => progress.show(`${roster.game.facts.name}: ${part}`));
          return { solution, seconds: (performance.now() - began) / 1000 };
        });
      progress.done();
      if (json === true) {
        const all = solved.map(({ solution, seconds }) => ({ ...solution, seconds }));
        console.log(JSON.stringify(name === undefined ? all : all[0]));
      } else console.log(solved.map(({ solution, seconds }) => describe(solution, seconds)).join("\n\n\n"));
    });
}

function describe({ game, protocol, optimum: best, scripted, bestReplies, equilibria }: Solution, seconds: number): string {
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
