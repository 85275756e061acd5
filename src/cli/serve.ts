import { type Command, InvalidArgumentError } from "commander";
import type { Device } from "../engines/driver.ts";
import { openAgent } from "../runs/agent.ts";
import { serveModel } from "../runs/serve.ts";
import { tokenModel } from "../runs/token-model.ts";
import { serverConnection } from "./connection.ts";
import { interruptSignal } from "./failure.ts";
import { deviceOption, naturalNumber } from "./options.ts";

interface ServeFlags {
  readonly port: number;
  readonly device: Device;
}

export function addServe(program: Command): void {
  program
    .command("serve")
    .description("answer chat completions of the OpenAI API with a checkpoint, on this machine only")
    .argument("<checkpoint>", "a checkpoint, or the folder of a run (then its last finished stage)")
    .option("--port <n>", "port on the loopback address; 0: any that is free", portNumber, 8000)
    .addOption(deviceOption())
    .addHelpText(
      "after",
      `
Log-probabilities of the tokens drawn come with "logprobs": true. Settings that the engine cannot honour are refused, never ignored.

Examples:
  sepo serve runs/latest
  sepo serve runs/latest/checkpoints/sft --port 8001
  sepo evaluate openai-compatible:sepo --base-url http://127.0.0.1:8000/v1 --max-tokens 24 --game kuhn --episodes 20`,
    )
    .action(async (checkpoint: string, { port, device }: ServeFlags) => {
      const agent = await openAgent(checkpoint, { device, ...serverConnection() });
      try {
        const served = await serveModel(tokenModel(checkpoint, agent), port);
        console.log(`${checkpoint} answers at ${served.baseUrl}/chat/completions; Ctrl-C ends it`);
        const signal = interruptSignal();
        await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
        await served.close();
      } finally {
        await agent.engine.release();
      }
    });
}

function portNumber(text: string): number {
  const port = naturalNumber(text);
  if (port > 65535) throw new InvalidArgumentError("expected a port, 0 to 65535");
  return port;
}
