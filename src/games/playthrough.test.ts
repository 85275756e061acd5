import { expect, test } from "vitest";
import { seedKey } from "../random.ts";
import { GAME_NAMES, gameNamed } from "./index.ts";
import { playthrough } from "./playthrough.ts";

// Golden text: read the difference before accepting it with `npx vitest run -u`; a change here changes prompts and numbers.
for (const game of GAME_NAMES.map((name) => gameNamed(name)))
  test(`${game.facts.name} plays as written down`, async () => {
    await expect(playthrough(game, seedKey(1))).toMatchFileSnapshot(`./${game.facts.name}.golden.txt`);
  });
