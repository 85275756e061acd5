/** A person as a player: asked in text, corrected until an action can be read. */
import { parse } from "../../games/index.ts";
import type { Decision, DecisionRequest, Player } from "../player.ts";

/** The person left; the episode has no result. */
export class LeftTable extends Error {
  override readonly name = "LeftTable";
}

/** Where the person sits. */
export interface Table {
  /** Shows text. */
  readonly show: (text: string) => void;
  /** The person's next line; undefined when there is no more. */
  readonly ask: () => Promise<string | undefined>;
}

/** An empty line, or none, leaves the table: `LeftTable`. */
export function personPlayer({ show, ask }: Table): Player {
  const decide = async ({ game, view }: DecisionRequest): Promise<Decision> => {
    show(`\n${game.observation(view)}`);
    for (;;) {
      const line = await ask();
      if (line === undefined || line.trim() === "") throw new LeftTable("the person left the table");
      const parsed = parse(line, game.grammar, game.legal(view));
      if (parsed.status === "ok") return { action: parsed.action, parsed };
      show(parsed.reason);
    }
  };
  return { name: "you", decide: async (requests) => [await decide(requests[0])] };
}
