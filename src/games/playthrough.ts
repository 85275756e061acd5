/** A playthrough: everything about one episode as readable text, to be kept and compared. */
import type { Key } from "../random.ts";
import { randomPlayout } from "./conformance.ts";
import type { Game } from "./game.ts";

/** Plays a keyed random episode and writes down facts, rules and every state as both seats see it. */
export function playthrough(game: Game, key: Key): string {
  const { options, ...rest } = game.facts;
  const facts = Object.keys(options).length === 0 ? rest : game.facts;
  const lines = [JSON.stringify(facts, undefined, 2), "", game.rules];
  for (const state of randomPlayout(game, key)) {
    const turn = game.turn(state);
    lines.push("", `stage "${game.future(state)}", outcomes ${JSON.stringify(game.outcomes(state).slice(-1))}`);
    if (turn.kind === "chance")
      lines.push(`chance: ${turn.outcomes.map(([outcome, p]) => `${outcome} ${p.toFixed(4)}`).join(", ")}`);
    if (turn.kind === "over") lines.push("over");
    if (turn.kind !== "move") continue;
    for (const seat of turn.seats) {
      const view = game.view(state, seat);
      lines.push(`seat ${seat}: information state "${game.informationState(view)}", abstract key "${game.abstraction(view)}"`);
      lines.push(
        ...game
          .observation(view)
          .split("\n")
          .map((text) => `  | ${text}`),
      );
      lines.push(`  legal: ${game.legal(view).join(", ")}`);
    }
  }
  return `${lines.join("\n")}\n`;
}
