"""Prints Kuhn poker's exact quantities by OpenSpiel and by us side by side.

    npm run build && PYTHON reference/compare-openspiel.py

PYTHON is the interpreter of README.md, as everywhere in this folder.

The policies are written down here again, from their descriptions in `sepo games kuhn`. Exits with 1 when a pair differs by more than
1e-9. `src/solvers/openspiel.test.ts` holds OpenSpiel's numbers.
"""

import json
import subprocess
import sys

import pyspiel
from open_spiel.python import policy as policies
from open_spiel.python.algorithms import expected_game_score, exploitability

GAME = pyspiel.load_game("kuhn_poker")
NEVER, EVER, HALF = (0, 0, 0), (1, 1, 1), (0.5, 0.5, 0.5)
KING, QUEEN_UP = (0, 0, 1), (0, 1, 1)


def equilibrium(alpha, call_first=None):
    """P(bet or call) for J, Q, K: opening, after a pass, second after a bet, first after pass and bet."""
    call = alpha + 1 / 3 if call_first is None else call_first
    return ((alpha, 0, 3 * alpha), (1 / 3, 0, 1), (0, 1 / 3, 1), (0, call, 1))


POLICIES = {
    ("equilibrium", "corrected"): equilibrium(1 / 3),
    ("equilibrium-0", "corrected"): equilibrium(0),
    ("equilibrium-1/6", "corrected"): equilibrium(1 / 6),
    ("equilibrium", "paper"): equilibrium(1 / 3, call_first=1 / 3),
    ("tight-passive", "corrected"): (NEVER, NEVER, KING, KING),
    ("loose-aggressive", "corrected"): ((0.5, 1, 1), (0.5, 1, 1), QUEEN_UP, QUEEN_UP),
    ("always-bet", "corrected"): (EVER, EVER, EVER, EVER),
    ("max-exploiter", "corrected"): (QUEEN_UP, QUEEN_UP, KING, KING),
    ("always-pass", "corrected"): (NEVER, NEVER, NEVER, NEVER),
    ("uniform", "corrected"): (HALF, HALF, HALF, HALF),
    ("tight-value", "corrected"): (KING, KING, KING, KING),
    ("pot-control", "corrected"): (NEVER, NEVER, QUEEN_UP, QUEEN_UP),
}
SITUATIONS = {"": 0, "p": 1, "b": 2, "pb": 3}


def tabular(table):
    result = policies.TabularPolicy(GAME)
    for key, row in result.state_lookup.items():
        bet = table[SITUATIONS[key[1:]]][int(key[0])]
        result.action_probability_array[row] = [1 - bet, bet]
    return result


def ours(name, protocol):
    command = ["node", "dist/cli/main.js", "evaluate", "--game", "kuhn", "--policy", name]
    output = subprocess.run([*command, "--protocol", protocol, "--episodes", "2", "--json"], check=True, capture_output=True)
    return json.loads(output.stdout)["games"][0]["worstCase"]["exploitability"]["value"]


def main():
    differences = 0
    print(f"{'exploitability, chips per hand':<34} {'OpenSpiel':>14} {'sepo':>14}")
    for (name, protocol), table in POLICIES.items():
        theirs = exploitability.exploitability(GAME, tabular(table))
        mine = ours(name, protocol)
        differences += abs(theirs - mine) > 1e-9
        print(f"{name + ' (' + protocol + ')':<34} {theirs:>14.10f} {mine:>14.10f}")
    solved = subprocess.run(["node", "dist/cli/main.js", "solve", "kuhn", "--json"], check=True, capture_output=True)
    value = json.loads(solved.stdout)["equilibria"][0]["value"]
    both = tabular(equilibrium(1 / 6))
    theirs = expected_game_score.policy_value(GAME.new_initial_state(), [both, both])[0]
    differences += abs(theirs - value) > 1e-9
    print(f"{'value to the first player':<34} {theirs:>14.10f} {value:>14.10f}")
    print(f"{'NashConv of uniform play':<34} {exploitability.nash_conv(GAME, tabular((HALF,) * 4)):>14.10f} {2 * ours('uniform', 'corrected'):>14.10f}")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
