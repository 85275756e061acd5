/**
 * Reads written replies of every game and compares what is read with what was written (`src/games/fuzz.ts`); then times `parse` alone. Run
 * with `npx tsc --outDir dist/bench && node dist/bench/bench/fuzz-parser.js [REPLIES]`; the default is a million a game. Prints
 * counts by writing and reading, and every misreading (there must be none).
 */
import { GAME_NAMES, gameNamed, parse } from "../src/games/index.ts";
import { fuzzParser, writeReply } from "../src/games/fuzz.ts";
import { foldIn, seedKey } from "../src/random.ts";

const REPLIES = Number(process.argv[2] ?? 1_000_000);
const TIMED = 20_000;

for (const name of GAME_NAMES) {
  const game = gameNamed(name);
  const start = performance.now();
  const { counts, misreadings } = fuzzParser(game, REPLIES, foldIn(seedKey(1), name));
  console.log(`${name}: ${REPLIES} replies, ${((performance.now() - start) / 1000).toFixed(1)} s with the writing`);
  for (const [outcome, count] of [...counts].toSorted(([a], [b]) => (a < b ? -1 : 1)))
    console.log(`  ${outcome.padEnd(26)} ${String(count).padStart(8)}`);
  for (const { text, problem, parsed } of misreadings)
    console.log(`  ${JSON.stringify(text)} ${problem}: ${JSON.stringify(parsed)}`);
  console.log(`  misreadings ${misreadings.length}`);
  if (misreadings.length > 0) process.exitCode = 1;

  const legal = actionsOf(name);
  const replies = Array.from({ length: TIMED }, (_, i) => writeReply(legal, foldIn(seedKey(2), name, i)).text);
  const rounds = Math.max(1, Math.round(REPLIES / TIMED));
  const timed = performance.now();
  for (let round = 0; round < rounds; round++) for (const text of replies) parse(text, game.grammar, legal);
  console.log(`  parse alone: ${(((performance.now() - timed) * 1000) / (rounds * TIMED)).toFixed(2)} us a reply`);
}

/** The legal actions at the first position of a game. */
function actionsOf(name: string): readonly string[] {
  const game = gameNamed(name);
  let state = game.start();
  for (;;) {
    const turn = game.turn(state);
    if (turn.kind === "chance") state = game.chance(state, turn.outcomes[0][0]);
    else return turn.kind === "move" ? game.legal(game.view(state, turn.seats[0])) : [];
  }
}
