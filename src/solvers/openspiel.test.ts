/** Exploitabilities of Kuhn policies as OpenSpiel gives them; `reference/compare-openspiel.py` prints both side by side. */
import { expect, test } from "vitest";
import { policyNamed, rosterOf } from "../opponents/index.ts";
import { bestResponseValue } from "./best-response.ts";

/** OpenSpiel 2.0.2 (PyPI open_spiel), `exploitability.exploitability`, chips per hand. */
const OPENSPIEL = [
  ["equilibrium", "corrected", 0],
  ["equilibrium-0", "corrected", 0],
  ["equilibrium-1/6", "corrected", 0],
  ["equilibrium", "paper", 0.0555555556],
  ["tight-passive", "corrected", 0.1666666667],
  ["loose-aggressive", "corrected", 0.1666666667],
  ["always-bet", "corrected", 0.3333333333],
  ["max-exploiter", "corrected", 0.25],
  ["always-pass", "corrected", 1],
  ["uniform", "corrected", 0.4583333333],
  ["tight-value", "corrected", 0.25],
  ["pot-control", "corrected", 0.1666666667],
] as const;

test.each(OPENSPIEL)("%s (%s) is exploitable for %f", (name, protocol, chips) => {
  const roster = rosterOf("kuhn", { protocol });
  const policy = policyNamed(roster, name);
  const cycle = roster.cycle!;
  expect(bestResponseValue(cycle, policy, 1) / cycle.facts.rounds).toBeCloseTo(chips, 9);
});
