/**
 * The reliability campaign: mishaps that happen to real processes, tried many times. Exit code 1 when any part fails.
 *
 *     npm run campaign -- [PART ...] [--seed N] [--short] [--write]
 *
 * All parts unless some are named; `--write` writes docs/reliability.md.
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
import { places } from "./places.ts";
import { ROOT } from "./program.ts";
import { reportOf } from "./report.ts";
import { writes } from "./writes.ts";

/** A part is added by naming it here. */
export const PARTS: readonly Part[] = [kills, writes, places, interrupts, contests, memory];

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

function chosenParts(names: readonly string[]): readonly Part[] {
  for (const name of names)
    if (!PARTS.some((part) => part.name === name))
      throw new Error(`expected parts among ${PARTS.map((part) => part.name).join(", ")}, got "${name}"`);
  return names.length === 0 ? PARTS : PARTS.filter(({ name }) => names.includes(name));
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seed: { type: "string", default: "0" },
      short: { type: "boolean", default: false },
      write: { type: "boolean", default: false },
    },
  });
  const seed = Number(values.seed);
  const live = process.stderr.isTTY;
  let last = -Infinity;
  const findings = await campaign(chosenParts(positionals), {
    size: values.short ? "short" : "long",
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
  if (values.write) await writeFile(join(ROOT, "docs", "reliability.md"), report);
  if (findings.some(({ failures }) => failures.length > 0)) process.exitCode = 1;
}

if (process.argv[1] === import.meta.filename) await main();
