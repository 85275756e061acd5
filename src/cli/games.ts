import { type Command, Option } from "commander";
import { type Protocol, WORDINGS, type WordingName } from "../games/index.ts";
import { POOLS } from "../opponents/index.ts";
import { terminalTable } from "../report/table.ts";
import { jsonOption, protocolOption } from "./options.ts";
import { namedRosters } from "./rosters.ts";

export function addGames(program: Command): void {
  program
    .command("games")
    .description("list the games, or one game's facts, rules and opponents")
    .argument("[game]", "a game's name, or the path of a module")
    .addOption(protocolOption("the measurement rules; default: corrected"))
    .addOption(new Option("--wording <name>", "words of the rules; default: standard").choices(WORDINGS))
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nExamples:\n  sepo games\n  sepo games kuhn\n  sepo games auction --protocol paper\n  sepo games auction --wording everyday",
    )
    .action(
      async (
        name: string | undefined,
        { protocol, wording, json }: { protocol?: Protocol; wording?: WordingName; json?: boolean },
      ) => {
        const all = await namedRosters(name === undefined ? undefined : [name], protocol, wording);
        if (name === undefined) {
          if (json === true) console.log(JSON.stringify(all.map(({ game }) => game.facts)));
          else
            console.log(
              terminalTable({
                title: "Games (le, lc, lx: weights of the harms in J)",
                head: ["name", "title", "rounds", "sum", "private", "security value", "le", "lc", "lx"],
                rows: all.map(({ game: { facts } }) => [
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
        const [roster] = all;
        const policies = POOLS.flatMap((pool) => roster.pools[pool].map((policy) => [pool, policy.name, policy.description]));
        if (json === true) {
          console.log(JSON.stringify({ ...roster.game.facts, rules: roster.game.rules, policies }));
          return;
        }
        console.log(`${roster.game.facts.title}\n\n${roster.game.rules}\n`);
        for (const [fact, value] of Object.entries(roster.game.facts)) console.log(`  ${fact}: ${JSON.stringify(value)}`);
        console.log(`\n${terminalTable({ title: "Opponents", head: ["pool", "name", "description"], rows: policies })}`);
      },
    );
}
