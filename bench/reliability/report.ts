/** The campaign's findings as docs/reliability.md. */
import { cpus } from "node:os";
import type { Finding } from "./part.ts";

interface Circumstances {
  readonly command: string;
  readonly seed: number;
  readonly date: Date;
}

export function reportOf(findings: readonly Finding[], { command, seed, date }: Circumstances): string {
  const seconds = findings.reduce((sum, finding) => sum + finding.seconds, 0);
  const failed = findings.filter(({ failures }) => failures.length > 0);
  return [
    "# Reliability",
    "",
    "What happens when processes are killed, disks fill up, people press Ctrl-C, replies are malformed and servers fail.",
    "The campaign in `bench/reliability` tries it many times. Most parts start real processes, disturb them, and compare the",
    "bytes of what is left, `timing.jsonl` excepted, with those of a run that nothing disturbed. It wrote this page. The",
    "tests run a short form of every part; `npm run campaign -- --help` lists them.",
    "",
    `    ${command}`,
    "",
    `${day(date)}, seed ${seed}, Node ${process.version}, ${process.platform} on ${cpus().length} cores, ` +
      `${seconds.toFixed(0)} seconds.`,
    "",
    failed.length === 0
      ? "All parts passed."
      : `${failed.length} of ${findings.length} parts failed: ${failed.map(({ part }) => part.name).join(", ")}.`,
    ...findings.flatMap(sectionOf),
    "",
  ].join("\n");
}

const day = (date: Date): string => date.toISOString().slice(0, 10);

function sectionOf({ part, facts, failures, skipped = [], seconds }: Finding): string[] {
  const head = `${part.name[0].toUpperCase()}${part.name.slice(1)}`;
  return [
    "",
    `## ${head}: ${failures.length === 0 ? "passed" : `${failures.length} failed`} in ${seconds.toFixed(0)} s`,
    "",
    ...wrap(part.claim),
    "",
    ...facts.flatMap((fact) => item(fact)),
    ...skipped.flatMap((name) => item(`Skipped on this machine: ${name}.`)),
    ...failures.flatMap((failure) => item(`FAILED: ${failure.replaceAll("\n", " | ")}`)),
  ];
}

/** Text in lines of at most 118 characters. */
function wrap(text: string, width = 118): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const line = lines[lines.length - 1];
    if (line !== undefined && line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}

const item = (text: string): string[] => wrap(text, 116).map((line, i) => (i === 0 ? `- ${line}` : `  ${line}`));
