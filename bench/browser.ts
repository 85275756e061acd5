/**
 * A lesson of the site on three runtimes: Debian's chromium, Node on the same WebAssembly, and Node's own ONNX Runtime. How long each takes,
 * and how far their numbers are apart.
 *
 *     npm run site && npm run bench && node dist/bench/bench/browser.js [game] [steps of SEPO] [examples to imitate]
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { z } from "zod";
import { packModel } from "../src/play/packed-model.ts";
import { noBrowser, openBrowser } from "../src/site/testing/browser.ts";
import { LESSONS, lesson } from "../src/training/lesson.ts";

const [game = "ipd", steps = "20", examples = "2000", child] = process.argv.slice(2);
const settings = { ...(game === "kuhn" ? LESSONS.kuhn : LESSONS.ipd), steps: Number(steps), examples: Number(examples) };

/** What a runtime made of the lesson: seconds, a hash of the model in float16, and of each step what could differ. */
const resultSchema = z.object({
  seconds: z.number(),
  sha256: z.string(),
  rows: z.array(z.object({ stage: z.string(), step: z.number(), loss: z.number().nullable(), exactJ: z.number().nullable() })),
});
type Result = z.infer<typeof resultSchema>;

const sha256 = (parts: readonly Uint8Array[]): string =>
  createHash("sha256").update(Buffer.concat(parts)).digest("hex").slice(0, 16);

async function inThisProcess(): Promise<Result> {
  const began = performance.now();
  const rows: Result["rows"] = [];
  let model: readonly Uint8Array[] = [];
  for await (const { stage, step, metrics, table, model: read } of lesson(settings, { threads: 1 })) {
    rows.push({ stage, step, loss: metrics["loss"] ?? null, exactJ: table?.exactJ ?? null });
    if (stage === "sepo" && step === settings.steps) model = packModel(await read());
  }
  return { seconds: (performance.now() - began) / 1000, sha256: sha256(model), rows };
}

async function inNode(options: string): Promise<Result> {
  const env = { ...process.env, NODE_OPTIONS: options };
  const args = [fileURLToPath(import.meta.url), game, steps, examples, "child"];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env, maxBuffer: 1e8 });
  return resultSchema.parse(JSON.parse(stdout));
}

async function inBrowser(): Promise<Result> {
  const browser = await openBrowser(fileURLToPath(new URL("../../site", import.meta.url)));
  try {
    const page = await browser.open(`?examples=${examples}#train`);
    page.setDefaultTimeout(1_200_000);
    await page.locator(".train").getByLabel("Game").selectOption(settings.game);
    await page.getByLabel("Steps of SEPO").fill(steps);
    const began = performance.now();
    await page.getByRole("button", { name: "Train", exact: true }).click();
    await page.getByText(`SEPO ${steps} of ${steps}, done`).waitFor();
    const seconds = (performance.now() - began) / 1000;
    const downloaded = async (name: string): Promise<Buffer> => {
      const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name }).click()]);
      return readFile(await download.path());
    };
    const model = await downloaded("Download the model");
    const [head, ...lines] = (await downloaded("Download the numbers"))
      .toString("utf8")
      .trim()
      .split("\n")
      .map((line) => line.split(","));
    const number = (line: readonly string[], key: string): number | null => {
      const text = line[head.indexOf(key)] ?? "";
      return text === "" ? null : Number(text);
    };
    const rows = lines.map((line) => ({
      stage: line[0],
      step: Number(line[1]),
      loss: number(line, "loss"),
      exactJ: number(line, "exact_j_of_table"),
    }));
    return { seconds, sha256: sha256([model]), rows };
  } finally {
    await browser.close();
  }
}

/** The largest difference of a number between two results, and the first step where there is one. */
function gap(one: Result, other: Result, field: "loss" | "exactJ"): string {
  const gaps = one.rows.map((row, i) => Math.abs((row[field] ?? 0) - (other.rows[i][field] ?? 0)));
  const first = gaps.findIndex((each) => each > 0);
  if (first < 0) return "none";
  const { stage, step } = one.rows[first];
  return `${Math.max(...gaps).toExponential(1)} at most, ${gaps[first].toExponential(1)} first, at ${stage} ${step}`;
}

if (child !== undefined) process.stdout.write(JSON.stringify(await inThisProcess()));
else {
  const native = await inNode("");
  const wasm = await inNode("--conditions=sepo-wasm");
  const results = [
    ["Node, onnxruntime-node, one worker", native] as const,
    ["Node, onnxruntime-web, one worker", wasm] as const,
    ...(noBrowser === undefined ? [["chromium, onnxruntime-web", await inBrowser()] as const] : []),
  ];
  if (noBrowser !== undefined) console.log(`no browser was run: ${noBrowser}`);
  console.log(`${game}, ${settings.steps} steps of SEPO, seed ${settings.seed}`);
  for (const [name, { seconds, sha256: hash, rows }] of results)
    console.log(`${name}: ${seconds.toFixed(1)} s, model ${hash}, last exact J ${rows.at(-1)?.exactJ?.toFixed(4)}`);
  for (const [name, result] of results.slice(1))
    console.log(`${name} beside the first: loss ${gap(native, result, "loss")}; exact J ${gap(native, result, "exactJ")}`);
}
