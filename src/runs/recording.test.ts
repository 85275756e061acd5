/** Folders of chat models whose games are modules of the user's own. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { chatModel } from "../models/adapter.ts";
import { openGames } from "./games.ts";
import { evaluateModel } from "./model-evaluation.ts";
import { askedGames, readAsked } from "./recording.ts";

test("an evaluation keeps the modules of its games, so that it can be compared where they are gone", async () => {
  const folder = await mkdtemp(join(tmpdir(), "sepo-recording-"));
  const source = join(folder, "only-one.mjs");
  await writeFile(
    source,
    "export const roster = ({ base }) => ({ ...base, pools: { ...base.pools, 'held-out': base.pools['held-out'].slice(0, 1) } });",
  );
  const games = await openGames({ games: { ipd: { rounds: 1, module: source } }, protocol: "corrected" }, folder);
  const out = join(folder, "out");
  const rosters = games.map(({ roster }) => roster);
  const model = chatModel(() => "COOPERATE");
  const options = { name: "m", seed: 0, episodes: 2, positions: 1, samples: 1, games, command: () => "" };
  await evaluateModel(out, model, rosters, options);
  await rm(source);
  const asked = await readAsked(out);
  expect(asked.sections).toEqual({ ipd: { rounds: 1, module: "./modules/1/only-one.mjs" } });
  const [{ roster }] = await askedGames(asked, out);
  expect(roster.pools["held-out"]).toHaveLength(1);
  expect(roster.game.facts).toEqual(rosters[0].game.facts);

  await rm(folder, { recursive: true, force: true });
});
