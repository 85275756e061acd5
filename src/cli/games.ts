import type { Command } from "commander";
import { POOLS, ROSTERS, rosterOf } from "../opponents/index.ts";
import { terminalTable } from "../report/table.ts";

export function addGames(program: Command): void {
  program
    .command("games")
    .description("list the games, or one game's facts, rules and opponents")
    .argument("[game]", "a game's name")
    .option("--json", "print JSON")
    .addHelpText("after", "\nExamples:\n  sepo games\n  sepo games kuhn")
    .action((name: string | undefined, { json }: { json?: boolean }) => {
      if (name === undefined) {
        if (json === true) console.log(JSON.stringify(ROSTERS.map(({ game }) => game.facts)));
        else
          console.log(
            terminalTable({
              title: "Games (le, lc, lx: weights of the harms in J)",
              head: ["name", "title", "rounds", "sum", "private", "security value", "le", "lc", "lx"],
              rows: ROSTERS.map(({ game: { facts } }) => [
                facts.name,
                facts.title,
                String(facts.rounds),
                facts.sum,
                facts.privateInformation ? "yes" : "no",
                `${facts.securityValue} ${facts.unit}`,
                ...[facts.weights.exploitability, facts.weights.collusion, facts.weights.externality].map(String),
              ]),
            }),
          );
        return;
      }
      const roster = rosterOf(name);
      const policies = POOLS.flatMap((pool) => roster.pools[pool].map((policy) => [pool, policy.name, policy.description]));
      if (json === true) {
        console.log(JSON.stringify({ ...roster.game.facts, rules: roster.game.rules, policies }));
        return;
      }
      console.log(`${roster.game.facts.title}\n\n${roster.game.rules}\n`);
      for (const [fact, value] of Object.entries(roster.game.facts)) console.log(`  ${fact}: ${JSON.stringify(value)}`);
      console.log(`\n${terminalTable({ title: "Opponents", head: ["pool", "name", "description"], rows: policies })}`);
    });
}
