/**
 * Counts the tokens of one SEPO step and of the supervised stage: the games' own prompts, and the experts' replies, through a model's chat.
 *
 *     npm run build
 *     node reference/count-tokens.mjs recipes/qwen3.5-4b/config.toml [FOLDER OR MODEL]
 *
 * The tokenizer is the configuration's unless another is named. The agent is the first expert of each game, so opponents meet sensible play;
 * a model's own replies may be longer, up to `sampler.maxTokens`.
 */
import { readFile } from "node:fs/promises";
import { parse } from "smol-toml";
import { foldIn, messagesOf, rosterOf, scriptedPlayer, seedKey } from "../dist/index.js";
import { parseConfig } from "../dist/runs.js";
import { findModelFolder, loadChat } from "../dist/text/model-folder.js";
import { rollout } from "../dist/training/rollout.js";

const [path, model] = process.argv.slice(2);
if (path === undefined) {
  console.error("usage: count-tokens.mjs CONFIG [FOLDER OR MODEL]");
  process.exit(2);
}
const config = parseConfig(parse(await readFile(path, "utf8")));
const thinking = config.engine.thinking === true;
const chat = await loadChat(await findModelFolder(model ?? config.engine.tokenizer), { thinking });

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const rows = [];
for (const name of Object.keys(config.games)) {
  const roster = rosterOf(name, { protocol: config.protocol });
  const { game, experts } = roster;
  const [expert] = experts;
  const groups = await rollout([roster], scriptedPlayer(expert.policy), foldIn(seedKey(config.seed), "count"), config.sepo);
  const episodes = groups.flatMap(({ played }) => played);
  const decisions = episodes.flatMap((episode) => episode.decisions);
  const prompts = decisions.map(({ view }) => chat.prompt(messagesOf(game, view)));
  const replies = decisions.map(({ view, action }) => chat.reply(`${expert.reason(view)}\n${action}`).length);
  const lengths = prompts.map(({ tokens }) => tokens.length);
  rows.push({
    game: name,
    episodes: episodes.length,
    decisions: decisions.length,
    "prompt mean": Math.round(mean(lengths)),
    "prompt max": lengths.reduce((a, b) => Math.max(a, b), 0),
    "of it shared": prompts[0].shared,
    "reply mean": Math.round(mean(replies)),
    "reply max": replies.reduce((a, b) => Math.max(a, b), 0),
    "prompt tokens": lengths.reduce((a, b) => a + b, 0),
    "reply tokens": replies.reduce((a, b) => a + b, 0),
    "reply bound": decisions.length * config.sampler.maxTokens,
  });
}
console.table(rows);
const total = (key) => rows.reduce((sum, row) => sum + row[key], 0);
const [prompt, reply, bound] = ["prompt tokens", "reply tokens", "reply bound"].map(total);
console.log(`a SEPO step: ${prompt + reply} tokens, ${prompt} of them prompts; with replies of full length ${prompt + bound}`);
const example = mean(rows.map((row) => row["prompt mean"] + row["reply mean"]));
// A fifth of the examples is for validation.
const { examples, epochs, batch } = config.sft;
const trained = Math.round(examples * 0.8 * Object.keys(config.games).length * epochs);
console.log(
  `SFT: ${trained} examples of ${Math.round(example)} tokens, ${Math.round(trained * example)} in all, ${Math.ceil(trained / batch)} steps`,
);
