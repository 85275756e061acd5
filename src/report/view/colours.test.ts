import { expect, test } from "vitest";
import { placeOf } from "../../page/charts/format.ts";
import type { ViewAgent } from "./data.ts";

const agent = (run: number, game: string): ViewAgent => ({
  run,
  label: `${game} ${run}`,
  command: "",
  games: [{ game, quantities: {}, opponents: [], actionTable: [] }],
});

test("an agent's colour is its place in its run where no game has agents of two runs, and among all otherwise", () => {
  const apart = [agent(0, "ipd"), agent(0, "ipd"), agent(1, "kuhn"), agent(1, "kuhn")];
  expect(apart.map((_, i) => placeOf({ agents: apart }, i))).toEqual([0, 1, 0, 1]);
  const together = [...apart, agent(2, "kuhn")];
  expect(together.map((_, i) => placeOf({ agents: together }, i))).toEqual([0, 1, 2, 3, 4]);
});
