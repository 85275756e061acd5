/**
 * An opponent of your own in a pool. A roster is plain data: this one adds a policy that defects in the last two rounds to
 * the exploiter pool of the prisoner's dilemma, and shows what that does to J of every scripted policy.
 *
 *     npm run example 04
 */
import { type Policy, type Roster, policiesOf, rosterOf } from "sepo";
import { certainly } from "sepo/games";
import type { IpdView } from "sepo/games/ipd";
import { exactJ, optimum } from "sepo/solvers";

const standard = rosterOf("ipd");
const isIpd = (view: unknown): view is IpdView => typeof view === "object" && view !== null && "played" in view;

/** Tit-for-tat that defects in the last two rounds. */
const backstabber: Policy = {
  name: "backstabber",
  description: "Tit-for-tat, but defects in the last two rounds.",
  act(view) {
    if (!isIpd(view)) throw new Error("not a view of the prisoner's dilemma");
    const late = view.played.length >= standard.game.facts.rounds - 2;
    return certainly(late || view.played.at(-1)?.their === "DEFECT" ? "DEFECT" : "COOPERATE");
  },
  // Everything its behaviour depends on: the exact solvers merge histories with equal memory.
  memory: (view) => (isIpd(view) ? `${view.played.length} ${view.played.at(-1)?.their ?? ""}` : ""),
};

const { pools } = standard;
const roster: Roster = { ...standard, pools: { ...pools, exploiter: [...pools.exploiter, backstabber] } };

console.log(`J* ${optimum(standard).value.toFixed(3)} -> ${optimum(roster).value.toFixed(3)}`);
for (const [name, policy] of policiesOf(standard))
  console.log(`${name.padEnd(22)} J ${exactJ(standard, policy).toFixed(3)} -> ${exactJ(roster, policy).toFixed(3)}`);
