/**
 * The reliability campaign: mishaps that happen to real processes, tried many times. Exit code 1 when any part fails, 2 for arguments
 * that are none; `npm run campaign -- --help` lists the parts.
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { foldIn, seedKey } from "../../src/random.ts";
import { contests } from "./contests.ts";
import { interrupts } from "./interrupts.ts";
import { kills } from "./kills.ts";
import { memory } from "./memory.ts";
import type { Finding, Part, Size } from "./part.ts";
import { parser } from "./parser.ts";
import { places } from "./places.ts";
import { ROOT } from "./program.ts";
import { reportOf } from "./report.ts";
import { server } from "./server.ts";
import { writes } from "./writes.ts";

/** A part is added by naming it here. */
export const PARTS: readonly Part[] = [kills, writes, places, interrupts, contests, parser, server, memory];

export interface CampaignOptions {
  readonly size: Size;
  readonly seed: number;
  readonly onProgress?: (text: string) => void;
}

/** Runs parts one after the other. */
export async function campaign(parts: readonly Part[], { size, seed, onProgress }: CampaignOptions): Promise<Finding[]> {
  const root = await mkdtemp(join(tmpdir(), "sepo-campaign-"));
  const findings: Finding[] = [];
  for (const part of parts) {
    const folder = join(root, part.name);
    await mkdir(folder);
    const began = performance.now();
    const elapsed = () => (performance.now() - began) / 1000;
    const outcome = await part.run({
      size,
      key: foldIn(seedKey(seed), part.name),
      folder,
      concurrency: availableParallelism(),
      onProgress(done, trials) {
        const left = done === 0 ? "" : `, about ${((elapsed() / done) * (trials - done)).toFixed(0)} s left`;
        onProgress?.(`${part.name}: ${done} of ${trials} trials${left}`);
      },
    });
    findings.push({ part, seconds: elapsed(), ...outcome });
  }
  // Folders of failed trials stay, to be looked at.
  if (findings.every(({ failures }) => failures.length === 0)) await rm(root, { recursive: true });
  else onProgress?.(`what failed is in ${root}\n`);
  return findings;
}

const HELP = `Usage: npm run campaign -- [PART ...] [--seed N] [--short] [--write]

Parts, all unless some are named:
${PARTS.map(({ name, claim }) => `  ${name}: ${claim}`).join("\n")}

  --seed N   root of what is drawn; default: 0
  --short    the form that the tests run
  --write    write docs/reliability.md
  --help     print this`;

export interface Command {
  readonly parts: readonly Part[];
  readonly seed: number;
  readonly size: Size;
  readonly write: boolean;
  readonly help: boolean;
}

/** Arguments as a command. Throws what the user is told about arguments that are none. */
export function commandOf(args: readonly string[]): Command {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      seed: { type: "string", default: "0" },
      short: { type: "boolean", default: false },
      write: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  for (const name of positionals)
    if (!PARTS.some((part) => part.name === name))
      throw new Error(`expected parts among ${PARTS.map((part) => part.name).join(", ")}, got "${name}"`);
  const seed = Number(values.seed);
  if (!/^\d+$/.test(values.seed) || !Number.isSafeInteger(seed))
    throw new Error(`--seed: expected a whole number from 0 on, got "${values.seed}"`);
  const { short, write, help } = values;
  if (write && (short || positionals.length > 0)) throw new Error("--write: the page holds all parts in their long form");
  const parts = positionals.length === 0 ? PARTS : PARTS.filter(({ name }) => positionals.includes(name));
  return { parts, seed, size: short ? "short" : "long", write, help };
}

/** The command, or nothing and exit code 2. */
function commandOrRefusal(args: readonly string[]): Command | undefined {
  try {
    return commandOf(args);
  } catch (error) {
    console.error(`campaign: ${error instanceof Error ? error.message : String(error)}; --help lists what there is`);
    process.exitCode = 2;
    return undefined;
  }
}

async function main(): Promise<void> {
  const wanted = commandOrRefusal(process.argv.slice(2));
  if (wanted === undefined) return;
  const { parts, seed, size, write, help } = wanted;
  if (help) return console.log(HELP);
  const live = process.stderr.isTTY;
  let last = -Infinity;
  const findings = await campaign(parts, {
    size,
    seed,
    onProgress(text) {
      // In a log file a line every 15 seconds is enough.
      if (live) process.stderr.write(`\r\u001b[K${text}`);
      else if (text.endsWith("\n") || performance.now() - last > 15_000) {
        last = performance.now();
        process.stderr.write(`${text.trimEnd()}\n`);
      }
    },
  });
  if (live) process.stderr.write("\r\u001b[K");
  const command = ["npm run campaign", ...(process.argv.length > 2 ? ["--"] : []), ...process.argv.slice(2)].join(" ");
  const report = reportOf(findings, { command, seed, date: new Date() });
  console.log(report);
  if (write) await writeFile(join(ROOT, "docs", "reliability.md"), report);
  if (findings.some(({ failures }) => failures.length > 0)) process.exitCode = 1;
}

if (process.argv[1] === import.meta.filename) await main();
