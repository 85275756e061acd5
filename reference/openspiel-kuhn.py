"""Plays Kuhn hands with OpenSpiel's Python bindings: `bench/kuhn.ts` runs it and compares.

    PYTHON reference/openspiel-kuhn.py HANDS.json

HANDS.json: {"hands": [{"cards": [0, 2], "actions": [0, 1, 0], "chips": -1}], "policies": [{"info": [p_pass, p_bet]}, ...],
"repeats": n}. `chips` is what the first player won; any hand that OpenSpiel scores otherwise is an error. Prints one JSON line with
hands per second: `replay` applies the given actions, `play` draws cards and actions from the policies.
"""

import json
import random
import sys
import time

import pyspiel


def replay(game, hands):
    for hand in hands:
        state = game.new_initial_state()
        for card in hand["cards"]:
            state.apply_action(card)
        for action in hand["actions"]:
            state.legal_actions()
            state.apply_action(action)
        if state.returns()[0] != hand["chips"]:
            sys.exit(f"OpenSpiel scores {hand} as {state.returns()}")


def play(game, policies, count, rng):
    for _ in range(count):
        state = game.new_initial_state()
        while not state.is_terminal():
            if state.is_chance_node():
                outcomes, weights = zip(*state.chance_outcomes())
                state.apply_action(rng.choices(outcomes, weights)[0])
            else:
                player = state.current_player()
                weights = policies[player][state.information_state_string(player)]
                state.apply_action(rng.choices(state.legal_actions(), weights)[0])
        state.returns()


def best(work, repeats):
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def main(path):
    with open(path, encoding="utf-8") as file:
        task = json.load(file)
    game = pyspiel.load_game("kuhn_poker")
    hands, policies, repeats = task["hands"], task["policies"], task["repeats"]
    rng = random.Random(1)
    print(
        json.dumps(
            {
                "replay": len(hands) / best(lambda: replay(game, hands), repeats),
                "play": len(hands) / best(lambda: play(game, policies, len(hands), rng), repeats),
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1])
