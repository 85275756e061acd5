/**
 * The best J in Kuhn poker of policies that play each hand by itself: a policy that has it, and a bound that no policy passes.
 *
 *     npm run build
 *     node reference/kuhn-per-hand.mjs
 *
 * For any h in [0, 1] of each exploiter, J is at most the reward u - le sum h_k gap_k - lc c - lx x of a best response, because the hinge
 * max(0, gap) is at least h gap. Opponents play each hand by itself and seats alternate, so the best response in each seat of one hand, half
 * of each, is one over all hands. h is found by bisection on the slope, one exploiter at a time.
 */
import { rosterOf } from "../dist/index.js";
import { kuhnTable } from "../dist/opponents/kuhn.js";
import { bestResponse } from "../dist/solvers/best-response.js";
import { totalsOf } from "../dist/solvers/expectation.js";
import { exactJ, sharesOfOpponents } from "../dist/solvers/optimum.js";

const roster = rosterOf("kuhn");
const { rounds } = roster.game.facts;
const shares = sharesOfOpponents(roster);
const exploiters = shares.filter(({ pool }) => pool === "exploiter").map(({ policy }) => policy);
const dot = (a, b) => a.reduce((sum, x, i) => sum + x * b[i], 0);

/** The bound at h, and the gap of each exploiter under the best response. */
function bound(h) {
  let value = 0;
  const slopes = exploiters.map(() => 0);
  for (const seat of [0, 1]) {
    const types = shares.map(({ policy, plain, hinged }) => ({
      policy,
      weight: rounds / 2,
      reward: (outcome) =>
        dot(plain, totalsOf(outcome, seat)) + (h[exploiters.indexOf(policy)] ?? 0) * dot(hinged, totalsOf(outcome, seat)),
      watched: (outcome) => dot(hinged, totalsOf(outcome, seat)),
    }));
    const found = bestResponse(roster.round, types, seat);
    value += found.value;
    shares.forEach(({ policy }, i) => {
      if (exploiters.includes(policy)) slopes[exploiters.indexOf(policy)] += found.watched[i];
    });
  }
  return { value, slopes };
}

/** Least bound over the h from `index` on; it is convex in each. */
function least(h, index) {
  if (index === exploiters.length) return { ...bound(h), h };
  let [low, high] = [0, 1];
  let best = least(h.with(index, 0.5), index + 1);
  for (let i = 0; i < 24; i++) {
    const middle = (low + high) / 2;
    const found = least(h.with(index, middle), index + 1);
    if (found.value < best.value) best = found;
    if (found.slopes[index] > 0) high = middle;
    else low = middle;
  }
  return best;
}

// J, Q, K: never opens, bets J and K after a pass, calls a bet with Q and K.
const policy = kuhnTable("per-hand", "", {
  open: [0, 0, 0],
  afterPass: [1, 0, 1],
  callSecond: [0, 1, 1],
  callFirst: [0, 1, 1],
});
const { value, h } = least(
  exploiters.map(() => 0.5),
  0,
);
console.log(
  `J of the policy that never opens, bets J and K after a pass, calls with Q and K: ${exactJ(roster, policy).toFixed(6)}`,
);
console.log(
  `no policy that plays each hand by itself has more than ${value.toFixed(6)} (h = ${h.map((x) => x.toFixed(4)).join(", ")})`,
);
