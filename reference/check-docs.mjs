/**
 * Compares the numbers of the documents with what commands print.
 *
 *     npm run check:docs [FILE]
 *
 * `docs/checks.json` lists passages of documents, each with a command of `sepo` and what its output must hold. A passage that is not in its
 * document, a command that prints something else, and a decimal number of a listed document that no passage covers are failures.
 * Results of runs are read from `recipes/NAME/results`, which are run directories without their weights.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { z } from "zod";

const schema = z.strictObject({
  /** Documents of which every decimal number must be covered. */
  complete: z.array(z.string()),
  checks: z.array(
    z.strictObject({
      file: z.string(),
      /** The passage as it stands in the document, white space aside. */
      text: z.string(),
      command: z.array(z.string()),
      /** What the command's output must hold; default: the passage itself. */
      expect: z.array(z.string()).optional(),
    }),
  ),
  /** Commands that print the tables in a document's blocks without a language: every row of those must be printed. */
  blocks: z.array(z.strictObject({ file: z.string(), command: z.array(z.string()) })),
  /** Passages whose numbers no command of this package prints, with the reason. */
  elsewhere: z.array(z.strictObject({ file: z.string(), text: z.string(), reason: z.string() })),
});

const plain = (text) => text.replaceAll(/\s+/g, " ").trim();
const { complete, checks, blocks, elsewhere } = schema.parse(JSON.parse(readFileSync("docs/checks.json", "utf8")));
const [only] = process.argv.slice(2);
const documents = new Map();
const documentOf = (file) => {
  if (!documents.has(file)) documents.set(file, plain(readFileSync(file, "utf8")));
  return documents.get(file);
};

const outputs = new Map();
function outputOf(command) {
  const name = command.join(" ");
  if (!outputs.has(name)) {
    process.stderr.write(`sepo ${name}\n`);
    outputs.set(
      name,
      plain(execFileSync(process.execPath, ["dist/cli/main.js", ...command], { encoding: "utf8", maxBuffer: 2 ** 28 })),
    );
  }
  return outputs.get(name);
}

const failures = [];
for (const { file, text, command, expect = [text] } of checks) {
  if (only !== undefined && file !== only) continue;
  if (!documentOf(file).includes(plain(text))) failures.push(`${file}: the passage "${text}" is not there`);
  for (const wanted of expect)
    if (!outputOf(command).includes(plain(wanted)))
      failures.push(`${file}: "sepo ${command.join(" ")}" does not print "${wanted}"`);
}
const BLOCK = /^```(\w*)\n([\s\S]*?)^```/gm;
for (const { file, command } of blocks) {
  if (only !== undefined && file !== only) continue;
  const rows = [...readFileSync(file, "utf8").matchAll(BLOCK)].flatMap(([, language, content]) =>
    language === "" ? content.split("\n") : [],
  );
  for (const row of rows.filter((line) => line.includes("[")))
    if (!outputOf(command).includes(plain(row)))
      failures.push(`${file}: "sepo ${command.join(" ")}" does not print the row "${row}"`);
}
for (const { file, text } of elsewhere)
  if ((only === undefined || file === only) && !documentOf(file).includes(plain(text)))
    failures.push(`${file}: the passage "${text}" is not there`);

for (const file of complete) {
  if (only !== undefined && file !== only) continue;
  let rest = plain(readFileSync(file, "utf8").replaceAll(BLOCK, " "));
  for (const { text } of [...checks, ...elsewhere].filter((each) => each.file === file))
    rest = rest.replaceAll(plain(text), " ");
  const open = rest.match(/(?<![\w.])-?\d+\.\d+(?![\w.])/g) ?? [];
  for (const number of open) {
    const at = rest.indexOf(number);
    failures.push(`${file}: nothing covers ${number} in "…${rest.slice(Math.max(0, at - 60), at + 40)}…"`);
  }
}

for (const failure of failures) process.stderr.write(`${failure}\n`);
process.stdout.write(`${checks.length} passages compared with ${outputs.size} commands, ${failures.length} failures\n`);
process.exitCode = failures.length === 0 ? 0 : 1;
