/** A scripted policy as a player. */
import { type Policy, choose } from "../../games/index.ts";
import { uniform } from "../../random.ts";
import type { Player } from "../player.ts";

export const scriptedPlayer = (policy: Policy): Player => ({
  name: policy.name,
  decide: (requests) =>
    Promise.resolve(
      requests.map(({ view, key }) => {
        const action = choose(policy.act(view), uniform(key));
        return { action, parsed: { status: "ok", action } };
      }),
    ),
});
