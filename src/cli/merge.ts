import type { Command } from "commander";
import { writeMerged } from "../runs/merged-model.ts";

interface MergeFlags {
  readonly adapter?: string;
  readonly out: string;
}

export function addMerge(program: Command): void {
  program
    .command("merge")
    .description("write an embedded model with its adapters merged into it, for transformers, servers and engine.from")
    .argument(
      "<model>",
      "a checkpoint, or the folder of a run; with --adapter the folder of a model, or its name in the hub's cache",
    )
    .option("--adapter <folder>", "adapters of low rank that PEFT, or a server, saved for the model")
    .requiredOption("-o, --out <folder>", "the folder that is made")
    .addHelpText(
      "after",
      `
The folder holds model.safetensors in float32, config.json and the tokenizer. A checkpoint without adapters is written as it is.

Examples:
  sepo merge runs/latest --out merged
  sepo merge HuggingFaceTB/SmolLM2-135M-Instruct --adapter adapters/kuhn --out merged`,
    )
    .action(async (model: string, { adapter, out }: MergeFlags) => {
      await writeMerged({ model, ...(adapter === undefined ? {} : { adapter }) }, out);
      console.log(`the model is in ${out}`);
    });
}
