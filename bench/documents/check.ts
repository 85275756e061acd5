/**
 * Compares the numbers of the documents with what commands print.
 *
 *     npm run check:docs [-- FILE ...]
 *
 * Each number of a document has its source in a comment beside it (`numbers.ts`; CONTRIBUTING.md has the forms). `docs/checks.json` holds
 * passages that are compared word for word, and those of documents that carry no comments: a passage that is not in its document, a
 * command that prints something else, and a decimal number there that no passage covers are failures. Results of runs are read
 * from `recipes/NAME/results`, which are run directories without their weights.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { z } from "zod";
import { withoutSource } from "./numbers.ts";

const schema = z.strictObject({
  /** Documents without comments, of which every decimal number must be covered by a passage. */
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
  /** Pages that a command writes whole: their numbers are its own, and it stands in them. */
  written: z.array(z.strictObject({ file: z.string(), command: z.string() })),
  /** Passages whose numbers no command of this package prints, with the reason. */
  elsewhere: z.array(z.strictObject({ file: z.string(), text: z.string(), reason: z.string() })),
});
const { complete, checks, blocks, written, elsewhere } = schema.parse(JSON.parse(readFileSync("docs/checks.json", "utf8")));

/** Documents whose numbers have their sources beside them. */
const commented = [
  ...readdirSync("docs").flatMap((name) => (name.endsWith(".md") ? [`docs/${name}`] : [])),
  ...readdirSync("recipes").map((name) => `recipes/${name}/README.md`),
  "CHANGELOG.md",
]
  .filter((file) => !written.some((page) => page.file === file))
  .toSorted();

const named = process.argv.slice(2);
const isWanted = (file: string): boolean => named.length === 0 || named.includes(file);

/** Of the changelog the newest section alone: the others are history. */
const checkedPart = (file: string): string => {
  const text = readFileSync(file, "utf8");
  return file === "CHANGELOG.md" ? `## ${text.split(/^## /m)[1] ?? ""}` : text;
};

const plain = (text: string): string => text.replaceAll(/\s+/g, " ").trim();
const holds = (file: string, passage: string): boolean => plain(readFileSync(file, "utf8")).includes(plain(passage));

const failures: string[] = [];
const outputs = new Map<string, string>();
/** What a command prints; nothing, and a failure, where it fails. */
function outputOf(command: readonly string[]): string {
  const name = command.join(" ");
  const known = outputs.get(name);
  if (known !== undefined) return known;
  process.stderr.write(`${name}\n`);
  const [program, ...args] = command;
  const main = program === "sepo" ? ["dist/cli/main.js"] : [];
  const { status, stdout, stderr } = spawnSync(process.execPath, [...main, ...args], { encoding: "utf8", maxBuffer: 2 ** 28 });
  if (status !== 0) failures.push(`"${name}" ended with ${status}: ${plain(stderr).slice(0, 200)}`);
  outputs.set(name, plain(stdout));
  return plain(stdout);
}

for (const file of commented.filter(isWanted)) {
  try {
    failures.push(...withoutSource(checkedPart(file), outputOf).map((failure) => `${file}: ${failure}`));
  } catch (error) {
    failures.push(`${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

for (const { file, text, command, expect = [text] } of checks.filter((check) => isWanted(check.file))) {
  if (!holds(file, text)) failures.push(`${file}: the passage "${text}" is not there`);
  for (const wanted of expect)
    if (!outputOf(["sepo", ...command]).includes(plain(wanted)))
      failures.push(`${file}: "sepo ${command.join(" ")}" does not print "${wanted}"`);
}

const CODE = /^```(\w*)\n([\s\S]*?)^```/gm;
for (const { file, command } of blocks.filter((block) => isWanted(block.file))) {
  const rows = [...readFileSync(file, "utf8").matchAll(CODE)].flatMap(([, language, content]) =>
    language === "" ? content.split("\n") : [],
  );
  for (const row of rows.filter((line) => line.includes("[")))
    if (!outputOf(["sepo", ...command]).includes(plain(row)))
      failures.push(`${file}: "sepo ${command.join(" ")}" does not print the row "${row}"`);
}

for (const { file, command } of written.filter((page) => isWanted(page.file)))
  if (!holds(file, command)) failures.push(`${file}: "${command}", which writes it, does not stand in it`);

for (const { file, text } of elsewhere.filter((passage) => isWanted(passage.file)))
  if (!holds(file, text)) failures.push(`${file}: the passage "${text}" is not there`);

for (const file of complete.filter(isWanted)) {
  let rest = plain(readFileSync(file, "utf8").replaceAll(CODE, " "));
  for (const { text } of [...checks, ...elsewhere].filter((each) => each.file === file))
    rest = rest.replaceAll(plain(text), " ");
  for (const number of rest.match(/(?<![\w.])-?\d+\.\d+(?![\w.])/g) ?? []) {
    const at = rest.indexOf(number);
    failures.push(`${file}: nothing covers ${number} in "…${rest.slice(Math.max(0, at - 60), at + 40)}…"`);
  }
}

for (const failure of failures) process.stderr.write(`${failure}\n`);
const documents = [...commented, ...complete].filter(isWanted).length;
process.stdout.write(`${documents} documents compared with ${outputs.size} commands, ${failures.length} failures\n`);
process.exitCode = failures.length === 0 ? 0 : 1;
